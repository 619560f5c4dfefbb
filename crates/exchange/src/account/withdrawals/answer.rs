//! The answer to a new withdrawal, of which the documents say nothing but its status.

use capecrypto_models::{Withdrawal, WithdrawalId};
use capecrypto_rest::{Bytes, DecodeError, FromResponse, Head, without_bom};
use serde::{Deserialize, Serialize, Serializer, de::IgnoredAny};

/// The answer to a new withdrawal: the exchange created it.
///
/// The documents describe no body. The server family answers the withdrawal, which is then in [`details`](Self::details). Any
/// other JSON, and an empty body, are accepted too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewWithdrawal {
    details: Option<Box<Withdrawal>>,
}

impl NewWithdrawal {
    /// The withdrawal; `None` if the answer did not describe it. Then find it with
    /// [`CreateWithdrawal::search`](super::CreateWithdrawal::search).
    pub fn details(&self) -> Option<&Withdrawal> {
        self.details.as_deref()
    }

    /// Its number, if the answer had it.
    pub fn id(&self) -> Option<WithdrawalId> {
        self.details().map(|withdrawal| withdrawal.id)
    }
}

/// An object with error codes.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    errors: Option<IgnoredAny>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

impl FromResponse for NewWithdrawal {
    #[inline]
    fn from_response(_: &Head, body: &Bytes) -> Result<Self, DecodeError> {
        let body = without_bom(body).trim_ascii();
        if body.is_empty() {
            return Ok(Self { details: None });
        }
        let wrong = |why: &str| DecodeError { path: ".".to_owned(), why: why.to_owned() };
        if serde_json::from_slice::<IgnoredAny>(body).is_err() {
            return Err(wrong("expected JSON, or nothing"));
        }
        // A list would be read as the fields of the struct.
        let refusal = body.starts_with(b"{").then(|| serde_json::from_slice::<Refusal>(body).ok()).flatten();
        if refusal.is_some_and(|refusal| refusal.errors.is_some() || refusal.error.is_some()) {
            return Err(wrong("expected a withdrawal, found errors"));
        }
        let one = serde_json::from_slice(body).ok();
        let details = one.or_else(|| serde_json::from_slice(body).ok().map(|[one]: [Withdrawal; 1]| one));
        Ok(Self { details: details.map(Box::new) })
    }
}

/// The withdrawal, or `null`.
impl Serialize for NewWithdrawal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.details.serialize(serializer)
    }
}
