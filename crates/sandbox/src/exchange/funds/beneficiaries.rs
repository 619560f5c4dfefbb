//! Beneficiaries: where an account may withdraw to.

use super::Funds;
use crate::{
    base::id::{AccountId, Code},
    exchange::{
        chains,
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;

/// What a beneficiary is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Details {
    pub(crate) currency: Code,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) target: Target,
    /// The documents' `data` as JSON text, just as it came.
    pub(crate) data: String,
}

/// Where the money goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// An address on a blockchain.
    Address { chain: String, address: String },
    /// A bank account.
    Bank { full_name: String },
}

impl Details {
    /// Whether both are the same address of the same currency on the same blockchain, whatever the tag. A bank account is never
    /// a duplicate: the documents speak of addresses only.
    fn is_same_address(&self, other: &Self) -> bool {
        match (&self.target, &other.target) {
            (Target::Address { chain, address }, Target::Address { chain: its, address: other_address }) => {
                self.currency == other.currency
                    && chain == its
                    && chains::is_same(chain, address, other_address)
            }
            _ => false,
        }
    }
}

/// A beneficiary of an account.
#[derive(Debug, Clone)]
pub(crate) struct Beneficiary {
    pub(crate) id: u64,
    pub(crate) account: AccountId,
    pub(crate) details: Details,
    /// The pin that activates it; `None` means that it is active.
    pub(crate) pin: Option<String>,
    pub(crate) created_ms: i64,
}

impl Beneficiary {
    /// Whether the account may withdraw to it.
    pub(crate) fn is_active(&self) -> bool {
        self.pin.is_none()
    }

    /// The documents' name of its state.
    pub(crate) fn state(&self) -> &'static str {
        if self.is_active() { "active" } else { "pending" }
    }

    /// What a withdrawal shows as its `rid`: the address, or name, currency and number of a bank account.
    pub(crate) fn rid(&self) -> String {
        match &self.details.target {
            Target::Address { address, .. } => address.clone(),
            Target::Bank { full_name } => {
                let words: Vec<_> = full_name.split_whitespace().map(str::to_lowercase).collect();
                format!("{}-{}-{:08}", words.join("-"), self.details.currency, self.id)
            }
        }
    }
}

/// Every beneficiary that is not deleted.
#[derive(Debug, Default)]
pub(crate) struct Beneficiaries(BTreeMap<u64, Beneficiary>);

impl Beneficiaries {
    /// The beneficiary with this number, if the account has it.
    pub(crate) fn get(&self, account: AccountId, id: u64) -> Option<&Beneficiary> {
        self.0.get(&id).filter(|beneficiary| beneficiary.account == account)
    }

    /// The account's beneficiaries, the oldest first.
    pub(crate) fn of(&self, account: AccountId) -> impl Iterator<Item = &Beneficiary> {
        self.0.values().filter(move |beneficiary| beneficiary.account == account)
    }

    /// The pin of a pending beneficiary.
    pub(crate) fn pin(&self, id: u64) -> Option<&str> {
        self.0.get(&id)?.pin.as_deref()
    }

    fn get_mut(&mut self, account: AccountId, id: u64) -> Option<&mut Beneficiary> {
        self.0.get_mut(&id).filter(|beneficiary| beneficiary.account == account)
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Funds>>() -> [Replayable<E>; 4] {
    [
        replayable::<E, AddBeneficiary>(),
        replayable::<E, CreateBeneficiary>(),
        replayable::<E, ActivateBeneficiary>(),
        replayable::<E, DeleteBeneficiary>(),
    ]
}

/// How a beneficiary begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Start {
    Active,
    /// With the pin that activates it; `None` means a new one.
    Pending(Option<String>),
}

fn insert(
    funds: &mut Funds,
    desk: &Desk,
    account: AccountId,
    details: Details,
    start: Start,
    at_ms: i64,
) -> u64 {
    let id = funds.next_id();
    let pin = match start {
        Start::Active => None,
        Start::Pending(Some(pin)) => Some(pin),
        Start::Pending(None) => Some(made_pin(desk, id)),
    };
    let beneficiary = Beneficiary { id, account, details, pin, created_ms: at_ms };
    funds.beneficiaries.0.insert(id, beneficiary);
    id
}

/// The sort of the uuids that pins are made from.
const PINS: u64 = 10;

/// A pin of six digits that looks random.
fn made_pin(desk: &Desk, id: u64) -> String {
    let (number, _) = desk.uuid(PINS, id).as_u64_pair();
    (100_000 + number % 900_000).to_string()
}

/// Gives an account a made-up beneficiary of a currency; the answer is its number.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddBeneficiary {
    pub(crate) account: AccountId,
    pub(crate) currency: Code,
    pub(crate) start: Start,
}

