//! Documents of customers, merchants and owners (the documents' sections "Upload … Documents").

use super::{
    call::{ApiRequest, Theme, route},
    customers::{HAVE_CUSTOMERS, caller},
    params::{File, Value},
};
use crate::{
    base::{
        clock,
        id::AccountId,
        lists::{self, DocumentRule, Holder},
        refusal::{OwnCode, ROLE_NOT_PERMITTED, Refusal, own},
        reply::Reply,
    },
    exchange::people::{
        Role,
        documents::{AddDocument, Document},
    },
};
use http::StatusCode;
use serde_json::json;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("verification", "POST", "/customers/documents", of_customer, CODES).also(ALSO).with_files(),
        route("verification", "POST", "/ubos/documents", of_ubo, CODES).also(ALSO).with_files(),
        route("verification", "POST", "/merchants/documents", of_merchant, CODES).also(ALSO).with_files(),
    ],
    own_codes: OWN_CODES,
};

const INVALID_TYPE: &str = "sandbox.document.invalid_doc_type";
const UNKNOWN_UID: &str = "sandbox.document.unknown_uid";
const EMPTY_UPLOAD: &str = "sandbox.document.empty_upload";
const EMPTY_UID: &str = "sandbox.document.empty_uid";
const TOO_LARGE: &str = "sandbox.document.too_large";
const FILE_TYPE: &str = "sandbox.document.invalid_file_type";
const NUMBER: &str = "sandbox.document.empty_doc_number";
const EXPIRE: &str = "sandbox.document.invalid_doc_expire";
const EXPIRED: &str = "sandbox.document.expired";

const OWN_CODES: &[OwnCode] = &[
    own(
        INVALID_TYPE,
        "400: a `doc_type` that the documents do not list for a person, an owner or a business; no code is documented",
    ),
    own(
        UNKNOWN_UID,
        "422: no customer (or owner, or merchant, by the call) that the account sees has that uid; the documents have no 404 here",
    ),
    own(EMPTY_UPLOAD, "422: no file, or an empty one; no code is documented"),
    own(EMPTY_UID, "422: nobody is named; no code is documented"),
    own(
        TOO_LARGE,
        "422: the file is larger than 4 MiB for a person, than 10 MiB otherwise; no code is documented",
    ),
    own(
        FILE_TYPE,
        "422: the content of the file is neither JPEG nor PNG nor PDF, whatever its name says; no code is documented",
    ),
    own(NUMBER, "422: a passport without `doc_number`; no code is documented"),
    own(
        EXPIRE,
        "422: `doc_expire` is missing for a passport or a driver's licence, or no day written YYYY-MM-DD; no code is documented",
    ),
    own(EXPIRED, "422: `doc_expire` is in the past; no code is documented"),
];
const CODES: &[&[&str]] =
    &[&[EMPTY_UPLOAD, EMPTY_UID, UNKNOWN_UID, TOO_LARGE, FILE_TYPE, NUMBER, EXPIRE, EXPIRED]];
const ALSO: &[(u16, &str)] = &[(403, ROLE_NOT_PERMITTED), (400, INVALID_TYPE)];

const MIB: usize = 1024 * 1024;
/// What the older documents' examples send if a field does not apply.
const NOT_APPLICABLE: &str = "N/A";

