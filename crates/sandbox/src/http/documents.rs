//! Documents of customers (the documents' section "Customers Management").

use http::StatusCode;
use serde_json::json;

use super::ApiRequest;
use super::params::Value;
use super::reply::Reply;
use super::routes::{Route, route};
use crate::accounts::Role;
use crate::errors::{self, Refusal};
use crate::funds::Document;

/// The calls of this file.
pub(super) const ROUTES: &[Route] = &[route("verification", "POST", "/customers/documents", upload, CODES)
    .also(&[(403, errors::ROLE_NOT_PERMITTED), (400, errors::DOCUMENT_INVALID_TYPE)])];

/// The documents' "Available Document Types" of individuals.
const TYPES: [&str; 15] = [
    "Passport",
    "Passport other",
    "Identity card",
    "Identity book",
    "Driver license",
    "Identity card front",
    "Driver license front",
    "Identity card back",
    "Driver license back",
    "Proof of Address",
    "Source of Funds",
    "Selfie",
    "Drivers license",
    "Drivers license back",
    "Green Identity Book",
];
/// The field of the customer, in the text of 2026-04 and in the ones before.
const CUSTOMER: [&str; 3] = ["uid", "customer_uid", "customer_ubo_uid"];
/// The largest file, of businesses; individuals' are not told apart before there are customers.
const MAX_FILE: usize = 10 * 1024 * 1024;

const CODES: &[&[&str]] =
    &[&[errors::DOCUMENT_EMPTY_UPLOAD, errors::DOCUMENT_EMPTY_UID, errors::DOCUMENT_TOO_LARGE]];

fn upload(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let role = request.app.directory.get(account).map(|account| account.role);
    if !matches!(role, Some(Role::Merchant | Role::Aggregator)) {
        return Err(Refusal::Codes(StatusCode::FORBIDDEN, vec![errors::ROLE_NOT_PERMITTED]));
    }
    let text = |name: &str| request.params.get(name).and_then(Value::as_text).filter(|text| !text.is_empty());
    let Some(doc_type) = text("doc_type").filter(|doc_type| TYPES.contains(doc_type)) else {
        return Err(Refusal::Codes(StatusCode::BAD_REQUEST, vec![errors::DOCUMENT_INVALID_TYPE]));
    };
    let mut codes = Vec::new();
    let uid = CUSTOMER.into_iter().find_map(text);
    if uid.is_none() {
        codes.push(errors::DOCUMENT_EMPTY_UID);
    }
    let file = match request.params.get("upload") {
        Some(Value::File(file)) if file.bytes > 0 => Some(file),
        _ => None,
    };
    match file {
        None => codes.push(errors::DOCUMENT_EMPTY_UPLOAD),
        Some(file) if file.bytes > MAX_FILE => codes.push(errors::DOCUMENT_TOO_LARGE),
        Some(_) => {}
    }
    Refusal::all(codes)?;
    if let (Some(uid), Some(file)) = (uid, file) {
        request.app.funds().documents.push(Document {
            uid: uid.to_owned(),
            doc_type: doc_type.to_owned(),
            file_name: file.name.clone(),
            bytes: file.bytes,
        });
    }
    Ok(Reply::ok(&json!({ "success": true })))
}
