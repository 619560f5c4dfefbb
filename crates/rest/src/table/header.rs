//! The line that names a table's columns, and which of them are left out.

use crate::{
    Error, Kind, Outcome,
    names::{is_same, is_secret},
};

/// The columns of a table.
pub(super) struct Header {
    /// The line without its end.
    line: Vec<u8>,
    end: &'static [u8],
    columns: Vec<Column>,
    count: u32,
    steps: Vec<Step>,
}

struct Column {
    /// The cell as it came.
    cell: Vec<u8>,
    /// The name without quotes.
    name: String,
    kept: bool,
}

/// What to do at a comma of a row. Commas are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Leave out from this comma on.
    Drop { comma: u32 },
    /// Keep from this comma on, with or without it.
    Keep { comma: u32, with_comma: bool },
}

impl Step {
    pub(super) fn comma(self) -> u32 {
        match self {
            Self::Drop { comma } | Self::Keep { comma, .. } => comma,
        }
    }
}

impl Header {
    /// Reads the line. Columns whose name stands for a secret are left out, but not those that are named in `keep`.
    pub(super) fn read(line: &[u8], keep: &[String]) -> Result<Self, Error> {
        let (line, end) = without_end(line);
        let columns: Vec<Column> = cells(line)
            .into_iter()
            .map(|cell| {
                let name = name(cell);
                let kept = !is_secret(&name) || keep.iter().any(|wanted| is_same(wanted, &name));
                Column { cell: cell.to_owned(), name, kept }
            })
            .collect();
        let names = |kept: bool| columns.iter().filter(move |column| column.kept == kept);
        if let Some(missing) =
            keep.iter().find(|wanted| !names(true).any(|column| is_same(wanted, &column.name)))
        {
            let all: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
            let what = format!("the table has no column {missing:?}; its columns are {}", all.join(", "));
            return Err(Error::new(Kind::Mismatch, Outcome::Unknown, what));
        }
        if names(true).next().is_none() {
            let what = "the table has only secret columns; name those that you want to keep";
            return Err(Error::new(Kind::Mismatch, Outcome::Unknown, what));
        }
        let count = u32::try_from(columns.len()).unwrap_or(u32::MAX);
        Ok(Self { line: line.to_owned(), end, steps: steps(&columns), columns, count })
    }

    /// Whether a line has the same columns.
    pub(super) fn is_same(&self, line: &[u8]) -> bool {
        without_end(line).0 == self.line
    }

    pub(super) fn columns(&self) -> u32 {
        self.count
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The comma of a step; the largest number after the last step.
    pub(super) fn comma_of(&self, step: usize) -> u32 {
        self.steps.get(step).map_or(u32::MAX, |step| step.comma())
    }

    /// Whether the first column is left out.
    pub(super) fn drops_first(&self) -> bool {
        self.columns.first().is_some_and(|column| !column.kept)
    }

    /// Names of the columns that are kept, or of those that are left out.
    pub(super) fn names(&self, kept: bool) -> Vec<String> {
        let columns = self.columns.iter().filter(|column| column.kept == kept);
        columns.map(|column| column.name.clone()).collect()
    }

    /// The line with the columns that are kept.
    pub(super) fn kept_line(&self) -> Vec<u8> {
        let cells: Vec<_> =
            self.columns.iter().filter(|column| column.kept).map(|column| column.cell.as_slice()).collect();
        [cells.join(&b','), self.end.to_owned()].concat()
    }
}

fn without_end(line: &[u8]) -> (&[u8], &'static [u8]) {
    match line {
        [line @ .., b'\r', b'\n'] => (line, b"\r\n"),
        [line @ .., b'\n'] => (line, b"\n"),
        line => (line, b""),
    }
}

fn cells(line: &[u8]) -> Vec<&[u8]> {
    let mut quoted = false;
    line.split(|byte| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    })
    .collect()
}

/// The name in a cell of the header, without quotes and without the byte order mark of a table's start.
fn name(cell: &[u8]) -> String {
    let cell = crate::without_bom(cell);
    let inner = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\""));
    match inner {
        Some(inner) => String::from_utf8_lossy(inner).replace("\"\"", "\""),
        None => String::from_utf8_lossy(cell).into_owned(),
    }
}

/// Where bytes of a row begin and stop to be left out. A run of columns is left out with the comma before it, or, at the start
/// of the row, with the comma after it.
fn steps(columns: &[Column]) -> Vec<Step> {
    let mut steps = Vec::new();
    for (comma, pair) in (0..).zip(columns.windows(2)) {
        match pair {
            [left, right] if left.kept && !right.kept => steps.push(Step::Drop { comma }),
            [left, right] if !left.kept && right.kept => {
                steps.push(Step::Keep { comma, with_comma: !steps.is_empty() });
            }
            _ => {}
        }
    }
    steps
}
