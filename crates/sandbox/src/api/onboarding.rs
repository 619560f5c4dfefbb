//! The form of a new customer or merchant: a person, or a business with its owners.
//!
//! Occupations and sources of funds outside of the documents' lists are taken, because the documents' own examples have such.

use super::{
    account_webhook,
    call::ApiRequest,
    deposit_action,
    fields::{self, Field, Kind, Rules, needed, optional},
    params::{Params, Value},
};
use crate::{
    base::refusal::{OwnCode, own},
    exchange::people::{
        customers::Application,
        facts::{Entity, Fact, Facts},
    },
};
use serde_json::value::RawValue;

const ENTITY: &str = "sandbox.customer.invalid_entity_type";
const NAME: &str = "sandbox.customer.invalid_account_name";
const PROFILE: &str = "sandbox.customer.invalid_business_profile";
const UBOS: &str = "sandbox.customer.invalid_ubos";
const ACTION: &str = "sandbox.customer.invalid_deposit_action";

/// Of both.
const ACCOUNT: [Field; 2] = [
    needed("email", Kind::Email, "sandbox.customer.invalid_email"),
    needed("phone_number", Kind::Phone, "sandbox.customer.invalid_phone_number"),
];

/// Of a person.
const PERSON: [Field; 22] = [
    needed("first_name", Kind::Text, "sandbox.customer.invalid_first_name"),
    needed("last_name", Kind::Text, "sandbox.customer.invalid_last_name"),
    needed("dob", Kind::Birth, "sandbox.customer.invalid_dob"),
    needed("address", Kind::Text, "sandbox.customer.invalid_address"),
    needed("postcode", Kind::Text, "sandbox.customer.invalid_postcode"),
    needed("city", Kind::Text, "sandbox.customer.invalid_city"),
    needed("country", Kind::Country, "sandbox.customer.invalid_country"),
    needed("nationality", Kind::Country, "sandbox.customer.invalid_nationality"),
    needed("country_of_residence", Kind::Country, "sandbox.customer.invalid_country_of_residence"),
    // The documents' example has the second name.
    optional("id_number", Kind::Text, "sandbox.customer.invalid_id_number")
        .only_if("nationality", "ZA")
        .also("sa_id_number"),
    needed("occupation", Kind::Occupation, "sandbox.customer.invalid_occupation"),
    needed("source_of_funds", Kind::SourceOfFunds, "sandbox.customer.invalid_source_of_funds"),
    optional("doc_type", Kind::Text, "sandbox.customer.invalid_doc_type"),
    optional("doc_number", Kind::Text, "sandbox.customer.invalid_doc_number"),
    optional("doc_expire", Kind::Day, "sandbox.customer.invalid_doc_expire"),
    optional("doc_country", Kind::Country, "sandbox.customer.invalid_doc_country"),
    optional("is_pep_occupation", Kind::Flag, "sandbox.customer.invalid_is_pep_occupation"),
    optional("pep_occupation_data", Kind::Long, "sandbox.customer.invalid_pep_occupation_data")
        .only_if("is_pep_occupation", "true"),
    optional("is_pep_related", Kind::Flag, "sandbox.customer.invalid_is_pep_related"),
    optional("pep_related_data", Kind::Long, "sandbox.customer.invalid_pep_related_data")
        .only_if("is_pep_related", "true"),
    optional("is_pip", Kind::Flag, "sandbox.customer.invalid_is_pip"),
    optional("pip_data", Kind::Long, "sandbox.customer.invalid_pip_data").only_if("is_pip", "true"),
];

