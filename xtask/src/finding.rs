//! A finding of a task (where, what is wrong, and the remedy), and how a step ended.

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) place: String,
    pub(crate) problem: String,
    pub(crate) fix: String,
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into(), fix: fix.into() }
    }
}

/// Prints all findings; true if there are none.
pub(crate) fn report(task: &str, findings: &[Finding]) -> bool {
    for Finding { place, problem, fix } in findings {
        eprintln!("{place}: {problem}\n    fix: {fix}");
    }
    match findings.len() {
        0 => println!("{task}: fine"),
        count => eprintln!("{task}: {count} finding(s)"),
    }
    findings.is_empty()
}

/// How a step ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine,
    /// It could not run on this machine, for this reason. This is not a failure.
    Skipped(String),
    /// It failed; this is the remedy.
    Failed(String),
}
