//! The account's history as a table, over a period of any length.

use super::ListTransactions;
use crate::ACCOUNT;
use capecrypto_models::{
    Malformed, Timestamp,
    param::{Fields, Params},
};
use capecrypto_rest::{Table, Windowed as _, endpoints};

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    GET "/account/transactions" ExportTransactions -> Table,
        csv secrets("description member_description sender receiver address") unreviewed("a table is written out, not read");
}

/// Seconds that one request asks for: 500 days. The exchange returns 18 months at most, and does not say how it counts them.
/// They are at least 540 days, with 30 days for each.
const WINDOW: i64 = 500 * 24 * 60 * 60;

/// The history as CSV, for [`Client::export`](capecrypto_rest::Client::export) or, over a longer period, for
/// [`Client::tables`](capecrypto_rest::Client::tables).
///
/// The exchange ignores limit and page. It returns 18 months at most, and the last month if no start is given.
#[derive(Debug, Clone, Default)]
#[must_use = "a request does nothing until it is sent"]
pub struct ExportTransactions(ListTransactions);

impl Params for ExportTransactions {
    fn write_fields(&self, fields: &mut dyn Fields) {
        self.0.write_fields(fields);
    }
}

impl ExportTransactions {
    /// The rows of this list, as one table.
    pub fn of(list: ListTransactions) -> Self {
        Self(list)
    }

    /// The rows of this list from `from` to `to`, both included, over a period of any length: one request for each 500 days.
    ///
    /// Times of the list itself are replaced. The requests are in the order of the rows: newest first, unless the list is
    /// ascending. Times are sent in whole seconds: the start is rounded down, the end up. Each request begins one second after
    /// the end of another, so no row is twice and none is missing. Give an end that is past, because a row that is made while
    /// the table is written may be missing otherwise.
    ///
    /// ```no_run
    /// use capecrypto_exchange::account::{ExportTransactions, ListTransactions};
    /// use capecrypto_models::Timestamp;
    /// # async fn example(client: capecrypto_rest::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let (from, to) = ("2019-03-01T00:00:00+02:00".parse()?, "2026-02-28T23:59:59+02:00".parse()?);
    /// let years = ExportTransactions::between(ListTransactions::new().currency("zar"), from, to)?;
    /// let table = client.tables(years).save("history.csv").await?;
    /// println!("{} rows; left out: {:?}", table.rows, table.left_out); // pins are, unless `keep` names them
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Malformed`] if the period ends before it begins.
    pub fn between(
        list: ListTransactions,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<impl Iterator<Item = Self> + Send + use<>, Malformed> {
        if to < from {
            return Err(Malformed::new("the period ends before it begins", "give the earlier time first"));
        }
        // Seconds are cut towards 1970.
        let (mut first, mut last) = (from.as_unix_seconds(), to.as_unix_seconds());
        first -= i64::from(Timestamp::from_unix_seconds(first)? > from);
        last += i64::from(Timestamp::from_unix_seconds(last)? < to);
        Timestamp::from_unix_seconds(first)?;
        Timestamp::from_unix_seconds(last)?;
        Ok(Windows { list, first, last })
    }
}

/// The requests for a period, of which this is left.
struct Windows {
    list: ListTransactions,
    first: i64,
    last: i64,
}

impl Iterator for Windows {
    type Item = ExportTransactions;

    fn next(&mut self) -> Option<ExportTransactions> {
        if self.first > self.last {
            return None;
        }
        let (from, to) = if self.list.oldest_first() {
            let from = self.first;
            let to = (from + WINDOW - 1).min(self.last);
            self.first = to + 1;
            (from, to)
        } else {
            let to = self.last;
            let from = (to - WINDOW + 1).max(self.first);
            self.last = from - 1;
            (from, to)
        };
        let at = |seconds| Timestamp::from_unix_seconds(seconds).ok();
        Some(ExportTransactions(self.list.clone().time_from(at(from)?).time_to(at(to)?)))
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::Samples;

    impl Samples for ExportTransactions {
        fn smallest() -> Self {
            Self::of(ListTransactions::smallest())
        }
        fn fullest() -> Self {
            Self::of(ListTransactions::fullest())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Direction;
    use capecrypto_auth::Environment;
    use capecrypto_rest::Prepared;

    const DAY: i64 = 24 * 60 * 60;

    fn time(seconds: i64, nanos: u32) -> Timestamp {
        let time = Timestamp::from_unix_seconds(seconds).unwrap();
        time.checked_add(std::time::Duration::from_nanos(nanos.into())).unwrap()
    }

    /// What each request asks for, as it is sent.
    fn windows(list: ListTransactions, from: Timestamp, to: Timestamp) -> Vec<(i64, i64)> {
        let windows = ExportTransactions::between(list, from, to).unwrap();
        let sent = windows.map(|window| Prepared::new(&window, &Environment::live()).unwrap().query);
        sent.map(|query| {
            let value = |name| {
                let mut pairs = form_urlencoded::parse(query.as_bytes());
                pairs.find(|(key, _)| key == name).unwrap().1.parse().unwrap()
            };
            (value("time_from"), value("time_to"))
        })
        .collect()
    }

    #[test]
    fn windows_cover_a_period_without_gap_or_overlap_in_the_order_of_the_rows() {
        let ascending = || ListTransactions::new().order_by(Direction::Ascending);
        for (first, last) in
            [(0, 0), (7, 7 + WINDOW - 1), (7, 7 + WINDOW), (-5, 10 * WINDOW), (1_551_391_200, 1_772_315_999)]
        {
            let up = windows(ascending(), time(first, 0), time(last, 0));
            assert_eq!((up[0].0, up[up.len() - 1].1), (first, last));
            assert!(up.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "{up:?}");
            // The least that 18 months can be.
            assert!(up.iter().all(|(from, to)| from <= to && to - from < 18 * 30 * DAY), "{up:?}");
            let down = windows(ListTransactions::new(), time(first, 0), time(last, 0));
            assert_eq!((down[0].1, down[down.len() - 1].0), (last, first));
            assert!(down.windows(2).all(|pair| pair[1].1 + 1 == pair[0].0), "{down:?}");
            assert_eq!(down.len(), up.len());
        }
        assert_eq!(windows(ascending(), time(0, 0), time(WINDOW, 0)).len(), 2);
    }

    #[test]
    fn parts_of_a_second_make_the_period_longer() {
        let list = || ListTransactions::new().time_from(time(1, 0));
        assert_eq!(windows(list(), time(10, 1), time(20, 1)), [(10, 21)]);
        assert_eq!(windows(list(), time(-10, 1), time(-5, 1)), [(-10, -4)]);
        assert_eq!(windows(list(), time(10, 999_999_999), time(10, 999_999_999)), [(10, 11)]);
    }

    #[test]
    fn a_period_that_ends_before_it_begins_is_refused() {
        let refused = ExportTransactions::between(ListTransactions::new(), time(10, 1), time(10, 0));
        assert!(refused.err().unwrap().to_string().contains("give the earlier time first"));
        let far = Timestamp::from_unix_seconds(253_402_300_799).unwrap();
        let end = far.checked_add(std::time::Duration::from_nanos(1)).unwrap();
        assert!(ExportTransactions::between(ListTransactions::new(), far, end).is_err());
    }
}
