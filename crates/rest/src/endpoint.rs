//! The trait that makes a type a request, and only what the transport needs to know about it.

use crate::{Call, Checks, FromResponse, Repeat};
use capecrypto_auth::Environment;
use capecrypto_models::param::Params;

/// A request: an owned value that holds the parameters of one call of the API.
///
/// Parameters named in the path go there, the others where the call's [`form`](crate::Call::form) says.
pub trait Endpoint: Params + Send + Sync {
    /// Content of a successful answer.
    type Response: FromResponse + Send;

    /// The call.
    const CALL: Call;

    /// Whether this request may be sent again, with its current arguments.
    fn repeat(&self) -> Repeat {
        Self::CALL.repeat
    }

    /// Checks rules that involve several arguments, or the environment. A single argument refuses itself.
    fn check(&self, checks: &mut Checks<'_>) {
        let _ = checks;
    }

    /// Compares the answer with the request: it must be about what was asked.
    ///
    /// # Errors
    /// The field that differs, or that the answer itself is a refusal or cannot be used.
    fn review(&self, answer: &mut Self::Response, environment: &Environment) -> Result<(), Objection> {
        let _ = (answer, environment);
        Ok(())
    }

    /// Facts by which this write can be found again, if its arguments are secret: names and values. They are kept in its
    /// [`Intent`](crate::Intent) as they are, so they must not be secret.
    fn facts(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What the user can do about an error code of this call.
    fn hint(code: &str) -> Option<&'static str> {
        let _ = code;
        None
    }
}

/// An answer about something else than what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer's {field} is not the one asked for")]
pub struct Mismatch {
    /// The field that differs.
    pub field: &'static str,
}

impl Mismatch {
    /// Compares a field of the answer with what was asked for. If one of them is absent, there is no mismatch.
    ///
    /// # Errors
    /// The mismatch, if both are there and differ.
    pub fn check<A: PartialEq<B>, B>(
        field: &'static str,
        asked: Option<&A>,
        came: Option<&B>,
    ) -> Result<(), Self> {
        match (asked, came) {
            (Some(asked), Some(came)) if asked != came => Err(Self { field }),
            _ => Ok(()),
        }
    }
}

/// Why an answer with a status 2xx is still an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Objection {
    /// The answer is about something else than what was asked for: the outcome of a write is unknown.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The answer belongs to the request and says that the exchange refuses it: nothing was done.
    #[error("{0}")]
    Refused(&'static str),
    /// The answer contradicts itself, or what the environment says about its server.
    #[error("{0}")]
    Unusable(&'static str),
}
