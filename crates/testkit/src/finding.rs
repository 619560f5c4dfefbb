//! What a check found wrong, and what fixes it.

use std::fmt;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The spec itself contradicts its own rules.
    SpecUnsound,
    /// The spec has no such call, schema or field.
    NotInSpec,
    /// The spec has a call that the code does not have.
    NotInCode,
    /// No check was run for a call or payload of the spec.
    NotProbed,
    /// Method, service or path differ from the spec.
    WrongTarget,
    /// The client's type name, or its flags for signing and retrying, differ from the spec.
    WrongDescription,
    /// A sample lacks a key that it must carry.
    MissingKey,
    /// A sample carries a key that it must not carry.
    StrangeKey,
    /// A key is in the query but belongs in the body, or the other way round.
    WrongPlace,
    /// A sent value does not have the form that the spec requires.
    WrongForm,
    /// The answer of a server does not match the spec.
    WrongAnswer,
    /// A list is empty, or none of its rows has every field, so the check proves nothing.
    ProvesNothing,
    /// A secret is visible in a text.
    Shown,
    /// A fixture is missing, or belongs to no call or topic.
    NoFixture,
    /// A documented field appears in no fixture.
    NotShown,
    /// The client refuses something that the exchange may send.
    TooStrict,
    /// The client accepts something that it must refuse.
    TooLax,
    /// A value changed when it was read and written again.
    Changed,
}

/// One finding of the probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is wrong, for tests.
    pub fault: Fault,
    /// Where: the call or schema, the fixture, the field.
    pub place: String,
    /// What is wrong, in words.
    pub problem: String,
    /// The file to edit or the command to run.
    pub remedy: String,
}

impl Finding {
    pub(crate) fn new(
        fault: Fault,
        place: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { fault, place: place.into(), problem: problem.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n    fix: {}", self.place, self.problem, self.remedy)
    }
}

/// Fails the test if there are findings, and lists all of them.
///
/// # Panics
/// If the list is not empty.
#[track_caller]
pub fn assert_no_findings(findings: impl AsRef<[Finding]>) {
    let findings = findings.as_ref();
    let list: Vec<String> = findings.iter().map(|finding| format!("  {finding}")).collect();
    assert!(findings.is_empty(), "{} finding(s)\n{}", findings.len(), list.join("\n"));
}