/// In `business_profile`.
const BUSINESS: [Field; 16] = [
    needed("company_name", Kind::Text, "sandbox.customer.invalid_business_company_name"),
    needed("registration_number", Kind::Text, "sandbox.customer.invalid_business_registration_number"),
    needed(
        "registration_country",
        Kind::LongCountry,
        "sandbox.customer.invalid_business_registration_country",
    ),
    needed("industry", Kind::Text, "sandbox.customer.invalid_business_industry"),
    needed("purpose_of_account", Kind::Long, "sandbox.customer.invalid_business_purpose_of_account"),
    needed(
        "expected_monthly_volume_usd",
        Kind::Amount,
        "sandbox.customer.invalid_business_expected_monthly_volume_usd",
    ),
    optional(
        "jurisdictions_of_operation",
        Kind::Countries,
        "sandbox.customer.invalid_business_jurisdictions_of_operation",
    ),
    optional("website", Kind::Long, "sandbox.customer.invalid_business_website"),
    optional("employee_count", Kind::Count, "sandbox.customer.invalid_business_employee_count"),
    optional("address", Kind::Text, "sandbox.customer.invalid_business_address"),
    optional("city", Kind::Text, "sandbox.customer.invalid_business_city"),
    optional("postcode", Kind::Text, "sandbox.customer.invalid_business_postcode"),
    optional("country", Kind::Country, "sandbox.customer.invalid_business_country"),
    optional("license_status", Kind::Licence, "sandbox.customer.invalid_business_license_status"),
    optional("license_number", Kind::Text, "sandbox.customer.invalid_business_license_number")
        .only_if("license_status", "Licensed"),
    optional(
        "license_jurisdictions",
        Kind::Countries,
        "sandbox.customer.invalid_business_license_jurisdictions",
    )
    .only_if("license_status", "Licensed"),
];

/// In each of `ubos`.
const UBO: [Field; 22] = [
    needed("email", Kind::Email, "sandbox.customer.invalid_ubo_email"),
    needed("first_name", Kind::Text, "sandbox.customer.invalid_ubo_first_name"),
    needed("last_name", Kind::Text, "sandbox.customer.invalid_ubo_last_name"),
    needed("dob", Kind::Birth, "sandbox.customer.invalid_ubo_dob"),
    needed("address", Kind::Text, "sandbox.customer.invalid_ubo_address"),
    needed("postcode", Kind::Text, "sandbox.customer.invalid_ubo_postcode"),
    needed("city", Kind::Text, "sandbox.customer.invalid_ubo_city"),
    needed("country", Kind::Country, "sandbox.customer.invalid_ubo_country"),
    needed("nationality", Kind::Country, "sandbox.customer.invalid_ubo_nationality"),
    optional("phone_number", Kind::Phone, "sandbox.customer.invalid_ubo_phone_number"),
    needed("id_number", Kind::Text, "sandbox.customer.invalid_ubo_id_number"),
    needed("occupation", Kind::Occupation, "sandbox.customer.invalid_ubo_occupation"),
    needed("source_of_funds", Kind::SourceOfFunds, "sandbox.customer.invalid_ubo_source_of_funds"),
    needed("ownership_percentage", Kind::Share, "sandbox.customer.invalid_ubo_ownership_percentage"),
    optional("is_director", Kind::Flag, "sandbox.customer.invalid_ubo_is_director"),
    optional("is_authorized_signatory", Kind::Flag, "sandbox.customer.invalid_ubo_is_authorized_signatory"),
    optional("is_pep_occupation", Kind::Flag, "sandbox.customer.invalid_ubo_is_pep_occupation"),
    optional("pep_occupation_data", Kind::Long, "sandbox.customer.invalid_ubo_pep_occupation_data")
        .only_if("is_pep_occupation", "true"),
    optional("is_pep_related", Kind::Flag, "sandbox.customer.invalid_ubo_is_pep_related"),
    optional("pep_related_data", Kind::Long, "sandbox.customer.invalid_ubo_pep_related_data")
        .only_if("is_pep_related", "true"),
    optional("is_pip", Kind::Flag, "sandbox.customer.invalid_ubo_is_pip"),
    optional("pip_data", Kind::Long, "sandbox.customer.invalid_ubo_pip_data").only_if("is_pip", "true"),
];

const OWN_CODES: &[OwnCode] = &[
    own(
        ENTITY,
        "422: `entity_type` is neither `individual` nor `business`, or a merchant's is not `business`; no code is documented",
    ),
    own(
        NAME,
        "422: `account_name` is missing for a business, or longer than 255 characters; no code is documented",
    ),
    own(PROFILE, "422: `business_profile` is missing or no object; no code is documented"),
    own(UBOS, "422: `ubos` is missing, empty or no list of objects; no code is documented"),
    own(ACTION, "422: `deposit_action` has none of the documented forms; no code is documented"),
];

