//! The VASPs that the exchange knows: companies that keep or move crypto for others. They are made up, and never change.

/// A VASP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Vasp {
    pub(crate) id: u64,
    house: &'static str,
    trade: &'static str,
    pub(crate) state: &'static str,
}

const HOUSES: [&str; 15] = [
    "Acacia", "Baobab", "Cedar", "Drakens", "Erica", "Fynbos", "Gariep", "Hoopoe", "Indwe", "Jackal",
    "Karoo", "Limpopo", "Marula", "Namaqua", "Orange",
];
const TRADES: [&str; 4] = ["Exchange", "Custody", "Wallet", "Payments"];

impl Vasp {
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.house, self.trade)
    }

    /// The start of its web site and its e-mail address.
    pub(crate) fn slug(&self) -> String {
        format!("{}-{}", self.house, self.trade).to_lowercase()
    }

    pub(crate) fn is_active(&self) -> bool {
        self.state == "active"
    }
}

/// All of them, by number. Some are not active: they are not listed, and no beneficiary can name them.
pub(crate) fn all() -> impl Iterator<Item = Vasp> {
    let names = HOUSES.into_iter().flat_map(|house| TRADES.into_iter().map(move |trade| (house, trade)));
    (1..).zip(names).map(|(id, (house, trade))| {
        let state = match id % 20 {
            7 => "pending",
            13 => "rejected",
            19 => "requested",
            _ => "active",
        };
        Vasp { id, house, trade, state }
    })
}

/// Whether an active VASP has this number.
pub(crate) fn is_active(id: u64) -> bool {
    all().any(|vasp| vasp.id == id && vasp.is_active())
}
