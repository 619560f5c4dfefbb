//! Where an account may withdraw to.

use crate::{
    BeneficiaryId, CurrencyId, Sensitive, Timestamp, VaspId, ids,
    own_text::{raw, unquoted},
    time, tolerant,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;
use std::collections::HashMap;

crate::open_enum! {
    /// State of a beneficiary (documents: "Beneficiary", which name words and digits).
    pub enum BeneficiaryState {
        /// It waits for the pin that the exchange sent by e-mail.
        Pending = "pending" | "Pending" | "0",
        /// The account may withdraw to it.
        Active = "active" | "Active" | "1",
        /// It was deleted.
        Archived = "archived" | "Archived" | "2",
    }
}

/// A bank account or an address to which an account may withdraw (documents: "Beneficiary").
///
/// `Debug` shows only number, currency and state, because everything else may be personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Received")]
#[non_exhaustive]
pub struct Beneficiary {
    /// Its id. The documents name it `uuid`, the server family `id`; both are read, and `id` counts if both are there.
    pub id: BeneficiaryId,
    /// The currency, such as `zar`.
    pub currency: CurrencyId,
    /// Your own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Sensitive<String>>,
    /// Your own description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Sensitive<String>>,
    /// The address or the bank account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<BeneficiaryData>,
    /// Its state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<BeneficiaryState>,
    /// The blockchain. The documents have it only in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blockchain_key: Option<String>,
    /// When the pin was sent. The server family sends it; the documents do not mention it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
}

/// A beneficiary as it comes, with both names of its id.
#[derive(Deserialize)]
struct Received {
    #[serde(default, deserialize_with = "ids::optional_beneficiary_id")]
    id: Option<BeneficiaryId>,
    #[serde(default, deserialize_with = "ids::optional_beneficiary_id")]
    uuid: Option<BeneficiaryId>,
    currency: CurrencyId,
    #[serde(default, deserialize_with = "tolerant::optional_secret")]
    name: Option<Sensitive<String>>,
    #[serde(default, deserialize_with = "tolerant::optional_secret")]
    description: Option<Sensitive<String>>,
    #[serde(default)]
    data: Option<BeneficiaryData>,
    #[serde(default)]
    state: Option<BeneficiaryState>,
    #[serde(default, deserialize_with = "tolerant::optional_text")]
    blockchain_key: Option<String>,
    #[serde(default, deserialize_with = "time::optional::deserialize")]
    sent_at: Option<Timestamp>,
}

impl TryFrom<Received> for Beneficiary {
    type Error = &'static str;

    fn try_from(received: Received) -> Result<Self, Self::Error> {
        let Received { id, uuid, currency, name, description, data, state, blockchain_key, sent_at } =
            received;
        let id = id.or(uuid).ok_or("a beneficiary has neither id nor uuid")?;
        Ok(Self { id, currency, name, description, data, state, blockchain_key, sent_at })
    }
}

impl Beneficiary {
    /// Whether the account may withdraw to it now. An unknown state is not active.
    pub fn is_active(&self) -> bool {
        self.state == Some(BeneficiaryState::Active)
    }
}

/// The address or the bank account of a beneficiary, with all its fields, known or not.
///
/// The exchange sends an object, or a text with the object's JSON. Each function reads one field: text, or a number as the text
/// it was written with. It is `None` if the field is absent, null, empty or of another type. `Debug` shows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeneficiaryData {
    /// The JSON value, as it came.
    came: Sensitive<String>,
    /// The object's JSON: the content of the text, if a text came.
    object: Sensitive<String>,
}

impl BeneficiaryData {
    /// The JSON of the object. If the exchange sent a text that is no JSON, it is that text.
    pub fn as_json(&self) -> &str {
        self.object.expose()
    }

    /// A field of the object by its name on the wire.
    pub fn field(&self, name: &str) -> Option<Sensitive<String>> {
        text(fields(self.as_json()).get(name)?)
    }

    /// The address; coins only.
    pub fn address(&self) -> Option<Sensitive<String>> {
        self.field("address")
    }

    /// The tag that some coins need beside the address, such as XRP.
    pub fn tag(&self) -> Option<Sensitive<String>> {
        self.field("tag")
    }

