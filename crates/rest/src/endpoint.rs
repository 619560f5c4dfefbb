//! What the transport needs to know about a call, and nothing else.

use crate::FromResponse;
use capecrypto_auth::{Environment, Service};
use serde::Serialize;
use std::{borrow::Cow, fmt};

/// A call of the API, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Name of the request's type, such as `CreateOrder`.
    pub name: &'static str,
    /// The service, which the environment maps to a path.
    pub service: Service,
    /// Upper-case method.
    pub method: &'static str,
    /// Path below the service's; `{name}` is filled from the field of that name.
    pub path: &'static str,
    /// Whether it carries a signature.
    pub signed: bool,
    /// Whether sending it twice does no more than sending it once, whatever its arguments. Only such calls are retried.
    pub idempotent: bool,
    /// Whether it leaves before others that wait for the rate limit, as cancellations do.
    pub urgent: bool,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.name, self.method, self.path)
    }
}

/// One call of the API: an owned value whose fields are the parameters.
///
/// The fields named in the path go there, the others into the query (GET, DELETE) or a JSON body (POST, PUT, PATCH).
pub trait Endpoint: Serialize + Send + Sync {
    /// What a successful answer holds.
    type Response: FromResponse + Send;

    /// The call.
    const CALL: Call;

    /// Whether sending it twice does no more than sending it once, with the arguments as they are.
    fn is_idempotent(&self) -> bool {
        Self::CALL.idempotent
    }

    /// Checks rules that involve several fields, or the environment.
    ///
    /// # Errors
    /// The argument, what is wrong, and what to give instead.
    fn check(&self, environment: &Environment) -> Result<(), InvalidArgument> {
        let _ = environment;
        Ok(())
    }

    /// Holds the answer against the request: it must be about what was asked.
    ///
    /// # Errors
    /// What was asked for and what came, or that the answer itself says no.
    fn review(&self, answer: &mut Self::Response, environment: &Environment) -> Result<(), Objection> {
        let _ = (answer, environment);
        Ok(())
    }

    /// What to do about an error code of this call.
    fn hint(code: &str) -> Option<&'static str> {
        let _ = code;
        None
    }
}

/// An argument that was refused before anything left the process.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{argument}: {why}; {remedy}")]
pub struct InvalidArgument {
    /// The argument's name.
    pub argument: Cow<'static, str>,
    /// What is wrong with it.
    pub why: Cow<'static, str>,
    /// What to give instead.
    pub remedy: Cow<'static, str>,
}

