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
    /// The spec has a call that the checked side lacks.
    NotInCode,
    /// A call or payload of the spec that no check was run for.
    NotProbed,
    /// Method, service or path differ from the spec.
    WrongTarget,
    /// The client's type name, or what it says of signing and retrying, differs from the spec.
    WrongDescription,
    /// A sample lacks a key that it must carry.
    MissingKey,
    /// A sample carries a key that it must not carry.
    StrangeKey,
    /// A key stands in the query that belongs into the body, or the other way round.
    WrongPlace,
    /// A sent value has another form than the spec asks for.
    WrongForm,
    /// The spec does not say that a call may answer so, or the answer is not as it says.
    WrongAnswer,
    /// A list is empty, or none of its rows has every field: it proves nothing.
    ProvesNothing,
    /// A secret shows.
    Shown,
    /// There is no fixture to check with, or one that nothing claims.
    NoFixture,
    /// A documented field appears in no fixture.
    NotShown,
    /// Something that the exchange may send is refused.
    TooStrict,
    /// Something that must be refused is accepted.
    TooLax,
    /// A value did not survive reading and writing.
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

/// Fails the test that calls it where there is a finding, and lists all of them.
///
/// # Panics
/// Where the list is not empty.
#[track_caller]
pub fn assert_no_findings(findings: impl AsRef<[Finding]>) {
    let findings = findings.as_ref();
    let list: Vec<String> = findings.iter().map(|finding| format!("  {finding}")).collect();
    assert!(findings.is_empty(), "{} finding(s)\n{}", findings.len(), list.join("\n"));
}