impl Command for AddBeneficiary {
    const NAME: &'static str = "add_beneficiary";
    type Part = Funds;
    type Answer = u64;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> u64 {
        let Self { account, currency, start } = self;
        let is_fiat = desk.catalogue.currency(&currency).is_some_and(|currency| !currency.is_coin());
        // The number that it will get, so that no two have the same address.
        let number = funds.last_id + 1;
        let (target, data) = if is_fiat {
            let full_name = "Demo Holder".to_owned();
            let data = json!({ "full_name": full_name, "account_number": format!("{number:010}") });
            (Target::Bank { full_name }, data)
        } else {
            let chain = chains::usual(&currency).to_owned();
            let address = chains::made_up(&chain, number);
            let data = json!({ "address": address, "is_own": true });
            (Target::Address { chain, address }, data)
        };
        let details = Details {
            currency,
            name: format!("Demo beneficiary {number}"),
            description: Some("Made by the control door".to_owned()),
            target,
            data: data.to_string(),
        };
        insert(funds, desk, account, details, start, at_ms)
    }
}

/// Creates a beneficiary. `None` if the account has the address already.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreateBeneficiary {
    pub(crate) account: AccountId,
    pub(crate) details: Details,
    pub(crate) start: Start,
}

impl Command for CreateBeneficiary {
    const NAME: &'static str = "create_beneficiary";
    type Part = Funds;
    type Answer = Option<Beneficiary>;

    fn run(self, funds: &mut Funds, desk: &mut Desk, at_ms: i64) -> Option<Beneficiary> {
        let Self { account, details, start } = self;
        if funds.beneficiaries.of(account).any(|other| details.is_same_address(&other.details)) {
            return None;
        }
        let id = insert(funds, desk, account, details, start, at_ms);
        funds.beneficiaries.get(account, id).cloned()
    }
}

/// Why a beneficiary was not activated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotActivated {
    /// The account has no such beneficiary.
    Unknown,
    /// It is active already.
    Active,
    /// The pin is another one.
    WrongPin,
}

/// Activates a beneficiary with its pin.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ActivateBeneficiary {
    pub(crate) account: AccountId,
    pub(crate) id: u64,
    pub(crate) pin: String,
}

impl Command for ActivateBeneficiary {
    const NAME: &'static str = "activate_beneficiary";
    type Part = Funds;
    type Answer = Result<Beneficiary, NotActivated>;

    fn run(self, funds: &mut Funds, _desk: &mut Desk, _at_ms: i64) -> Self::Answer {
        let found = funds.beneficiaries.get_mut(self.account, self.id).ok_or(NotActivated::Unknown)?;
        match &found.pin {
            None => Err(NotActivated::Active),
            Some(pin) if *pin != self.pin => Err(NotActivated::WrongPin),
            Some(_) => {
                found.pin = None;
                Ok(found.clone())
            }
        }
    }
}

/// Deletes a beneficiary; the answer is whether the account had it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeleteBeneficiary {
    pub(crate) account: AccountId,
    pub(crate) id: u64,
}

impl Command for DeleteBeneficiary {
    const NAME: &'static str = "delete_beneficiary";
    type Part = Funds;
    type Answer = bool;

    fn run(self, funds: &mut Funds, _desk: &mut Desk, _at_ms: i64) -> bool {
        let has_it = funds.beneficiaries.get(self.account, self.id).is_some();
        has_it && funds.beneficiaries.0.remove(&self.id).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::demo;
    use std::sync::Arc;

    #[test]
    fn a_withdrawal_shows_an_address_or_a_name_with_currency_and_number() {
        let (mut funds, mut desk) = (Funds::default(), Desk::new(1));
        desk.catalogue = Arc::new(demo::catalogue());
        let mut rid = |currency: &str| {
            let currency = Code::new(currency).unwrap();
            let account = AccountId(1);
            let id = AddBeneficiary { account, currency, start: Start::Active }.run(&mut funds, &mut desk, 0);
            funds.beneficiaries.get(account, id).unwrap().rid()
        };
        assert!(rid("btc").starts_with("bc1q"));
        assert_eq!(rid("zar"), "demo-holder-zar-00000002");
        assert!(rid("xrp").starts_with('r'));
    }

    #[test]
    fn pins_have_six_digits_and_differ() {
        let desk = Desk::new(7);
        let pins: std::collections::BTreeSet<_> = (1..=100).map(|id| made_pin(&desk, id)).collect();
        assert!(pins.len() > 95 && pins.iter().all(|pin| pin.len() == 6), "{pins:?}");
        assert_eq!(made_pin(&desk, 1), made_pin(&Desk::new(7), 1));
    }
}
