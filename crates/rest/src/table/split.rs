//! Splits tables into rows while they arrive, checks each row, and leaves columns out.
//!
//! It copies the bytes that are kept and changes none of them. A quote begins or ends a quoted part, in which commas and
//! line ends are a part of the cell. A line ends with LF or CR LF. Empty lines are no rows, and are left out.

use super::{
    header::{Header, Step},
    masks::{BLOCK, Masks, masks},
};
use crate::{Error, Kind, Outcome};
use std::mem;

/// Largest row or header. A quote without its partner would otherwise make one row of the whole rest.
const LARGEST_ROW: usize = 1024 * 1024;

/// Splits the answers of several requests, one after the other, into the rows of one table.
pub(super) struct Splitter {
    /// Names of columns that are kept although their name stands for a secret.
    keep: Vec<String>,
    /// Of the first answer that has one.
    header: Option<Header>,
    /// What is kept so far. The last row may be incomplete.
    out: Vec<u8>,
    found: Found,
    /// Whether the header goes into `out` when it is known.
    header_is_due: bool,
    /// The header of this answer, while it arrives.
    arriving: Option<Vec<u8>>,
    /// Number of rows of this answer that were taken.
    taken: u64,
    row: Row,
    /// All ones within a quoted part, otherwise zero.
    quoted: u64,
    /// The last byte before this piece.
    before: u8,
}

/// The whole rows.
#[derive(Clone, Copy, Default)]
struct Found {
    /// Their number in this answer.
    rows: u64,
    /// How many bytes of `out` they and the header are.
    whole: usize,
    /// Where the last one begins in `out`, if `out` has one.
    last: Option<usize>,
}

/// The row that is being read.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    commas: u32,
    /// Number of its bytes in earlier pieces.
    earlier: usize,
    /// The next step for its cells, and the number of its comma.
    step: usize,
    next: u32,
    /// Whether the bytes now are left out.
    dropping: bool,
}

impl Row {
    /// A row of which nothing is read yet.
    fn new(header: &Header) -> Self {
        Self { dropping: header.drops_first(), next: header.comma_of(0), ..Self::default() }
    }
}

fn unreadable(what: String) -> Error {
    Error::new(Kind::Decode, Outcome::Unknown, what)
}

impl Splitter {
    pub(super) fn new(keep: Vec<String>) -> Self {
        Self {
            keep,
            header: None,
            out: Vec::new(),
            found: Found::default(),
            header_is_due: true,
            arriving: None,
            taken: 0,
            row: Row::default(),
            quoted: 0,
            before: 0,
        }
    }

    pub(super) fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Begins an answer. What an earlier attempt at it left here is dropped.
    pub(super) fn begin(&mut self) {
        self.out.clear();
        self.found = Found::default();
        self.arriving = Some(Vec::new());
        self.taken = 0;
        self.row = Row::default();
        self.quoted = 0;
    }

    /// Number of bytes that can be taken.
    pub(super) fn ready(&self) -> usize {
        self.found.whole
    }

    /// Takes the whole rows, and their number. Copies the last row, if there is one, into `last`.
    pub(super) fn take(&mut self, last: &mut Vec<u8>) -> (Vec<u8>, u64) {
        let Found { rows, whole, last: begin } = self.found;
        if let Some(row) = begin.and_then(|begin| self.out.get(begin..whole)) {
            last.clear();
            last.extend_from_slice(row);
        }
        self.header_is_due &= whole == 0;
        let rest = self.out.split_off(whole);
        self.found = Found { rows, whole: 0, last: None };
        let count = rows - mem::replace(&mut self.taken, rows);
        (mem::replace(&mut self.out, rest), count)
    }

    /// Gives a buffer back after its rows are written, so that a large one is made only once.
    pub(super) fn give_back(&mut self, mut buffer: Vec<u8>) {
        buffer.clear();
        buffer.extend_from_slice(&self.out);
        self.out = buffer;
    }

