//! What a task found wrong: what, where, and what mends it.

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) place: String,
    pub(crate) problem: String,
    pub(crate) mend: String,
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into(), mend: mend.into() }
    }
}

/// Prints all findings; true where there are none.
pub(crate) fn report(task: &str, findings: &[Finding]) -> bool {
    for Finding { place, problem, mend } in findings {
        eprintln!("{place}: {problem}\n    to mend: {mend}");
    }
    match findings.len() {
        0 => println!("{task}: fine"),
        count => eprintln!("{task}: {count} finding(s)"),
    }
    findings.is_empty()
}
