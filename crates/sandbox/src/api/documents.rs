//! Documents of customers (the documents' section "Customers Management").

use super::{
    call::{ApiRequest, Theme, route},
    params::Value,
};
use crate::{
    base::{
        lists,
        refusal::{OwnCode, ROLE_NOT_PERMITTED, Refusal, own},
        reply::Reply,
    },
    exchange::{
        funds::documents::{AddDocument, Document},
        people::Role,
    },
};
use http::StatusCode;
use serde_json::json;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[route("verification", "POST", "/customers/documents", upload, CODES)
        .also(&[(403, ROLE_NOT_PERMITTED), (400, INVALID_TYPE)])
        .with_files()],
    own_codes: OWN_CODES,
};

const INVALID_TYPE: &str = "sandbox.document.invalid_doc_type";
const EMPTY_UPLOAD: &str = "sandbox.document.empty_upload";
const EMPTY_UID: &str = "sandbox.document.empty_uid";
const TOO_LARGE: &str = "sandbox.document.too_large";

const OWN_CODES: &[OwnCode] = &[
    own(INVALID_TYPE, "400: a `doc_type` that the documents do not list; no code is documented"),
    own(EMPTY_UPLOAD, "422: no file, or an empty one; no code is documented"),
    own(EMPTY_UID, "422: no customer is named; no code is documented"),
    own(TOO_LARGE, "422: the file is larger than 10 MiB; no code is documented"),
];

/// The field that names the customer: first in the documents of 2026-04, then in earlier ones.
const CUSTOMER: [&str; 3] = ["uid", "customer_uid", "customer_ubo_uid"];
/// The largest file of a business. It is the limit for individuals too, because the sandbox has no customers yet and
/// cannot tell them apart.
const MAX_FILE: usize = 10 * 1024 * 1024;

const CODES: &[&[&str]] = &[&[EMPTY_UPLOAD, EMPTY_UID, TOO_LARGE]];

fn upload(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let role = request.host.people.get(account).map(|person| person.role);
    if !matches!(role, Some(Role::Merchant | Role::Aggregator)) {
        return Err(Refusal::Codes(StatusCode::FORBIDDEN, vec![ROLE_NOT_PERMITTED]));
    }
    let text = |name: &str| request.params.get(name).and_then(Value::as_text).filter(|text| !text.is_empty());
    let Some(doc_type) = text("doc_type").filter(|doc_type| lists::is_document_type(doc_type)) else {
        return Err(Refusal::Codes(StatusCode::BAD_REQUEST, vec![INVALID_TYPE]));
    };
    let mut codes = Vec::new();
    let uid = CUSTOMER.into_iter().find_map(text);
    if uid.is_none() {
        codes.push(EMPTY_UID);
    }
    let file = match request.params.get("upload") {
        Some(Value::File(file)) if file.bytes > 0 => Some(file),
        _ => None,
    };
    match file {
        None => codes.push(EMPTY_UPLOAD),
        Some(file) if file.bytes > MAX_FILE => codes.push(TOO_LARGE),
        Some(_) => {}
    }
    Refusal::all(codes)?;
    if let (Some(uid), Some(file)) = (uid, file) {
        request.host.command(AddDocument(Document {
            uid: uid.to_owned(),
            doc_type: doc_type.to_owned(),
            file_name: file.name.clone(),
            bytes: file.bytes,
        }));
    }
    Ok(Reply::ok(&json!({ "success": true })))
}
