//! Fixtures: the documents' examples, complete, by call.

use serde_json::Value;
use std::{fs, path::Path};

/// One example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixture {
    /// The folder: the operation's id, or the schema of a websocket payload in snake case.
    pub operation: String,
    /// The file's name without `.json`.
    pub name: String,
    /// The file's text.
    pub text: String,
}

impl Fixture {
    /// Path below `crates/testkit/fixtures`.
    pub fn path(&self) -> String {
        format!("{}/{}.json", self.operation, self.name)
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        self.name.starts_with("request")
    }

    /// The text as JSON. A number with a fraction keeps no more than 17 digits; the text has all of them.
    ///
    /// # Errors
    /// The file is not JSON; the message names it.
    pub fn json(&self) -> Result<Value, String> {
        serde_json::from_str(&self.text).map_err(|error| format!("{}: {error}", self.path()))
    }
}

/// All fixtures, sorted by path.
#[derive(Debug, Clone, Default)]
pub struct Fixtures(Vec<Fixture>);

impl Fixtures {
    /// The fixtures of this crate.
    ///
    /// # Panics
    /// If the folder cannot be read; it is part of the repository.
    pub fn cape() -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
        match Self::read(Path::new(folder)) {
            Ok(fixtures) => fixtures,
            Err(error) => panic!("{folder}: {error}"),
        }
    }

    /// The fixtures of Cabital's partner API, below `fixtures/cabital`.
    ///
    /// # Panics
    /// If the folder cannot be read; it is part of the repository.
    pub fn cabital() -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cabital");
        match Self::read(Path::new(folder)) {
            Ok(fixtures) => fixtures,
            Err(error) => panic!("{folder}: {error}"),
        }
    }

    /// The fixtures below a folder: `<operation>/<name>.json`.
    ///
    /// # Errors
    /// The errors of the file system.
    pub fn read(folder: &Path) -> std::io::Result<Self> {
        let mut all = Vec::new();
        for operation in fs::read_dir(folder)? {
            let operation = operation?;
            if !operation.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(operation.path())? {
                let path = file?.path();
                if path.extension().is_some_and(|extension| extension == "json") {
                    all.push(Fixture {
                        operation: operation.file_name().to_string_lossy().into_owned(),
                        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                        text: fs::read_to_string(&path)?,
                    });
                }
            }
        }
        Ok(all.into_iter().collect())
    }

    /// One fixture by operation and name.
    pub fn get(&self, operation: &str, name: &str) -> Option<&Fixture> {
        self.0.iter().find(|fixture| fixture.operation == operation && fixture.name == name)
    }

    /// One fixture's text.
    ///
    /// # Panics
    /// If there is no such fixture; the message says which file to add.
    #[track_caller]
    pub fn text(&self, operation: &str, name: &str) -> &str {
        match self.get(operation, name) {
            Some(fixture) => &fixture.text,
            None => panic!("add crates/testkit/fixtures/{operation}/{name}.json: a test asks for it"),
        }
    }

    /// The fixtures of answers to an operation, or of a payload.
    pub fn received<'a>(&'a self, operation: &'a str) -> impl Iterator<Item = &'a Fixture> {
        self.0.iter().filter(move |fixture| fixture.operation == operation && !fixture.is_request())
    }

    /// The fixtures of requests of an operation.
    pub fn sent<'a>(&'a self, operation: &'a str) -> impl Iterator<Item = &'a Fixture> {
        self.0.iter().filter(move |fixture| fixture.operation == operation && fixture.is_request())
    }

    /// All fixtures.
    pub fn iter(&self) -> impl Iterator<Item = &Fixture> {
        self.0.iter()
    }
}

impl FromIterator<Fixture> for Fixtures {
    fn from_iter<I: IntoIterator<Item = Fixture>>(fixtures: I) -> Self {
        let mut all: Vec<Fixture> = fixtures.into_iter().collect();
        all.sort_by_key(Fixture::path);
        Self(all)
    }
}
