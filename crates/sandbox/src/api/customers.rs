//! Customers (the documents' section "Customers Management").

use super::{
    account_webhook::{self, SETTINGS_CODES},
    call::{ApiRequest, Theme, route},
    fields::{self, Field, Kind, optional},
    onboarding,
    paging::{Page, SHARED_CODES, SHARED_LEGACY_CODES, shared_limits},
};
use crate::{
    base::{
        clock::iso_ms,
        id::AccountId,
        money,
        refusal::{NOT_FOUND, OwnCode, ROLE_NOT_PERMITTED, Refusal, own},
        reply::Reply,
    },
    exchange::people::{
        Role,
        customers::{CreateCustomer, Seen, UpdateCustomer},
        facts::{Entity, Fact, Facts},
        verification::KycStatus,
    },
};
use http::StatusCode;
use serde_json::{Map, Value as Json, json};

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("persona", "POST", "/resource/customers", create, CREATE_CODES).also(FORBIDDEN),
        route("persona", "GET", "/resource/customers", list, LIST_CODES).also(FORBIDDEN),
        route("persona", "GET", "/resource/customers/{uid}", one, &[]).also(NOT_SEEN),
        route(
            "persona",
            "PUT",
            "/resource/customers/{uid}",
            update,
            &[&[CUSTOM_ID, EXTERNAL_URL], SETTINGS_CODES],
        )
        .also(NOT_SEEN),
    ],
    own_codes: OWN_CODES,
};

pub(super) const FORBIDDEN: &[(u16, &str)] = &[(403, ROLE_NOT_PERMITTED)];
pub(super) const NOT_SEEN: &[(u16, &str)] = &[(403, ROLE_NOT_PERMITTED), (404, NOT_FOUND)];

pub(super) const EMAIL_TAKEN: &str = "sandbox.customer.email_taken";
const NO_MERCHANT: &str = "sandbox.customer.merchant_doesnt_exist";
const CUSTOM_ID: &str = "sandbox.customer.invalid_custom_id";
const EXTERNAL_URL: &str = "sandbox.customer.invalid_external_verification_url";

const OWN_CODES: &[OwnCode] = &[
    own(EMAIL_TAKEN, "422: the account has a customer or a merchant with this e-mail; no code is documented"),
    own(
        NO_MERCHANT,
        "422: `merchant_uid` is not the uid of a merchant of the account, or the account is no aggregator; no code is documented",
    ),
    own(CUSTOM_ID, "422: `custom_id` is longer than 255 characters or has a NUL; no code is documented"),
    own(
        EXTERNAL_URL,
        "422: `external_verification_url` is longer than 2000 characters or has a NUL; no code is documented",
    ),
];
const CREATE_CODES: &[&[&str]] = &[
    onboarding::CODES,
    onboarding::ACCOUNT_CODES,
    onboarding::PERSON_CODES,
    onboarding::BUSINESS_CODES,
    onboarding::UBO_CODES,
    &[EMAIL_TAKEN, NO_MERCHANT],
    SETTINGS_CODES,
];
const LIST_CODES: &[&[&str]] = &[SHARED_CODES, SHARED_LEGACY_CODES, &[NO_MERCHANT]];

/// What a merchant may change.
const CHANGES: [Field; 2] = [
    optional("custom_id", Kind::Text, CUSTOM_ID),
    optional("external_verification_url", Kind::Long, EXTERNAL_URL),
];

/// The account that calls, if its role is one of these.
pub(super) fn caller(request: &ApiRequest<'_>, roles: &[Role]) -> Result<AccountId, Refusal> {
    let account = request.account()?;
    let person = request.host.people.get(account);
    match person.filter(|person| roles.contains(&person.role)) {
        Some(_) => Ok(account),
        None => Err(Refusal::Codes(StatusCode::FORBIDDEN, vec![ROLE_NOT_PERMITTED])),
    }
}

/// The roles that have customers.
pub(super) const HAVE_CUSTOMERS: &[Role] = &[Role::Merchant, Role::Aggregator];

fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let caller = caller(request, HAVE_CUSTOMERS)?;
    let mut codes = Vec::new();
    let parent = merchant(request, caller, &mut codes).unwrap_or(caller);
    open(request, parent, Role::Member, codes)
}

/// Opens an account with the form of the request; `codes` has what was wrong until here.
pub(super) fn open(
    request: &ApiRequest<'_>,
    parent: AccountId,
    role: Role,
    mut codes: Vec<&'static str>,
) -> Result<Reply, Refusal> {
    let form = onboarding::read(request, role == Role::Member, &mut codes);
    if form.as_ref().is_some_and(|form| request.host.people.has_email(parent, role, &form.email)) {
        codes.push(EMAIL_TAKEN);
    }
    Refusal::all(codes)?;
    let made = form.and_then(|form| request.host.command(CreateCustomer { parent, role, form }));
    let made = made.and_then(|id| request.host.people.seen(id));
    Ok(Reply::created(&view(&made.ok_or_else(|| Refusal::unprocessable(EMAIL_TAKEN))?)))
}

/// The merchant that `merchant_uid` names.
fn merchant(request: &ApiRequest<'_>, caller: AccountId, codes: &mut Vec<&'static str>) -> Option<AccountId> {
    let uid = request.params.get("merchant_uid")?;
    let merchant = uid.as_text().and_then(|uid| request.host.people.merchant(caller, uid));
    if merchant.is_none() {
        codes.push(NO_MERCHANT);
    }
    merchant
}

fn list(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let caller = caller(request, HAVE_CUSTOMERS)?;
    let mut codes = Vec::new();
    let page = Page::read(request.params, &shared_limits(request.profile()), &mut codes);
    let merchant = merchant(request, caller, &mut codes);
    Refusal::all(codes)?;
    Ok(page_of(request, page, &request.host.people.customers(caller, merchant), row))
}

/// A page of customers or merchants.
pub(super) fn page_of(
    request: &ApiRequest<'_>,
    page: Page,
    all: &[AccountId],
    view: fn(&Seen) -> Json,
) -> Reply {
    let ids = page.of(all.iter());
    let rows: Vec<_> = ids.into_iter().filter_map(|id| request.host.people.seen(*id)).collect();
    let rows: Vec<Json> = rows.iter().map(view).collect();
    page.headers(Reply::ok(&rows), Some(all.len()))
}

/// The customer that the path names.
fn named(request: &ApiRequest<'_>) -> Result<AccountId, Refusal> {
    let caller = caller(request, HAVE_CUSTOMERS)?;
    request.host.people.customer(caller, request.path(0)).ok_or_else(Refusal::not_found)
}

fn one(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let seen = request.host.people.seen(named(request)?);
    Ok(Reply::ok(&view(&seen.ok_or_else(Refusal::not_found)?)))
}

fn update(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let id = named(request)?;
    let mut codes = Vec::new();
    let mut changes = fields::read(&CHANGES, request.params, onboarding::rules(request), &mut codes);
    let webhook = account_webhook::read_object(request, &mut codes);
    Refusal::all(codes)?;
    let mut text = |name: &str| match changes.remove(name) {
        Some(Fact::Text(text)) => Some(text),
        _ => None,
    };
    let (custom_id, external_verification_url) = (text("custom_id"), text("external_verification_url"));
    request.host.command(UpdateCustomer { id, custom_id, external_verification_url, webhook });
    let seen = request.host.people.seen(id);
    Ok(Reply::ok(&view(&seen.ok_or_else(Refusal::not_found)?)))
}

/// A row of the list of customers: the fields of the documents' example, and what tells persons from businesses. A field that has
/// no value is left out.
pub(super) fn row(seen: &Seen) -> Json {
    let Seen { person, customer, verification, .. } = seen;
    let mut row = Map::new();
    let mut add = |name: &str, value: Json| row.insert(name.to_owned(), value);
    add("uid", json!(person.uid));
    add("email", json!(customer.email));
    add("entity_type", json!(customer.entity));
    add("account_name", json!(account_name(seen)));
    add("state", json!(state(seen)));
    if let Some(custom_id) = &customer.custom_id {
        add("custom_id", json!(custom_id));
    }
    add("kyc_status", json!(verification.status));
    add("created_at", json!(iso_ms(customer.created_ms)));
    Json::Object(row)
}