/// Finds out whose documents a uid has; `None` if the account does not see it.
type Find = fn(&ApiRequest<'_>, AccountId, &str) -> Option<Holder>;

/// The documents of 2026-04 name everybody `uid`; earlier ones have a field for customers and one for owners.
fn of_customer(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let is_ubo = ["uid", "customer_uid"].into_iter().all(|name| text(request, name).is_none());
    let names: &[&str] = if is_ubo { &["customer_ubo_uid"] } else { &["uid", "customer_uid"] };
    upload(request, HAVE_CUSTOMERS, names, if is_ubo { ubo } else { customer })
}

fn of_ubo(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    upload(request, HAVE_CUSTOMERS, &["uid", "customer_ubo_uid"], ubo)
}

fn of_merchant(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    upload(request, &[Role::Aggregator], &["uid"], merchant)
}

fn customer(request: &ApiRequest<'_>, caller: AccountId, uid: &str) -> Option<Holder> {
    request.host.people.customer(caller, uid).and_then(|_| request.host.people.holder(uid))
}

fn ubo(request: &ApiRequest<'_>, caller: AccountId, uid: &str) -> Option<Holder> {
    request.host.people.sees_ubo(caller, uid).then_some(Holder::Ubo)
}

fn merchant(request: &ApiRequest<'_>, caller: AccountId, uid: &str) -> Option<Holder> {
    request.host.people.merchant(caller, uid).map(|_| Holder::Business)
}

fn text<'a>(request: &ApiRequest<'a>, name: &str) -> Option<&'a str> {
    request.params.get(name).and_then(Value::as_text).filter(|text| !text.trim().is_empty())
}

fn upload(request: &ApiRequest<'_>, roles: &[Role], names: &[&str], find: Find) -> Result<Reply, Refusal> {
    let caller = caller(request, roles)?;
    let wrong_type = || Refusal::Codes(StatusCode::BAD_REQUEST, vec![INVALID_TYPE]);
    let doc_type = text(request, "doc_type").filter(|text| lists::is_document_type(text));
    let doc_type = doc_type.ok_or_else(wrong_type)?;
    let mut codes = Vec::new();
    let uid = names.iter().find_map(|name| text(request, name));
    if uid.is_none() {
        codes.push(EMPTY_UID);
    }
    let file = match request.params.get("upload") {
        Some(Value::File(file)) if file.bytes > 0 => Some(file),
        _ => None,
    };
    if file.is_none() {
        codes.push(EMPTY_UPLOAD);
    }
    Refusal::all(codes)?;
    let (Some(uid), Some(file)) = (uid, file) else { return Err(Refusal::unprocessable(EMPTY_UPLOAD)) };
    let holder = find(request, caller, uid);
    let holder = holder.ok_or_else(|| Refusal::unprocessable(UNKNOWN_UID))?;
    let rule = lists::documents(holder).find(|rule| rule.doc_type == doc_type).ok_or_else(wrong_type)?;
    let (uid, document) = (uid.to_owned(), read(request, rule, file)?);
    request.host.command(AddDocument(Document { uid, ..document }));
    Ok(Reply::ok(&json!({ "success": true })))
}

/// Checks a document by its rule. It has no uid yet.
fn read(request: &ApiRequest<'_>, rule: &DocumentRule, file: &File) -> Result<Document, Refusal> {
    let mut codes = Vec::new();
    let most = if rule.holder == Holder::Person { 4 * MIB } else { 10 * MIB };
    if file.bytes > most {
        codes.push(TOO_LARGE);
    }
    if file.kind.is_none() {
        codes.push(FILE_TYPE);
    }
    let applicable = |name| text(request, name).filter(|text| *text != NOT_APPLICABLE);
    let doc_number = applicable("doc_number");
    if rule.has_number && doc_number.is_none() {
        codes.push(NUMBER);
    }
    let doc_expire = applicable("doc_expire");
    match doc_expire.map(clock::read_day) {
        None if rule.has_expiry => codes.push(EXPIRE),
        Some(None) => codes.push(EXPIRE),
        Some(Some(day)) if day < clock::day(request.now_ms()) => codes.push(EXPIRED),
        _ => {}
    }
    Refusal::all(codes)?;
    Ok(Document {
        uid: String::new(),
        doc_type: rule.doc_type.to_owned(),
        doc_number: doc_number.map(str::to_owned),
        doc_expire: doc_expire.map(str::to_owned),
        file_name: file.name.clone(),
        kind: file.kind.ok_or_else(|| Refusal::unprocessable(FILE_TYPE))?,
        bytes: file.bytes,
        sha256: file.sha256.clone(),
    })
}