    /// Reads the next piece of the answer.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Result<(), Error> {
        let rest = match self.arriving.take() {
            Some(begun) => match self.read_header(begun, piece)? {
                Some(rest) => rest,
                None => return Ok(()),
            },
            None => piece,
        };
        self.read_rows(rest)
    }

    /// Ends the answer: it must not end within a row.
    pub(super) fn finish(&self) -> Result<(), Error> {
        let in_header = self.arriving.as_ref().is_some_and(|begun| !begun.is_empty());
        if in_header || self.row.earlier > 0 {
            let what = "the table's last line has no end, so it may be cut off; export it again";
            return Err(Error::new(Kind::Interrupted, Outcome::Unknown, what));
        }
        Ok(())
    }

    /// Reads the header's part of a piece, and returns the rest; `None` if the header is not complete yet.
    fn read_header<'p>(&mut self, mut begun: Vec<u8>, piece: &'p [u8]) -> Result<Option<&'p [u8]>, Error> {
        for (at, byte) in piece.iter().enumerate() {
            begun.push(*byte);
            match byte {
                b'"' => self.quoted = !self.quoted,
                b'\n' if self.quoted == 0 && !matches!(*begun, [b'\n'] | [b'\r', b'\n']) => {
                    self.take_header(&begun)?;
                    return Ok(Some(piece.get(at + 1..).unwrap_or_default()));
                }
                b'\n' if self.quoted == 0 => begun.clear(),
                _ => {}
            }
        }
        if begun.len() > LARGEST_ROW {
            return Err(too_large());
        }
        self.arriving = Some(begun);
        Ok(None)
    }

    fn take_header(&mut self, line: &[u8]) -> Result<(), Error> {
        let header = match &self.header {
            Some(first) if first.is_same(line) => first,
            Some(_) => {
                let what = "the answers have different columns; export each period by itself";
                return Err(Error::new(Kind::Mismatch, Outcome::Unknown, what));
            }
            None => self.header.insert(Header::read(line, &self.keep)?),
        };
        if self.header_is_due {
            self.out.extend_from_slice(&header.kept_line());
            self.found.whole = self.out.len();
        }
        self.row = Row::new(header);
        Ok(())
    }

    fn read_rows(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(header) = &self.header else { return Ok(()) };
        let mut reading = Reading {
            bytes,
            header,
            out: &mut self.out,
            found: self.found,
            row: self.row,
            fresh: Row::new(header),
            copied: 0,
            row_start: 0,
            before: self.before,
        };
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        for (at, block) in (0..).step_by(BLOCK).zip(blocks) {
            reading.block(at, unquoted(masks(block), &mut self.quoted))?;
        }
        if !rest.is_empty() {
            // Zeros are none of the bytes that matter.
            let mut block = [0; BLOCK];
            for (place, byte) in block.iter_mut().zip(rest) {
                *place = *byte;
            }
            reading.block(bytes.len() - rest.len(), unquoted(masks(&block), &mut self.quoted))?;
        }
        (self.row, self.found) = reading.pause();
        self.before = bytes.last().copied().unwrap_or(self.before);
        if self.row.earlier > LARGEST_ROW { Err(too_large()) } else { Ok(()) }
    }
}

fn too_large() -> Error {
    let what = "a row is larger than 1 MiB; the table may have a quote without its partner";
    Error::new(Kind::TooLarge, Outcome::Unknown, what)
}

/// Takes what is between quotes out of the masks. `quoted` says whether the block begins there, and then whether it ends
/// there.
fn unquoted(masks: Masks, quoted: &mut u64) -> Masks {
    if masks.quotes == 0 && *quoted == 0 {
        return masks;
    }
    // Each bit becomes the parity of the quotes up to it.
    let mut inside = masks.quotes;
    for shift in [1, 2, 4, 8, 16, 32] {
        inside ^= inside << shift;
    }
    inside ^= *quoted;
    *quoted = if inside >> 63 == 1 { u64::MAX } else { 0 };
    Masks { commas: masks.commas & !inside, line_ends: masks.line_ends & !inside, ..masks }
}

/// Number of the lowest bit.
fn place(bits: u64) -> usize {
    usize::try_from(bits.trailing_zeros()).unwrap_or(BLOCK)
}