impl InvalidArgument {
    /// Says which argument is refused, why, and what to give instead.
    pub fn new(
        argument: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { argument: argument.into(), why: why.into(), remedy: remedy.into() }
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
    /// Compares what came with what was asked; an absent part on either side proves nothing.
    ///
    /// # Errors
    /// The mismatch, where both are there and differ.
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

/// Why an answer of status 2xx is an error all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Objection {
    /// It is about something else than what was asked for: the outcome of a write is unknown.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// It is the answer, and says that the exchange refuses: nothing was done.
    #[error("{0}")]
    Refused(&'static str),
    /// It contradicts itself, or what the environment says of its server.
    #[error("{0}")]
    Unusable(&'static str),
}

/// Declares the calls of a section: its table of contents.
///
/// Each line names method, path, request type and answer, and then how the call is handled:
///
/// * `idempotent`: a write that may be repeated (reads are anyway);
/// * `partly_idempotent`: the request has a function `fn may_be_repeated(&self) -> bool`;
/// * `urgent`: it leaves before others that wait for the rate limit;
/// * `checked`: the request has a function
///   `fn check_arguments(&self, &Environment) -> Result<(), InvalidArgument>`;
/// * `reviewed`: the request has a function
///   `fn review_answer(&self, &mut Answer, &Environment) -> Result<(), E>`, where `E` is [`Mismatch`] or [`Objection`];
/// * `unreviewed("why")`: the answer names nothing that could be held against the request.
///
/// A line that says neither `reviewed` nor `unreviewed` does not compile:
///
/// ```
/// # use serde::Serialize;
/// # mod hints { pub(crate) fn hint(_: &str) -> Option<&'static str> { None } }
/// #[derive(Serialize)]
/// struct GetThing {
///     id: u64,
/// }
/// capecrypto_rest::endpoints! { Trade public {
///     GET "/things/{id}" GetThing -> String, unreviewed("the answer is a text without the id");
/// }}
/// # fn main() { assert_eq!(CALLS[0].name, "GetThing"); }
/// ```
///
/// ```compile_fail
/// # use serde::Serialize;
/// # mod hints { pub(crate) fn hint(_: &str) -> Option<&'static str> { None } }
/// #[derive(Serialize)]
/// struct CancelThing {
///     id: u64,
/// }
/// capecrypto_rest::endpoints! { Trade public {
///     POST "/things/{id}/cancel" CancelThing -> String, idempotent;
/// }}
/// # fn main() { assert_eq!(CALLS[0].name, "CancelThing"); }
/// ```
///
/// Hints for error codes come from the crate's own `hints::hint`, and a crate's tests bring a `probe::Probe`: this is for the
/// crates of this workspace.
#[doc(hidden)]
#[allow(
    clippy::crate_in_macro_def,
    reason = "the hints and the probe are those of the crate that declares the calls"
)]
#[macro_export]
macro_rules! endpoints {
    ($service:ident $access:ident {
        $($method:ident $path:literal $request:ident -> $response:ty, $($flag:ident $(($reason:literal))?)+;)+
    }) => {
        $(impl $crate::Endpoint for $request {
            type Response = $response;
            const CALL: $crate::Call = $crate::Call {
                name: stringify!($request),
                service: $crate::__private::Service::$service,
                method: stringify!($method),
                path: $path,
                signed: $crate::endpoints!(@access $access),
                idempotent: $crate::endpoints!(@idempotent $method $($flag)+),
                urgent: $crate::endpoints!(@urgent $($flag)+),
            };
            $crate::endpoints!(@repeated $($flag)+);
            fn hint(code: &str) -> Option<&'static str> {
                crate::hints::hint(code)
            }
            $crate::endpoints!(@check $($flag)+);
            $crate::endpoints!(@review $response; $($flag $(($reason))?)+);
        })+

        /// Every call of this module.
        pub const CALLS: &[$crate::Call] = &[$(<$request as $crate::Endpoint>::CALL),+];

        /// Shows each request and answer of this module to the check against the specification.
        #[cfg(test)]
        pub(crate) fn probe(probe: &mut crate::probe::Probe) {
            $(probe.call::<$request>();)+
        }
    };
    (@access signed) => { true };
    (@access public) => { false };
    (@idempotent GET $($rest:ident)*) => { true };
    (@idempotent $method:ident $($flag:ident)*) => { $crate::endpoints!(@flag $($flag)*) };
    (@flag idempotent $($rest:ident)*) => { true };
    (@flag $other:ident $($rest:ident)*) => { $crate::endpoints!(@flag $($rest)*) };
    (@flag) => { false };
    (@urgent urgent $($rest:ident)*) => { true };
    (@urgent $other:ident $($rest:ident)*) => { $crate::endpoints!(@urgent $($rest)*) };
    (@urgent) => { false };
    // The functions have other names than those of the trait: where one is missing, that is an error of the compiler and
    // not a function that calls itself.
    (@repeated partly_idempotent $($rest:ident)*) => {
        fn is_idempotent(&self) -> bool {
            self.may_be_repeated()
        }
    };
    (@repeated $other:ident $($rest:ident)*) => { $crate::endpoints!(@repeated $($rest)*); };
    (@repeated) => {};
    (@check checked $($rest:ident)*) => {
        fn check(
            &self,
            environment: &$crate::__private::Environment,
        ) -> Result<(), $crate::InvalidArgument> {
            self.check_arguments(environment)
        }
    };
    (@check $other:ident $($rest:ident)*) => { $crate::endpoints!(@check $($rest)*); };
    (@check) => {};
    (@review $response:ty; reviewed) => {
        fn review(
            &self,
            answer: &mut $response,
            environment: &$crate::__private::Environment,
        ) -> Result<(), $crate::Objection> {
            self.review_answer(answer, environment).map_err(Into::into)
        }
    };
    (@review $response:ty; unreviewed($reason:literal)) => {};
    (@review $response:ty; idempotent $($rest:tt)*) => { $crate::endpoints!(@review $response; $($rest)*); };
    (@review $response:ty; partly_idempotent $($rest:tt)*) => {
        $crate::endpoints!(@review $response; $($rest)*);
    };
    (@review $response:ty; urgent $($rest:tt)*) => { $crate::endpoints!(@review $response; $($rest)*); };
    (@review $response:ty; checked $($rest:tt)*) => { $crate::endpoints!(@review $response; $($rest)*); };
    (@review $response:ty; $($other:tt)*) => {
        compile_error!("end the line of a call with `reviewed`, or with `unreviewed(\"why\")`");
    };
}

/// Setters for the optional parameters of a request; for the crates of this workspace.
#[doc(hidden)]
#[macro_export]
macro_rules! setters {
    ($request:ident { $($(#[$doc:meta])* $name:ident: $ty:ty;)+ }) => {
        impl $request {
            $($(#[$doc])*
            #[must_use = "a setter returns the changed request"]
            pub fn $name(mut self, $name: impl Into<$ty>) -> Self {
                self.$name = Some($name.into());
                self
            })+
        }
    };
}
