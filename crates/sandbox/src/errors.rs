//! What a refusal looks like on the wire, and the table of our own codes.

use http::StatusCode;

/// A code that the documents don't have, and why the sandbox needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnCode {
    /// Begins with `sandbox.`, so that nobody mistakes it for one of Cape's.
    pub code: &'static str,
    /// When it is given, and what the documents leave open.
    pub reason: &'static str,
}

pub(crate) const MALFORMED: &str = "server.method.invalid_message_body";
pub(crate) const METHOD_NOT_ALLOWED: &str = "server.method_not_allowed";
pub(crate) const INTERNAL: &str = "server.internal_error";
pub(crate) const NOT_FOUND: &str = "record.not_found";
/// The account's level of verification doesn't allow trading.
pub(crate) const NOT_PERMITTED: &str = "market.trade.not_permitted";

pub(crate) const POST_ONLY_WOULD_MATCH: &str = "sandbox.order.post_only_would_match";
pub(crate) const POST_ONLY_NEEDS_LIMIT: &str = "sandbox.order.post_only_needs_limit";
pub(crate) const INVALID_POST_ONLY: &str = "sandbox.order.invalid_post_only";
pub(crate) const INVALID_CUSTOM_ORDER_ID: &str = "sandbox.order.invalid_custom_order_id";
pub(crate) const NON_INTEGER_ORDER_ID: &str = "sandbox.trade.non_integer_order_id";
pub(crate) const INVALID_NONZERO: &str = "sandbox.balance.invalid_nonzero";
pub(crate) const ROLE_NOT_PERMITTED: &str = "sandbox.role.not_permitted";
pub(crate) const SUB_ACCOUNT_NAME: &str = "sandbox.sub_account.invalid_name";
pub(crate) const SUB_ACCOUNT_ACTION: &str = "sandbox.sub_account.invalid_deposit_action";
pub(crate) const DOCUMENT_INVALID_TYPE: &str = "sandbox.document.invalid_doc_type";
pub(crate) const DOCUMENT_EMPTY_UPLOAD: &str = "sandbox.document.empty_upload";
pub(crate) const DOCUMENT_EMPTY_UID: &str = "sandbox.document.empty_uid";
pub(crate) const DOCUMENT_TOO_LARGE: &str = "sandbox.document.too_large";
pub(crate) const TABLE_TOO_LONG: &str = "sandbox.transactions.table_too_long";
pub(crate) const CONTROL_INVALID_TRANSACTION: &str = "sandbox.control.invalid_transaction";
pub(crate) const BODY_TOO_LARGE: &str = "sandbox.request.body_too_large";
pub(crate) const BODY_INCOMPLETE: &str = "sandbox.request.body_incomplete";
pub(crate) const OVERLOADED: &str = "sandbox.engine.overloaded";
pub(crate) const CONTROL_LOOPBACK_ONLY: &str = "sandbox.control.loopback_only";
pub(crate) const CONTROL_INVALID: &str = "sandbox.control.invalid_request";
pub(crate) const CONTROL_UNKNOWN_ACCOUNT: &str = "sandbox.control.unknown_account";
pub(crate) const CONTROL_UNKNOWN_CURRENCY: &str = "sandbox.control.unknown_currency";
pub(crate) const CONTROL_UNKNOWN_MARKET: &str = "sandbox.control.unknown_market";
pub(crate) const CONTROL_INVALID_AMOUNT: &str = "sandbox.control.invalid_amount";