/// A piece that is being read.
struct Reading<'p> {
    bytes: &'p [u8],
    header: &'p Header,
    out: &'p mut Vec<u8>,
    found: Found,
    row: Row,
    /// A row of which nothing is read yet.
    fresh: Row,
    /// Bytes before this are copied, or left out. It means nothing while bytes are left out.
    copied: usize,
    /// Where the row begins, if it begins in this piece; otherwise 0.
    row_start: usize,
    before: u8,
}

impl Reading<'_> {
    /// Copies the bytes up to a place.
    fn copy_to(&mut self, to: usize) {
        self.out.extend_from_slice(self.bytes.get(self.copied..to).unwrap_or_default());
        self.copied = to;
    }

    /// Reads the block that begins at this place.
    #[inline(always)]
    fn block(&mut self, base: usize, masks: Masks) -> Result<(), Error> {
        let Masks { mut commas, mut line_ends, .. } = masks;
        while line_ends != 0 {
            let line_end = line_ends & line_ends.wrapping_neg();
            let before = line_end - 1;
            self.cells(base, commas & before);
            self.end_row(base + place(line_end))?;
            line_ends ^= line_end;
            commas &= !before;
        }
        self.cells(base, commas);
        Ok(())
    }

    /// Reads a part of a row, of which the commas are given.
    #[inline(always)]
    fn cells(&mut self, base: usize, commas: u64) {
        let first = self.row.commas;
        self.row.commas += commas.count_ones();
        if self.row.next < self.row.commas {
            self.take_steps(base, commas, first);
        }
    }

    /// Takes the steps at these commas, the first of which has this number.
    #[inline(always)]
    fn take_steps(&mut self, base: usize, mut commas: u64, mut number: u32) {
        while let Some(step) = self.header.steps().get(self.row.step)
            && step.comma() < self.row.commas
        {
            while number < step.comma() {
                commas &= commas.wrapping_sub(1);
                number += 1;
            }
            let at = base + place(commas);
            match step {
                Step::Drop { .. } => {
                    self.copy_to(at);
                    self.row.dropping = true;
                }
                Step::Keep { with_comma, .. } => {
                    self.copied = at + usize::from(!with_comma);
                    self.row.dropping = false;
                }
            }
            self.row.step += 1;
        }
        self.row.next = self.header.comma_of(self.row.step);
    }

    /// Ends the row at its LF.
    #[inline(always)]
    fn end_row(&mut self, at: usize) -> Result<(), Error> {
        let length = self.row.earlier + at - self.row_start;
        if length <= 1 && (length == 0 || self.has_cr(at)) {
            self.leave_out_line(at);
        } else {
            if self.row.commas + 1 != self.header.columns() {
                return Err(self.wrong_cells());
            }
            if self.row.dropping {
                if self.has_cr(at) {
                    self.out.push(b'\r');
                }
                self.copied = at;
            }
            self.found = Found {
                rows: self.found.rows + 1,
                whole: self.out.len() + at + 1 - self.copied,
                last: Some(self.found.whole),
            };
        }
        self.row_start = at + 1;
        self.row = self.fresh;
        if self.row.dropping {
            self.copy_to(at + 1);
        }
        Ok(())
    }

    fn has_cr(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.bytes.get(before));
        before.map_or(self.before, |byte| *byte) == b'\r'
    }

    /// Leaves out an empty line, of which a CR may have come in the piece before.
    #[cold]
    fn leave_out_line(&mut self, at: usize) {
        if self.row.earlier > 0 {
            self.out.truncate(self.found.whole);
        } else if !self.row.dropping {
            self.copy_to(self.row_start);
        }
        self.copied = at + 1;
    }

    #[cold]
    fn wrong_cells(&self) -> Error {
        unreadable(format!(
            "row {} has {} cells, but there are {} columns; the table may be cut off",
            self.found.rows + 1,
            self.row.commas + 1,
            self.header.columns()
        ))
    }

    /// Ends the piece.
    fn pause(mut self) -> (Row, Found) {
        if !self.row.dropping {
            self.copy_to(self.bytes.len());
        }
        let earlier = self.row.earlier + self.bytes.len() - self.row_start;
        (Row { earlier, ..self.row }, self.found)
    }
}

#[cfg(test)]
mod tests;
