//! The levels of one side, as both books by hand keep them: sorted runs of integers.

/// Levels a run: at most, and after a snapshot.
const LONGEST: usize = 128;
const FRESH: usize = 96;

/// Price and amount.
pub type Row = (i64, i64);

struct Run {
    /// Not above the first key, and above all keys of the run before.
    low: i64,
    rows: Vec<Row>,
}

/// Sorted runs, the best level last.
pub struct Side {
    runs: Vec<Run>,
}

impl Side {
    #[inline]
    pub fn best(&self) -> Option<Row> {
        self.runs.last()?.rows.last().copied()
    }

    pub fn rows(&self) -> impl Iterator<Item = Row> {
        self.runs.iter().rev().flat_map(|run| run.rows.iter().rev().copied())
    }

    /// Takes rows with the best one first.
    pub fn load(mut rows: Vec<Row>) -> Self {
        rows.reverse();
        Self { runs: rows.chunks(FRESH).map(new_run).collect() }
    }

    #[inline]
    pub fn set(&mut self, key: i64, amount: i64) {
        let at = match self.runs.last() {
            Some(last) if key >= last.low => self.runs.len() - 1,
            Some(_) => self.runs.partition_point(|run| run.low <= key).saturating_sub(1),
            None if amount == 0 => return,
            None => return self.runs.push(new_run(&[(key, amount)])),
        };
        let run = &mut self.runs[at];
        match run.rows.binary_search_by_key(&key, |row| row.0) {
            Ok(found) if amount == 0 => {
                run.rows.remove(found);
                if run.rows.is_empty() {
                    self.runs.remove(at);
                }
            }
            Ok(found) => run.rows[found].1 = amount,
            Err(_) if amount == 0 => {}
            Err(place) => {
                run.low = run.low.min(key);
                run.rows.insert(place, (key, amount));
                if run.rows.len() == LONGEST {
                    let upper = new_run(&run.rows[LONGEST / 2..]);
                    run.rows.truncate(LONGEST / 2);
                    self.runs.insert(at + 1, upper);
                }
            }
        }
    }
}

fn new_run(first: &[Row]) -> Run {
    let mut rows = Vec::with_capacity(LONGEST);
    rows.extend_from_slice(first);
    Run { low: first[0].0, rows }
}