/// A customer or a merchant with everything.
pub(super) fn view(seen: &Seen) -> Json {
    let Seen { id, person, customer, verification, owners } = seen;
    let mut all = row(seen);
    let Some(fields) = all.as_object_mut() else { return all };
    let mut add = |name: &str, value: Json| fields.insert(name.to_owned(), value);
    add("id", json!(id));
    add("role", json!(if person.role == Role::Merchant { "merchant" } else { "customer" }));
    add("level", json!(person.level));
    if let Some(url) = &customer.external_verification_url {
        add("external_verification_url", json!(url));
    }
    let verified_at = verification.verified_ms.map(iso_ms);
    add("labels", labels(verified_at.as_deref()));
    add(
        "phone",
        json!({ "country": country(&customer.profile), "number": customer.phone_number, "validated_at": verified_at }),
    );
    match customer.entity {
        Entity::Individual => {
            let shown = PROFILE.iter().filter_map(|name| customer.profile.get_key_value(*name));
            add("profile", object(shown).into());
        }
        Entity::Business => {
            let mut profile = object(&customer.profile);
            // The documents answer with other names than they ask for.
            let legal_name = text(&customer.profile, "company_name");
            profile.insert("legal_name".to_owned(), json!(legal_name));
            profile.insert("trading_name".to_owned(), json!(account_name(seen)));
            add("business_profile", profile.into());
            let ubos = customer.ubos.iter().zip(owners).map(|(ubo, status)| {
                let mut shown = object(&ubo.facts);
                shown.insert("uid".to_owned(), json!(ubo.uid));
                shown.insert("kyc_status".to_owned(), json!(status));
                shown
            });
            add("ubos", ubos.collect());
        }
    }
    add("updated_at", json!(iso_ms(customer.updated_ms)));
    all
}

/// The fields of a person that are shown.
const PROFILE: [&str; 12] = [
    "first_name",
    "last_name",
    "dob",
    "address",
    "postcode",
    "city",
    "country",
    "nationality",
    "country_of_residence",
    "id_number",
    "occupation",
    "source_of_funds",
];

/// The name that was given, else the merchant's own key, else the name of the person.
fn account_name(Seen { customer, .. }: &Seen) -> String {
    let name = customer.account_name.as_ref().or(customer.custom_id.as_ref()).cloned();
    name.unwrap_or_else(|| {
        let names = ["first_name", "last_name"].map(|name| text(&customer.profile, name));
        names.join(" ").trim().to_owned()
    })
}

/// A business waits until it is approved.
fn state(Seen { customer, verification, person, .. }: &Seen) -> &'static str {
    match customer.entity {
        _ if person.is_deleted => "deleted",
        Entity::Business if verification.status != KycStatus::Verified => "pending",
        Entity::Business | Entity::Individual => "active",
    }
}

/// The marks that the server family puts on an account: none until it is verified.
fn labels(verified_at: Option<&str>) -> Json {
    let label = |at: &str| json!({ "key": "document", "value": "verified", "scope": "private", "created_at": at, "updated_at": at });
    verified_at.map(label).into_iter().collect()
}

fn text<'a>(facts: &'a Facts, name: &str) -> &'a str {
    match facts.get(name) {
        Some(Fact::Text(text)) => text,
        _ => "",
    }
}

/// The country of a person, or of a business.
fn country(facts: &Facts) -> &str {
    let countries = ["country", "registration_country"].map(|name| text(facts, name));
    countries.into_iter().find(|country| !country.is_empty()).unwrap_or_default()
}

fn object<'a>(facts: impl IntoIterator<Item = (&'a String, &'a Fact)>) -> Map<String, Json> {
    let json = |fact: &Fact| match fact {
        Fact::Text(text) => json!(text),
        Fact::Flag(flag) => json!(flag),
        Fact::Whole(number) => json!(number),
        Fact::Decimal(number) => json!(money::text(*number)),
        Fact::Texts(texts) => json!(texts),
    };
    facts.into_iter().map(|(name, fact)| (name.clone(), json(fact))).collect()
}
