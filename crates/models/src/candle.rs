//! Candles (K-line, OHLC).

use crate::{Decimal, Malformed, Timestamp, decimal::Exact, tolerant};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
};
use std::{fmt, str::FromStr, time::Duration};

/// One candle: on the wire `[time, open, high, low, close, volume]` (documents: "K-Line"). Elements after the
/// sixth are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "Wire")]
#[non_exhaustive]
pub struct Candle {
    /// Start of the period.
    pub opened_at: Timestamp,
    /// Price of the first trade, in quote currency.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Price of the last trade.
    pub close: Decimal,
    /// Volume, in base currency.
    pub volume: Decimal,
}

impl Candle {
    /// The candle of a period without a trade: volume 0, and the last price before as all four prices.
    pub fn flat(opened_at: Timestamp, price: Decimal) -> Self {
        Self { opened_at, open: price, high: price, low: price, close: price, volume: Decimal::ZERO }
    }
}

type Wire = (Timestamp, Exact, Exact, Exact, Exact, Exact);

impl<'de> Deserialize<'de> for Candle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Row;
        impl<'de> Visitor<'de> for Row {
            type Value = Candle;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a candle: time, open, high, low, close and volume")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Candle, A::Error> {
                let opened_at = tolerant::place(&mut seq, 0, &self)?;
                let Exact(open) = tolerant::place(&mut seq, 1, &self)?;
                let Exact(high) = tolerant::place(&mut seq, 2, &self)?;
                let Exact(low) = tolerant::place(&mut seq, 3, &self)?;
                let Exact(close) = tolerant::place(&mut seq, 4, &self)?;
                let Exact(volume) = tolerant::place(&mut seq, 5, &self)?;
                tolerant::skip_rest(&mut seq)?;
                Ok(Candle { opened_at, open, high, low, close, volume })
            }
        }
        deserializer.deserialize_seq(Row)
    }
}

impl From<Candle> for Wire {
    fn from(candle: Candle) -> Self {
        let Candle { opened_at, open, high, low, close, volume } = candle;
        (opened_at, Exact(open), Exact(high), Exact(low), Exact(close), Exact(volume))
    }
}

/// Length of a candle. REST counts it in minutes, the stream has names for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Period {
    OneMinute,
    FiveMinutes,
    FifteenMinutes,
    ThirtyMinutes,
    OneHour,
    TwoHours,
    FourHours,
    SixHours,
    TwelveHours,
    OneDay,
    ThreeDays,
    OneWeek,
}

impl Period {
    /// Every period, shortest first.
    pub const ALL: [Self; 12] = [
        Self::OneMinute,
        Self::FiveMinutes,
        Self::FifteenMinutes,
        Self::ThirtyMinutes,
        Self::OneHour,
        Self::TwoHours,
        Self::FourHours,
        Self::SixHours,
        Self::TwelveHours,
        Self::OneDay,
        Self::ThreeDays,
        Self::OneWeek,
    ];

    /// Length in minutes, as REST counts it.
    pub const fn minutes(self) -> u32 {
        match self {
            Self::OneMinute => 1,
            Self::FiveMinutes => 5,
            Self::FifteenMinutes => 15,
            Self::ThirtyMinutes => 30,
            Self::OneHour => 60,
            Self::TwoHours => 120,
            Self::FourHours => 240,
            Self::SixHours => 360,
            Self::TwelveHours => 720,
            Self::OneDay => 1_440,
            Self::ThreeDays => 4_320,
            Self::OneWeek => 10_080,
        }
    }

    /// Name on the stream, such as `15m`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneMinute => "1m",
            Self::FiveMinutes => "5m",
            Self::FifteenMinutes => "15m",
            Self::ThirtyMinutes => "30m",
            Self::OneHour => "1h",
            Self::TwoHours => "2h",
            Self::FourHours => "4h",
            Self::SixHours => "6h",
            Self::TwelveHours => "12h",
            Self::OneDay => "1d",
            Self::ThreeDays => "3d",
            Self::OneWeek => "1w",
        }
    }

    /// The length as a [`Duration`].
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.minutes()) * 60)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Period {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|period| period.name() == text).ok_or_else(|| {
            Malformed::new(
                format!("'{}' is not a candle period", crate::arg::excerpt(text)),
                "give one of 1m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 12h, 1d, 3d, 1w",
            )
        })
    }
}

/// Written in minutes, as the REST call takes it.
impl crate::param::Param for Period {
    fn write(&self, place: &mut dyn crate::param::Place) {
        place.number(&self.minutes());
    }
}

impl Serialize for Period {
    /// Written in minutes, as the REST call takes it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.minutes())
    }
}
