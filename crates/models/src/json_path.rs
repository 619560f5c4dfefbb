//! The place of an error in a JSON text.
//!
//! `serde_json` says at which byte it stopped, not in which member. A deserializer that keeps the path would have to be
//! compiled for each type again, only for the case of an error. So the path is found from the byte, in the text.

use std::ops::Range;

/// The path of the value that could not be read, such as `[3].price`; `.` is the whole text.
///
/// `read_again` reads a changed text into the same type, and returns its error. It is called at most once.
pub fn of(text: &str, error: &serde_json::Error, read_again: ReadAgain) -> String {
    let text = text.as_bytes();
    let Some(stop) = offset(text, error) else { return ".".to_owned() };
    // An error of the syntax has the place behind the byte that is wrong.
    let read = text.get(..if error.is_syntax() { stop.saturating_sub(1) } else { stop }).unwrap_or(text);
    let mut scan = Scan::default();
    read.iter().enumerate().for_each(|(at, byte)| scan.step(at, *byte));
    if error.is_data() {
        scan.settle(text, stop, read_again);
    } else if !scan.has_begun && matches!(scan.steps.last(), Some(Step::Index(_))) {
        scan.steps.pop();
    }
    scan.path(text)
}

/// Reads a text, and returns the error.
pub type ReadAgain = fn(&str) -> Option<serde_json::Error>;

/// Number of bytes before an error; `None` if the error has no place.
fn offset(text: &[u8], error: &serde_json::Error) -> Option<usize> {
    let lines_before = error.line().checked_sub(1)?;
    let mut line_ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let start = if lines_before == 0 { 0 } else { line_ends.nth(lines_before - 1)? };
    Some((start + error.column()).min(text.len()))
}

/// The way from an open list or object to the value in it.
#[derive(Debug, Clone)]
enum Step {
    /// The index in a list.
    Index(usize),
    /// Where the key is; `None` before it.
    Key(Option<Range<usize>>),
}

/// A string that is being read.
#[derive(Debug)]
struct Text {
    start: usize,
    is_key: bool,
    is_escaped: bool,
}

/// What was read of a text.
#[derive(Debug, Default)]
struct Scan {
    /// The way to the value that is being read, or that was read last.
    steps: Vec<Step>,
    /// Whether this value has begun.
    has_begun: bool,
    /// The way to the last value of a list or object that ended just before, from there.
    closed: Option<Step>,
    text: Option<Text>,
}

impl Scan {
    fn step(&mut self, at: usize, byte: u8) {
        if let Some(text) = &mut self.text {
            match byte {
                _ if text.is_escaped => text.is_escaped = false,
                b'\\' => text.is_escaped = true,
                b'"' => {
                    let Text { start, is_key, .. } = *text;
                    self.text = None;
                    if let (true, Some(Step::Key(key))) = (is_key, self.steps.last_mut()) {
                        *key = Some(start..at + 1);
                    }
                }
                _ => {}
            }
            return;
        }
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' => return,
            b'"' => {
                let is_key = matches!(self.steps.last(), Some(Step::Key(None)));
                self.has_begun |= !is_key;
                self.text = Some(Text { start: at, is_key, is_escaped: false });
            }
            b':' => self.has_begun = false,
            b'{' => self.open(Step::Key(None)),
            b'[' => self.open(Step::Index(0)),
            b',' => {
                self.has_begun = false;
                match self.steps.last_mut() {
                    Some(Step::Index(index)) => *index += 1,
                    Some(Step::Key(key)) => *key = None,
                    None => {}
                }
            }
            b'}' | b']' => {
                self.closed = self.steps.pop().filter(|_| self.has_begun);
                self.has_begun = true;
                return;
            }
            _ => self.has_begun = true,
        }
        self.closed = None;
    }

    fn open(&mut self, first: Step) {
        self.steps.push(first);
        self.has_begun = false;
    }

    /// Decides between two values. Before `serde_json` gives an error a place, it reads the end of the list or object, or the comma
    /// behind an element. So an error of the last member has the same place as one of the whole object.
    fn settle(&mut self, text: &[u8], stop: usize, read_again: ReadAgain) {
        let Some((before, after)) = text.split_at_checked(stop) else { return };
        // Whether the error comes at the same byte if something is put in there.
        let stays = |parts: [&[u8]; 3], at: usize| {
            let changed = parts.concat();
            let error = std::str::from_utf8(&changed).ok().and_then(read_again);
            error.is_some_and(|error| offset(&changed, &error).is_some_and(|place| place <= at))
        };
        let opens = matches!(after.first(), Some(b'{' | b'['));
        match (self.closed.take(), self.steps.last_mut()) {
            // The last member, or the whole object; the last element, or the whole list.
            (Some(inside), _) => {
                let Some((end, before)) = before.split_last() else { return };
                let (more, seen): (&[u8], usize) = match inside {
                    Step::Key(_) => (b",\"\":0", before.len()),
                    Step::Index(_) => (b",0", before.len() + 1),
                };
                if stays([before, more, &[&[*end], after].concat()], seen) {
                    self.steps.push(inside);
                }
            }
            _ if self.has_begun => {}
            // The element before the comma, or the list or object after it.
            (None, Some(Step::Index(index)))
                if *index > 0 && (!opens || stays([before, b"null,", after], stop)) =>
            {
                *index -= 1;
            }
            (None, Some(_)) if !opens => drop(self.steps.pop()),
            (None, _) => {}
        }
    }

    fn path(&self, text: &[u8]) -> String {
        let mut path = String::new();
        for step in &self.steps {
            match step {
                Step::Index(index) => path.push_str(&format!("[{index}]")),
                Step::Key(None) => {}
                Step::Key(Some(key)) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    let key = text.get(key.clone()).unwrap_or_default();
                    match serde_json::from_slice::<String>(key) {
                        Ok(key) => path.push_str(&key),
                        Err(_) => path.push_str(&String::from_utf8_lossy(key)),
                    }
                }
            }
        }
        if path.is_empty() { ".".to_owned() } else { path }
    }
}