    /// Whether the wallet is the account holder's own.
    pub fn is_own(&self) -> Option<bool> {
        flag(fields(self.as_json()).get("is_own")?)
    }

    /// Whether the owner of the wallet keeps its keys.
    pub fn is_unhosted(&self) -> Option<bool> {
        flag(fields(self.as_json()).get("is_unhosted")?)
    }

    /// The company that keeps the wallet.
    pub fn vasp_id(&self) -> Option<VaspId> {
        self.field("vasp_id")?.expose().parse().ok()
    }

    /// Who owns the wallet.
    pub fn recipient(&self) -> Option<PartyData> {
        let object = *fields(self.as_json()).get("recipient_data")?;
        let fields = fields(object.get());
        let text = |name| fields.get(name).copied().and_then(text);
        Some(PartyData {
            identity_type: text("identity_type"),
            first_name: text("first_name"),
            last_name: text("last_name"),
            company_name: text("company_name"),
            country: text("country"),
        })
    }

    /// The holder's full legal name; fiat only, as all that follow.
    pub fn full_name(&self) -> Option<Sensitive<String>> {
        self.field("full_name")
    }

    /// The number of the bank account. The server family hides a part of it behind `*`.
    pub fn account_number(&self) -> Option<Sensitive<String>> {
        self.field("account_number")
    }

    /// The IBAN.
    pub fn iban(&self) -> Option<Sensitive<String>> {
        self.field("iban")
    }

    /// Name of the bank.
    pub fn bank_name(&self) -> Option<Sensitive<String>> {
        self.field("bank_name")
    }

    /// SWIFT code of the bank.
    pub fn bank_swift_code(&self) -> Option<Sensitive<String>> {
        self.field("bank_swift_code")
    }

    /// Routing number of the bank (United States).
    pub fn bank_routing_number(&self) -> Option<Sensitive<String>> {
        self.field("bank_routing_number")
    }

    /// Address of the bank.
    pub fn bank_address(&self) -> Option<Sensitive<String>> {
        self.field("bank_address")
    }

    /// City of the bank.
    pub fn bank_city(&self) -> Option<Sensitive<String>> {
        self.field("bank_city")
    }

    /// SWIFT code of the intermediary bank.
    pub fn intermediary_bank_swift(&self) -> Option<Sensitive<String>> {
        self.field("intermediary_bank_swift")
    }

    /// The account's holder, if it is not `full_name`.
    pub fn account_holder_name(&self) -> Option<Sensitive<String>> {
        self.field("account_holder_name")
    }

    /// Type of the account, such as `savings`.
    pub fn account_type(&self) -> Option<Sensitive<String>> {
        self.field("account_type")
    }
}

/// A person or a company, as the travel rule asks for it. `Debug` shows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartyData {
    /// `Individual` or `Business`, or the type of an identity paper.
    pub identity_type: Option<Sensitive<String>>,
    /// First name of a person.
    pub first_name: Option<Sensitive<String>>,
    /// Last name of a person.
    pub last_name: Option<Sensitive<String>>,
    /// Name of a company.
    pub company_name: Option<Sensitive<String>>,
    /// Code of the country.
    pub country: Option<Sensitive<String>>,
}

/// The fields of an object; none if it is no object. Each keeps its own text, so that no number loses digits.
fn fields(json: &str) -> HashMap<String, &RawValue> {
    serde_json::from_str(json).unwrap_or_default()
}

fn text(value: &RawValue) -> Option<Sensitive<String>> {
    tolerant::optional_secret(value).ok().flatten()
}

fn flag(value: &RawValue) -> Option<bool> {
    tolerant::optional_bool(value).ok().flatten()
}

impl<'de> Deserialize<'de> for BeneficiaryData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        raw(deserializer, |came| {
            let object = if came.starts_with('"') { unquoted(came)?.into_owned() } else { came.to_owned() };
            Ok(Self { came: Sensitive::from(came), object: Sensitive::new(object) })
        })
    }
}

impl Serialize for BeneficiaryData {
    /// Writes the value as it came.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: &RawValue = serde_json::from_str(self.came.expose()).map_err(S::Error::custom)?;
        value.serialize(serializer)
    }
}
