//! Problems with a request's arguments, found before anything is sent.

use capecrypto_auth::Environment;
use capecrypto_models::{Malformed, Timestamp};
use std::{borrow::Cow, fmt};

/// An argument that was refused before anything was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{argument}: {why}; {remedy}")]
pub struct InvalidArgument {
    /// The argument's name; for a nested argument its path, such as `ubos[1].dob`.
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

    pub(crate) fn because(argument: impl Into<Cow<'static, str>>, reason: Malformed) -> Self {
        let (why, remedy) = reason.into_parts();
        Self { argument: argument.into(), why, remedy }
    }
}

/// All arguments of a request that were refused, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidArguments(Vec<InvalidArgument>);

impl InvalidArguments {
    /// `Ok` if no argument was refused.
    pub(crate) fn none(all: Vec<InvalidArgument>) -> Result<(), Self> {
        if all.is_empty() { Ok(()) } else { Err(Self(all)) }
    }

    /// All of them, in the order of the request's parameters.
    pub fn all(&self) -> &[InvalidArgument] {
        &self.0
    }

    pub(crate) fn into_all(self) -> Vec<InvalidArgument> {
        self.0
    }
}

impl From<InvalidArgument> for InvalidArguments {
    fn from(one: InvalidArgument) -> Self {
        Self(vec![one])
    }
}

/// A single argument is printed in one line, several in a line each.
impl fmt::Display for InvalidArguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.0.as_slice() {
            return one.fmt(f);
        }
        write!(f, "{} arguments cannot be sent", self.0.len())?;
        self.0.iter().try_for_each(|each| write!(f, "\n    {each}"))
    }
}

impl std::error::Error for InvalidArguments {}

/// An argument that is sent although it may be wrong, such as a value that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// The argument's name, or its path.
    pub argument: Cow<'static, str>,
    /// Why it may be wrong.
    pub why: Cow<'static, str>,
    /// What to check.
    pub remedy: Cow<'static, str>,
}

impl Warning {
    pub(crate) fn because(argument: impl Into<Cow<'static, str>>, reason: Malformed) -> Self {
        let (why, remedy) = reason.into_parts();
        Self { argument: argument.into(), why, remedy }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { argument, why, remedy } = self;
        write!(f, "{argument}: {why}; {remedy}")
    }
}

/// Collects the problems of a request as a whole: arguments that contradict each other, or that the environment's exchange
/// does not know. All of them are reported at once.
#[derive(Debug)]
pub struct Checks<'a> {
    environment: &'a Environment,
    now: Option<Timestamp>,
    pub(crate) refused: Vec<InvalidArgument>,
    pub(crate) warnings: Vec<Warning>,
}

impl<'a> Checks<'a> {
    pub(crate) fn new(environment: &'a Environment, now: Option<Timestamp>) -> Self {
        Self { environment, now, refused: Vec::new(), warnings: Vec::new() }
    }

    /// The environment that the request is for.
    pub fn environment(&self) -> &'a Environment {
        self.environment
    }

    /// The exchange's time, as far as the client knows it. `None` if the request is only written out, without a client.
    pub fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// Reports an argument that cannot be sent.
    pub fn refuse(
        &mut self,
        argument: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        self.refused.push(InvalidArgument::new(argument, why, remedy));
    }

    /// Reports an argument that is sent although it may be wrong.
    pub fn warn(
        &mut self,
        argument: impl Into<Cow<'static, str>>,
        why: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        self.warnings.push(Warning { argument: argument.into(), why: why.into(), remedy: remedy.into() });
    }
}
