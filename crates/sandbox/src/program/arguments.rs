//! Reads the command line: `--flag value` or `--flag=value`, and words without a flag.

/// The arguments of a subcommand.
pub(super) struct Arguments<I> {
    rest: I,
    flag: String,
    /// The value behind `=`.
    given: Option<String>,
}

impl<I: Iterator<Item = String>> Arguments<I> {
    pub(super) fn new(rest: I) -> Self {
        Self { rest, flag: String::new(), given: None }
    }

    /// The next flag, or the next word that is none. The error is a value behind `=` that no flag wanted.
    pub(super) fn next(&mut self) -> Result<Option<String>, String> {
        if self.given.is_some() {
            return Err(format!("{} takes no value", self.flag));
        }
        let Some(argument) = self.rest.next() else { return Ok(None) };
        (self.flag, self.given) = match argument.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag.to_owned(), Some(value.to_owned())),
            _ => (argument, None),
        };
        Ok(Some(self.flag.clone()))
    }

    /// The value of the current flag.
    pub(super) fn value(&mut self) -> Result<String, String> {
        self.given.take().or_else(|| self.rest.next()).ok_or_else(|| format!("{} needs a value", self.flag))
    }
}

/// The problem of a flag that no subcommand knows. A word that is no flag is not repeated: it may be a secret.
pub(super) fn unknown(argument: &str) -> String {
    if argument.starts_with('-') {
        format!("unknown argument {argument:?}")
    } else {
        "one word has no flag before it; `--help` lists the flags".to_owned()
    }
}
