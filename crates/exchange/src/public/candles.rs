//! Candles over a span of time.

use super::ListCandles;
use capecrypto_models::{Candle, Decimal, Period, Timestamp};
use capecrypto_rest::{Client, Error, Paged, Pages, SetPage, SetTimes, Span, UnreadableRow, Windowed};
use futures_util::{Stream, StreamExt};
use std::{
    collections::VecDeque,
    fmt,
    ops::{Deref, Range},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

/// Number of candles in a window if the caller gives none.
const WINDOW: u32 = 1_000;
/// The exchange's largest limit.
const MOST: i64 = 10_000;

impl ListCandles {
    /// Walks over the candles of a span of any length, oldest first, each once. A candle belongs to the span if it opens in it.
    /// The span is read in windows of 1,000 candles; [`Span::window`] sets another length. The walk sets the request's
    /// times and its limit.
    ///
    /// ```no_run
    /// # async fn example(client: &capecrypto_rest::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use capecrypto_exchange::public::ListCandles;
    /// use capecrypto_models::Period;
    ///
    /// let year = "2025-01-01T00:00:00Z".parse()?.."2026-01-01T00:00:00Z".parse()?;
    /// let mut candles = ListCandles::new("btczar").period(Period::OneHour).walk(client, year).fill_gaps().closed_only();
    /// while let Some(candle) = candles.try_next().await? {
    ///     println!("{} {}", candle.opened_at, candle.close);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn walk(self, client: &Client, span: impl Into<Span>) -> CandleWalk {
        let span = span.into();
        CandleWalk {
            period: self.length(),
            end: span.end(),
            pages: client.pages_within(self, span),
            client: client.clone(),
            closed_only: false,
            fill_gaps: false,
            asked_at: None,
            read_at: None,
            waiting: VecDeque::new(),
            next: None,
            is_whole: true,
            over: false,
            unreadable: Vec::new(),
        }
    }

    /// Length of a candle. The exchange's default is a minute.
    fn length(&self) -> Duration {
        self.period.unwrap_or(Period::OneMinute).duration()
    }
}

impl SetPage for ListCandles {
    fn set_page(&mut self, _: u32) {}
}

/// An answer has all candles that were asked for.
impl Paged for ListCandles {
    type Row = Candle;
    type Key = Timestamp;

    const ONE_PAGE: bool = true;

    fn key(row: &Candle) -> Timestamp {
        row.opened_at
    }
}

impl Windowed for ListCandles {
    fn window(&self) -> Duration {
        self.length() * WINDOW
    }

    fn oldest_first(&self) -> bool {
        true
    }

    fn time(row: &Candle) -> Option<Timestamp> {
        Some(row.opened_at)
    }

    /// Also sets a limit that no window reaches. The exchange ignores the limit if both times are given; a server that does not
    /// would send 30 candles without it.
    fn set_window(&mut self, window: &Range<Timestamp>) {
        self.set_times(window.start, window.end);
        let length = window.end.as_unix_seconds().saturating_sub(window.start.as_unix_seconds());
        let candles = length / i64::try_from(self.length().as_secs()).unwrap_or(1) + 2;
        self.limit = u32::try_from(candles.min(MOST)).ok().map(Into::into);
    }
}

/// A candle of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WalkedCandle {
    /// The candle.
    pub candle: Candle,
    /// Whether its period was not over when it was asked for, by [`Client::now`]. Its figures can still change.
    pub is_open: bool,
    /// Whether the exchange sent no candle for this period, so that the walk made one: see [`CandleWalk::fill_gaps`].
    pub is_filled: bool,
}

/// A walked candle can be used as the candle.
impl Deref for WalkedCandle {
    type Target = Candle;

    fn deref(&self) -> &Candle {
        &self.candle
    }
}

