//! What a refusal looks like on the wire, and the codes that several themes share.

use http::StatusCode;

/// An error code that only the sandbox uses, and why it needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OwnCode {
    /// Begins with `sandbox.`, so that it cannot be confused with a code of Cape.
    pub code: &'static str,
    /// When the sandbox answers with it, and what the documents do not say.
    pub reason: &'static str,
}

pub(crate) const MALFORMED: &str = "server.method.invalid_message_body";
pub(crate) const METHOD_NOT_ALLOWED: &str = "server.method_not_allowed";
pub(crate) const INTERNAL: &str = "server.internal_error";
pub(crate) const NOT_FOUND: &str = "record.not_found";
/// The account's level of verification does not allow trading.
pub(crate) const NOT_PERMITTED: &str = "market.trade.not_permitted";
/// The account's level of verification does not allow deposits.
pub(crate) const DEPOSIT_NOT_PERMITTED: &str = "account.deposit.not_permitted";
/// The account's level of verification does not allow withdrawals.
pub(crate) const WITHDRAW_NOT_PERMITTED: &str = "account.withdraw.not_permitted";

pub(crate) const ROLE_NOT_PERMITTED: &str = "sandbox.role.not_permitted";
pub(crate) const BODY_TOO_LARGE: &str = "sandbox.request.body_too_large";
pub(crate) const BODY_INCOMPLETE: &str = "sandbox.request.body_incomplete";
pub(crate) const OVERLOADED: &str = "sandbox.engine.overloaded";

/// Our own codes that several themes share.
pub(crate) const OWN_CODES: &[OwnCode] = &[
    own(
        ROLE_NOT_PERMITTED,
        "403: a member asks for something that only merchants and aggregators may do; no code is documented",
    ),
    own(
        BODY_TOO_LARGE,
        "413: the body is larger than 64 KiB (12 MiB with a file); the real limit is unknown",
    ),
    own(BODY_INCOMPLETE, "400: the body ended early or came too slowly"),
    own(OVERLOADED, "503: more than 10,000 commands and events are waiting; nothing was done"),
];

/// A code of our own.
pub(crate) const fn own(code: &'static str, reason: &'static str) -> OwnCode {
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
    /// `{"errors":"server.method_not_allowed"}`, with the methods that are allowed.
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

    /// Status and codes; `None` for a refusal without codes.
    pub(crate) fn codes(&self) -> Option<(StatusCode, &[&'static str])> {
        match self {
            Self::Codes(status, codes) => Some((*status, codes)),
            Self::Text(status, code) => Some((*status, std::slice::from_ref(code))),
            Self::Method(_) => Some((StatusCode::METHOD_NOT_ALLOWED, &[METHOD_NOT_ALLOWED])),
            Self::Sentence(..) | Self::Plain(..) => None,
        }
    }

    /// A 422 with these codes; `Ok` if there are none.
    pub(crate) fn all(codes: Vec<&'static str>) -> Result<(), Self> {
        if codes.is_empty() { Ok(()) } else { Err(Self::Codes(StatusCode::UNPROCESSABLE_ENTITY, codes)) }
    }
}