/// Every code of a wrong form, with its reason.
pub(super) fn own_codes() -> impl Iterator<Item = &'static OwnCode> {
    const TABLES: [&[OwnCode]; 5] = [
        OWN_CODES,
        &fields::own_codes(&ACCOUNT),
        &fields::own_codes(&PERSON),
        &fields::own_codes(&BUSINESS),
        &fields::own_codes(&UBO),
    ];
    TABLES.into_iter().flatten()
}

/// The codes of a wrong form.
pub(super) const CODES: &[&str] = &[ENTITY, NAME, PROFILE, UBOS, ACTION];
pub(super) const ACCOUNT_CODES: &[&str] = &fields::codes(&ACCOUNT);
pub(super) const PERSON_CODES: &[&str] = &fields::codes(&PERSON);
pub(super) const BUSINESS_CODES: &[&str] = &fields::codes(&BUSINESS);
pub(super) const UBO_CODES: &[&str] = &fields::codes(&UBO);

/// What the values of a form are compared with.
pub(super) fn rules(request: &ApiRequest<'_>) -> Rules {
    Rules { now_ms: request.now_ms(), only_listed: request.host.config.only_listed }
}

/// Reads the form. Everything that is wrong is added to the codes; then there may be no form.
pub(super) fn read(
    request: &ApiRequest<'_>,
    takes_persons: bool,
    codes: &mut Vec<&'static str>,
) -> Option<Application> {
    let (params, rules) = (request.params, rules(request));
    let mut account = fields::read(&ACCOUNT, params, rules, codes);
    let deposit_action = deposit_action::read(request, ACTION, codes).unwrap_or_default();
    let webhook = account_webhook::read_object(request, codes);
    let entity = match params.get("entity_type").and_then(Value::as_text) {
        Some("individual") if takes_persons => Some(Entity::Individual),
        Some("business") => Some(Entity::Business),
        _ => {
            codes.push(ENTITY);
            None
        }
    };
    let account_name = account_name(params, rules, entity == Some(Entity::Business), codes);
    let (profile, ubos) = match entity? {
        Entity::Individual => (fields::read(&PERSON, params, rules, codes), Vec::new()),
        Entity::Business => business(params, rules, codes),
    };
    let mut text = |name: &str| match account.remove(name) {
        Some(Fact::Text(text)) => Some(text),
        _ => None,
    };
    let (email, phone_number) = (text("email")?, text("phone_number")?);
    Some(Application {
        entity: entity?,
        email,
        phone_number,
        account_name,
        profile,
        ubos,
        deposit_action,
        webhook,
    })
}

fn account_name(
    params: &Params,
    rules: Rules,
    is_needed: bool,
    codes: &mut Vec<&'static str>,
) -> Option<String> {
    let name = if is_needed {
        [needed("account_name", Kind::Text, NAME)]
    } else {
        [optional("account_name", Kind::Text, NAME)]
    };
    match fields::read(&name, params, rules, codes).remove("account_name") {
        Some(Fact::Text(name)) => Some(name),
        _ => None,
    }
}

fn business(params: &Params, rules: Rules, codes: &mut Vec<&'static str>) -> (Facts, Vec<Facts>) {
    let profile = params.get("business_profile").and_then(object);
    if profile.is_none() {
        codes.push(PROFILE);
    }
    let profile = profile.map(|profile| fields::read(&BUSINESS, &profile, rules, codes));
    let owners = params.get("ubos").and_then(objects).filter(|owners| !owners.is_empty());
    if owners.is_none() {
        codes.push(UBOS);
    }
    let owners = owners.unwrap_or_default();
    let owners = owners.iter().map(|owner| fields::read(&UBO, owner, rules, codes)).collect();
    (profile.unwrap_or_default(), owners)
}

/// An object; in a form, a text with its JSON.
fn object(value: &Value) -> Option<Params> {
    match value {
        Value::Object(text) | Value::Text(text) => Params::of_object(text),
        _ => None,
    }
}

fn objects(value: &Value) -> Option<Vec<Params>> {
    match value {
        Value::List(items) => items.iter().map(object).collect(),
        Value::Text(text) => match Value::from_json(serde_json::from_str::<&RawValue>(text).ok()?) {
            Value::List(items) => items.iter().map(object).collect(),
            _ => None,
        },
        _ => None,
    }
}
