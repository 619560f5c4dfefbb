//! Who is behind a wallet: the information of the travel rule, which several calls send.

use crate::args::Text;
use capecrypto_models::{
    Arg, Malformed, Sensitive, VaspId,
    param::{Fields, Name, Param, Params, Place},
};
use capecrypto_rest::object;
use std::str::FromStr;

object! {
    /// A person or a company, as the travel rule asks for it (documents: "Travel Rule `recipient_data` Object", "Originator Data
    /// Fields"). `Debug` and errors never show it.
    pub struct Party {
        identity_type: IdentityType,
        first_name: Option<Arg<Text<255>>>,
        last_name: Option<Arg<Text<255>>>,
        company_name: Option<Arg<Text<255>>>,
        country: Arg<Country>,
    }
}

impl Party {
    /// A person. The country is its code, such as `ZA`. The names have 1 to 255 characters; the documents state no limit, so
    /// this one is ours.
    pub fn individual(
        first_name: impl Into<Arg<Text<255>>>,
        last_name: impl Into<Arg<Text<255>>>,
        country: impl Into<Arg<Country>>,
    ) -> Self {
        let (first, last) = (Some(first_name.into()), Some(last_name.into()));
        Self::with(IdentityType(Some("Individual".into())), first, last, None, country.into())
    }

    /// A company. The country is its code, such as `ZA`. The name has 1 to 255 characters; the limit is ours.
    pub fn business(company_name: impl Into<Arg<Text<255>>>, country: impl Into<Arg<Country>>) -> Self {
        let company = Some(company_name.into());
        Self::with(IdentityType(Some("Business".into())), None, None, company, country.into())
    }

    /// Sends another `identity_type` than `Individual` or `Business`: any text of 1 to 255 characters. The documents of the
    /// deposit's travel rule and of lightning payments name types of identity papers here, such as `passport`.
    #[must_use = "a setter returns the changed party"]
    pub fn identity_type(mut self, identity_type: impl Into<Arg<Text<255>>>) -> Self {
        self.identity_type = IdentityType(Some(identity_type.into()));
        self
    }

    /// Leaves out `identity_type`, as an example of the documents does. Their tables require it, so this is a warning.
    #[must_use = "a setter returns the changed party"]
    pub fn without_identity_type(mut self) -> Self {
        self.identity_type = IdentityType(None);
        self
    }
}

/// The field `identity_type`; leaving it out is a warning.
#[derive(Debug, Clone)]
struct IdentityType(Option<Arg<Text<255>>>);

impl Param for IdentityType {
    fn write(&self, place: &mut dyn Place) {
        if self.0.is_none() {
            place.warn(Malformed::new(
                "it is left out, and the documents require it",
                "leave out `without_identity_type`",
            ));
        }
        self.0.write(place);
    }
}

/// The code of a country: two or three letters, such as `ZA`. The documents ask for an ISO code and do not say which one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Country(Sensitive<String>);

impl FromStr for Country {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        if (2..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase()) {
            return Ok(Self(text.into()));
        }
        Err(Malformed::new(
            "it is not the code of a country",
            "give the ISO code in upper case, with two letters (or three), such as ZA",
        ))
    }
}

impl Param for Country {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        place.text(self.0.expose());
    }
}

/// What the travel rule asks about a wallet: who owns it, and who keeps it. Its fields are `is_own`, `is_unhosted`, `vasp_id` and
/// `recipient_data`. The older version has none of them and refuses them.
///
/// ```
/// use capecrypto_exchange::account::{Party, TravelRule};
/// let mine = TravelRule::own_wallet().unhosted();
/// let theirs = TravelRule::wallet_of(Party::business("Baobab Ltd", "ZA")).at_vasp(12);
/// # let _ = (mine, theirs);
/// ```
#[derive(Debug, Clone)]
pub struct TravelRule {
    /// The owner; `None` is the account's holder.
    recipient: Option<Party>,
    keeper: Keeper,
}

/// Who keeps the wallet's keys.
#[derive(Debug, Clone)]
enum Keeper {
    NotSaid,
    Owner,
    Vasp(Arg<VaspId>),
}

impl TravelRule {
    /// The wallet belongs to the account's holder.
    pub fn own_wallet() -> Self {
        Self { recipient: None, keeper: Keeper::NotSaid }
    }

    /// The wallet belongs to somebody else.
    pub fn wallet_of(recipient: Party) -> Self {
        Self { recipient: Some(recipient), keeper: Keeper::NotSaid }
    }

    /// The wallet is unhosted: its owner keeps its keys. Replaces [`at_vasp`](Self::at_vasp).
    #[must_use = "a setter returns the changed value"]
    pub fn unhosted(self) -> Self {
        Self { keeper: Keeper::Owner, ..self }
    }

    /// A company keeps the wallet, such as another exchange; [`ListVasps`](crate::public::ListVasps) lists those with a number.
    /// Replaces [`unhosted`](Self::unhosted).
    #[must_use = "a setter returns the changed value"]
    pub fn at_vasp(self, vasp: impl Into<Arg<VaspId>>) -> Self {
        Self { keeper: Keeper::Vasp(vasp.into()), ..self }
    }
}

impl Params for TravelRule {
    fn write_fields(&self, fields: &mut dyn Fields) {
        let (unhosted, vasp) = match &self.keeper {
            Keeper::NotSaid => (None, None),
            Keeper::Owner => (Some(true), None),
            Keeper::Vasp(id) => (Some(false), Some(id)),
        };
        fields.field(Name::new("is_own").current_only(), &self.recipient.is_none());
        fields.field(Name::new("is_unhosted").current_only(), &unhosted);
        fields.field(Name::new("vasp_id").current_only(), &vasp);
        fields.field(Name::new("recipient_data").current_only(), &self.recipient);
    }
}