/// Every code of our own.
pub(crate) const OWN_CODES: &[OwnCode] = &[
    own(
        POST_ONLY_WOULD_MATCH,
        "422: a post-only order would match; the documents only say that the request will fail",
    ),
    own(
        POST_ONLY_NEEDS_LIMIT,
        "422: `post_only` with a market order; the documents offer it for limit orders only",
    ),
    own(INVALID_POST_ONLY, "422: `post_only` is neither true nor false; no code is documented"),
    own(
        INVALID_CUSTOM_ORDER_ID,
        "422: `custom_order_id` is no text, or has more than 255 characters; no limit is documented",
    ),
    own(NON_INTEGER_ORDER_ID, "422: `order_id` of own trades is no whole number; no code is documented"),
    own(INVALID_NONZERO, "422: `nonzero` is neither true nor false; no code is documented"),
    own(
        ROLE_NOT_PERMITTED,
        "403: a member asks for what merchants and aggregators may; no code is documented",
    ),
    own(SUB_ACCOUNT_NAME, "422: `account_name` has not 1 to 100 characters; no code is documented"),
    own(SUB_ACCOUNT_ACTION, "422: `deposit_action` is none of the documents' forms; no code is documented"),
    own(DOCUMENT_INVALID_TYPE, "400: a `doc_type` that the documents do not list; no code is documented"),
    own(DOCUMENT_EMPTY_UPLOAD, "422: no file, or an empty one; no code is documented"),
    own(DOCUMENT_EMPTY_UID, "422: no customer is named; no code is documented"),
    own(DOCUMENT_TOO_LARGE, "422: the file passes 10 MiB; no code is documented"),
    own(TABLE_TOO_LONG, "422: a table of transactions over more than 18 months; no code is documented"),
    own(CONTROL_INVALID_TRANSACTION, "422: a transaction without a type, or with a field of another name"),
    own(BODY_TOO_LARGE, "413: the body passes 64 KiB; the real limit is unknown"),
    own(BODY_INCOMPLETE, "400: the body ended early or came too slowly"),
    own(OVERLOADED, "503: over 10,000 commands and events wait; nothing was done"),
    own(
        CONTROL_LOOPBACK_ONLY,
        "403: the control door answers only programs on this machine, and no web pages",
    ),
    own(CONTROL_INVALID, "422: the control door can't read the request"),
    own(CONTROL_UNKNOWN_ACCOUNT, "422: no account of that name"),
    own(CONTROL_UNKNOWN_CURRENCY, "422: no currency of that code"),
    own(CONTROL_UNKNOWN_MARKET, "422: no market of that id"),
    own(
        CONTROL_INVALID_AMOUNT,
        "422: an amount is not above zero, finer than the currency, or past 10^12 in all",
    ),
];

const fn own(code: &'static str, reason: &'static str) -> OwnCode {
    OwnCode { code, reason }
}

/// A refusal, in one of the bodies that the exchange uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// `{"errors":["code", …]}`.
    Codes(StatusCode, Vec<&'static str>),
    /// `{"errors":"code"}`, a text instead of a list.
    Text(StatusCode, &'static str),
    /// `{"error":"sentence"}`.
    Sentence(StatusCode, String),
    /// A bare text without a content type, as for an unknown route.
    Plain(StatusCode, &'static str),
    /// `{"errors":"server.method_not_allowed"}`, with what would be allowed.
    Method(Vec<&'static str>),
}

impl Refusal {
    pub(crate) fn unprocessable(code: &'static str) -> Self {
        Self::Codes(StatusCode::UNPROCESSABLE_ENTITY, vec![code])
    }

    pub(crate) fn unauthorized(code: &'static str) -> Self {
        Self::Codes(StatusCode::UNAUTHORIZED, vec![code])
    }

    pub(crate) fn not_found() -> Self {
        Self::Codes(StatusCode::NOT_FOUND, vec![NOT_FOUND])
    }

    /// Status and codes, where it has any.
    pub(crate) fn codes(&self) -> Option<(StatusCode, &[&'static str])> {
        match self {
            Self::Codes(status, codes) => Some((*status, codes)),
            Self::Text(status, code) => Some((*status, std::slice::from_ref(code))),
            Self::Method(_) => Some((StatusCode::METHOD_NOT_ALLOWED, &[METHOD_NOT_ALLOWED])),
            Self::Sentence(..) | Self::Plain(..) => None,
        }
    }

    /// Nothing where no check failed.
    pub(crate) fn all(codes: Vec<&'static str>) -> Result<(), Self> {
        if codes.is_empty() { Ok(()) } else { Err(Self::Codes(StatusCode::UNPROCESSABLE_ENTITY, codes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_codes_are_marked_explained_and_listed_once() {
        for (place, own) in OWN_CODES.iter().enumerate() {
            assert!(own.code.starts_with("sandbox."), "{own:?}");
            assert!(own.reason.len() > 10, "{own:?}");
            assert!(OWN_CODES.iter().skip(place + 1).all(|other| other.code != own.code), "{own:?} twice");
        }
    }
}