/// The candles of a span, as a stream: see [`ListCandles::walk`].
pub struct CandleWalk {
    pages: Pages<Candle>,
    client: Client,
    period: Duration,
    end: Timestamp,
    closed_only: bool,
    fill_gaps: bool,
    /// When the page that is being read was asked for.
    asked_at: Option<Timestamp>,
    /// When the last page was asked for.
    read_at: Option<Timestamp>,
    /// Candles that were read, and whether a gap before each of them is a period without a trade.
    waiting: VecDeque<(Candle, bool)>,
    /// When the candle after the last one opens, and the last price.
    next: Option<(Timestamp, Decimal)>,
    /// Whether all rows since the last candle, and all of its page, could be read.
    is_whole: bool,
    over: bool,
    unreadable: Vec<UnreadableRow>,
}

impl CandleWalk {
    /// Leaves out a candle whose period is not over yet.
    #[must_use = "a setter returns the changed walk"]
    pub fn closed_only(self) -> Self {
        Self { closed_only: true, ..self }
    }

    /// Makes a candle for each period without one, because the exchange sends none for a period without a trade: volume 0,
    /// and the last price before as all four prices.
    ///
    /// Nothing is made before the first candle of the span, because the price before it is not known, nor beside a row that
    /// could not be read.
    #[must_use = "a setter returns the changed walk"]
    pub fn fill_gaps(self) -> Self {
        Self { fill_gaps: true, ..self }
    }

    /// The next candle; `None` after the last.
    ///
    /// # Errors
    /// As [`Client::send`]; after an error the walk is over.
    pub async fn try_next(&mut self) -> Result<Option<WalkedCandle>, Error> {
        self.next().await.transpose()
    }

    /// Reads all remaining candles. Look at [`unreadable`](Self::unreadable) too.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn try_collect(&mut self) -> Result<Vec<WalkedCandle>, Error> {
        let mut candles = Vec::new();
        while let Some(candle) = self.try_next().await? {
            candles.push(candle);
        }
        Ok(candles)
    }

    /// The rows so far that could not be read.
    pub fn unreadable(&self) -> &[UnreadableRow] {
        &self.unreadable
    }

    /// The next candle of those that were read, or one made for the gap before it.
    #[inline]
    fn ready(&mut self) -> Option<WalkedCandle> {
        let (until, gap_is_empty) = match self.waiting.front() {
            Some((candle, gap_is_empty)) => (candle.opened_at, *gap_is_empty),
            // After the last candle, periods that had begun when it was asked for.
            None if self.over => (self.read_at?.min(self.end), self.is_whole),
            None => return None,
        };
        let gap = self.next.filter(|(opened_at, _)| self.fill_gaps && gap_is_empty && *opened_at < until);
        let candle = match gap {
            Some((opened_at, price)) => Candle::flat(opened_at, price),
            None => self.waiting.pop_front()?.0,
        };
        let closed_at = candle.opened_at.checked_add(self.period);
        self.next = closed_at.map(|closed_at| (closed_at, candle.close));
        let is_open = closed_at > self.read_at;
        Some(WalkedCandle { candle, is_open, is_filled: gap.is_some() })
    }
}

impl Stream for CandleWalk {
    type Item = Result<WalkedCandle, Error>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(candle) = self.ready() {
                if candle.is_open && self.closed_only {
                    continue;
                }
                return Poll::Ready(Some(Ok(candle)));
            }
            if self.over {
                return Poll::Ready(None);
            }
            // Before the answer, because a candle that closes meanwhile may still be incomplete in it.
            let asked_at = self.asked_at.unwrap_or_else(|| self.client.now());
            self.asked_at = Some(asked_at);
            match ready!(self.pages.poll_next_unpin(cx)) {
                Some(Ok(mut page)) => {
                    page.items.sort_by_key(|candle| candle.opened_at);
                    let is_whole = page.unreadable.is_empty();
                    self.is_whole &= is_whole;
                    for candle in page.items {
                        let gap_is_empty = self.is_whole;
                        self.waiting.push_back((candle, gap_is_empty));
                        self.is_whole = is_whole;
                    }
                    self.unreadable.extend(page.unreadable);
                    (self.asked_at, self.read_at) = (None, Some(asked_at));
                }
                Some(Err(error)) => {
                    (self.over, self.read_at) = (true, None);
                    return Poll::Ready(Some(Err(error)));
                }
                None => self.over = true,
            }
        }
    }
}

impl fmt::Debug for CandleWalk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CandleWalk")
    }
}
