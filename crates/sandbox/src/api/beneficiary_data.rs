//! The object `data` of a new beneficiary: an address with the travel rule's answers, or a bank account.

use super::params::Value;
use crate::{
    base::refusal::{OwnCode, own},
    exchange::{chains, vasps},
};
use serde_json::{Map, Value as Json};

const MISSING_DATA: &str = "account.beneficiary.missing_data";
const EMPTY_DATA: &str = "account.beneficiary.empty_data";
const NON_JSON_DATA: &str = "account.beneficiary.non_json_data";
const MISSING_ADDRESS: &str = "account.beneficiary.missing_address_in_data";
const MISSING_FULL_NAME: &str = "account.beneficiary.missing_full_name_in_data";

pub(super) const INVALID_ADDRESS: OwnCode = own(
    "sandbox.beneficiary.invalid_address",
    "422: the address cannot be one of the blockchain; the documents promise the check without a code",
);
pub(super) const INVALID_TAG: OwnCode = own(
    "sandbox.beneficiary.invalid_tag",
    "422: the tag is not a whole number from 0 to 4294967295; no code is documented",
);
pub(super) const INVALID_FIELD: OwnCode = own(
    "sandbox.beneficiary.invalid_field_in_data",
    "422: a field of a bank account is neither text nor number; no code is documented",
);
pub(super) const INVALID_TRAVEL_RULE: OwnCode = own(
    "sandbox.beneficiary.invalid_travel_rule",
    "422: `is_own` or `is_unhosted` is neither true nor false; no code is documented",
);
pub(super) const NO_VASP: OwnCode = own(
    "sandbox.beneficiary.vasp_doesnt_exist",
    "422: `vasp_id` is not the number of an active VASP; no code is documented",
);
pub(super) const INVALID_RECIPIENT: OwnCode = own(
    "sandbox.beneficiary.invalid_recipient_data",
    "422: `recipient_data` is not an object of texts, or its `identity_type` is neither Individual nor Business; no code \
     is documented",
);

pub(super) const DATA_CODES: &[&str] = &[
    MISSING_DATA,
    EMPTY_DATA,
    NON_JSON_DATA,
    MISSING_ADDRESS,
    MISSING_FULL_NAME,
    INVALID_ADDRESS.code,
    INVALID_TAG.code,
    INVALID_FIELD.code,
    INVALID_TRAVEL_RULE.code,
    NO_VASP.code,
    INVALID_RECIPIENT.code,
];

/// The fields of a bank account that may be left out.
const BANK_FIELDS: [&str; 10] = [
    "account_number",
    "bank_name",
    "bank_swift_code",
    "bank_routing_number",
    "iban",
    "bank_address",
    "bank_city",
    "intermediary_bank_swift",
    "account_holder_name",
    "account_type",
];

/// The object, and its text just as it came.
pub(super) struct Data {
    pub(super) json: String,
    fields: Map<String, Json>,
}

impl Data {
    /// Reads the parameter: an object, or a text with the object's JSON. `None` if a code says why not.
    pub(super) fn read(value: Option<&Value>, codes: &mut Vec<&'static str>) -> Option<Self> {
        let text = match value {
            None => Err(MISSING_DATA),
            Some(Value::Text(text)) if text.trim().is_empty() => Err(EMPTY_DATA),
            Some(Value::Object(text) | Value::Text(text)) => Ok(text),
            Some(_) => Err(NON_JSON_DATA),
        };
        let read = text.and_then(|json| match serde_json::from_str::<Map<String, Json>>(json) {
            Ok(fields) if fields.is_empty() => Err(EMPTY_DATA),
            Ok(fields) => Ok(Self { json: json.clone(), fields }),
            Err(_) => Err(NON_JSON_DATA),
        });
        read.map_err(|code| codes.push(code)).ok()
    }

    /// A field that is not null.
    fn field(&self, name: &str) -> Option<&Json> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    /// A field that is a text and not blank.
    fn text(&self, name: &str) -> Option<&str> {
        self.field(name).and_then(Json::as_str).filter(|text| !text.trim().is_empty())
    }

    /// The holder of a bank account.
    pub(super) fn bank(&self, codes: &mut Vec<&'static str>) -> Option<String> {
        let is_wrong =
            |name: &&str| self.field(name).is_some_and(|value| !value.is_string() && !value.is_number());
        if BANK_FIELDS.iter().any(is_wrong) {
            codes.push(INVALID_FIELD.code);
        }
        let full_name = self.text("full_name");
        if full_name.is_none() {
            codes.push(MISSING_FULL_NAME);
        }
        full_name.map(str::to_owned)
    }

    /// The address. The travel rule's fields are checked only on the docs profile: the older servers do not know them.
    pub(super) fn address(
        &self,
        chain: Option<&str>,
        is_current: bool,
        codes: &mut Vec<&'static str>,
    ) -> Option<String> {
        let address = self.text("address");
        match (address, chain) {
            (None, _) => codes.push(MISSING_ADDRESS),
            (Some(address), Some(chain)) if !chains::is_address(chain, address) => {
                codes.push(INVALID_ADDRESS.code);
            }
            _ => {}
        }
        if is_current {
            self.check_tag(codes);
            self.check_travel_rule(codes);
        }
        address.map(str::to_owned)
    }

    fn check_tag(&self, codes: &mut Vec<&'static str>) {
        let Some(tag) = self.field("tag") else { return };
        let text = tag.as_str().map_or_else(|| tag.to_string(), str::to_owned);
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || text.parse::<u32>().is_err() {
            codes.push(INVALID_TAG.code);
        }
    }

    fn check_travel_rule(&self, codes: &mut Vec<&'static str>) {
        let flags = ["is_own", "is_unhosted"];
        if flags.iter().any(|name| self.field(name).is_some_and(|flag| !flag.is_boolean())) {
            codes.push(INVALID_TRAVEL_RULE.code);
        }
        if self.field("vasp_id").is_some_and(|id| !id.as_u64().is_some_and(vasps::is_active)) {
            codes.push(NO_VASP.code);
        }
        let Some(recipient) = self.field("recipient_data") else { return };
        let good = recipient.as_object().is_some_and(|recipient| {
            let kind = recipient.get("identity_type").filter(|kind| !kind.is_null());
            recipient.values().all(|value| value.is_string() || value.is_null())
                && kind.is_none_or(|kind| kind == "Individual" || kind == "Business")
        });
        if !good {
            codes.push(INVALID_RECIPIENT.code);
        }
    }
}
