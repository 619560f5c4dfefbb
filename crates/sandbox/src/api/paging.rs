//! `limit`, `page`, `order_by`, `time_from`, `time_to`, and the paging headers.

use super::params::{Params, Value};
use crate::base::{config::Profile, listing::Cut, reply::Reply};
use std::ops::Range;

/// The paging limits of a list, and its error codes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) default: usize,
    pub(crate) least: i64,
    pub(crate) most: i64,
    pub(crate) non_integer_limit: &'static str,
    pub(crate) invalid_limit: &'static str,
    /// `None` if the list has no pages.
    pub(crate) non_integer_page: Option<&'static str>,
}

impl Limits {
    /// Every code for a wrong limit or page. Without pages the last one is a repetition.
    pub(crate) const fn codes(&self) -> [&'static str; 3] {
        let of_page = match self.non_integer_page {
            Some(code) => code,
            None => self.invalid_limit,
        };
        [self.non_integer_limit, self.invalid_limit, of_page]
    }
}

const SHARED: Limits = Limits {
    default: 100,
    least: 1,
    most: 1000,
    non_integer_limit: "pagination.non_integer_limit",
    invalid_limit: "pagination.invalid_limit",
    non_integer_page: Some("pagination.non_integer_page"),
};
const SHARED_LEGACY: Limits = Limits {
    non_integer_limit: "admin.pagination.non_integer_limit",
    invalid_limit: "admin.pagination.invalid_limit",
    non_integer_page: Some("admin.pagination.non_integer_page"),
    ..SHARED
};
pub(crate) const SHARED_CODES: &[&str] = &SHARED.codes();
pub(crate) const SHARED_LEGACY_CODES: &[&str] = &SHARED_LEGACY.codes();

/// The paging of VASPs.
pub(crate) const fn vasp_limits() -> Limits {
    Limits { default: 25, most: 100, ..SHARED }
}

/// The paging of payment references.
pub(crate) const fn payment_limits() -> Limits {
    Limits { most: 100, ..SHARED }
}

/// The paging of markets, currencies and balances; on the older servers its codes begin with `admin.`.
pub(crate) fn shared_limits(profile: Profile) -> Limits {
    match profile {
        Profile::Docs => SHARED,
        Profile::Legacy => SHARED_LEGACY,
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) limit: usize,
    /// Counted from 1.
    number: usize,
}

impl Page {
    /// Reads `limit` and `page`; a page below 1 is served as page 1, a limit out of range is refused.
    pub(crate) fn read(params: &Params, limits: &Limits, codes: &mut Vec<&'static str>) -> Self {
        let mut page = Self { limit: limits.default, number: 1 };
        if let Some(limit) = params.get("limit") {
            match limit.as_integer() {
                None => codes.push(limits.non_integer_limit),
                Some(limit) if (limits.least..=limits.most).contains(&limit) => {
                    page.limit = usize::try_from(limit).unwrap_or_default();
                }
                Some(_) => codes.push(limits.invalid_limit),
            }
        }
        if let (Some(number), Some(code)) = (params.get("page"), limits.non_integer_page) {
            match number.as_integer() {
                None => codes.push(code),
                Some(number) => page.number = usize::try_from(number.max(1)).unwrap_or(usize::MAX),
            }
        }
        page
    }

    /// This page's part of the whole list.
    pub(crate) fn of<T>(self, all: impl Iterator<Item = T>) -> Vec<T> {
        all.skip((self.number - 1).saturating_mul(self.limit)).take(self.limit).collect()
    }

    /// The first page, with the same limit.
    pub(crate) fn first(self) -> Self {
        Self { number: 1, ..self }
    }

    /// This page, for a list that cuts its pages itself.
    pub(crate) fn cut(self, oldest_first: bool) -> Cut {
        Cut { skip: (self.number - 1).saturating_mul(self.limit), take: self.limit, oldest_first }
    }

    /// Adds the paging headers of a list; some lists do not send their total.
    pub(crate) fn headers(self, reply: Reply, total: Option<usize>) -> Reply {
        let reply = reply.count("page", self.number).count("per-page", self.limit);
        match total {
            Some(total) => reply.count("total", total),
            None => reply,
        }
    }
}

/// The total of orders and own trades. The documents promise it with every list; the older servers do not send it here.
pub(crate) fn promised(profile: Profile, total: usize) -> Option<usize> {
    (profile == Profile::Docs).then_some(total)
}

/// Reads `asc` or `desc`, if given.
pub(crate) fn ascending(
    params: &Params,
    name: &str,
    default: bool,
    code: &'static str,
    codes: &mut Vec<&'static str>,
) -> bool {
    match params.get(name).map(Value::as_text) {
        None => default,
        Some(Some("asc")) => true,
        Some(Some("desc")) => false,
        Some(_) => {
            codes.push(code);
            default
        }
    }
}

/// A span of time in the profile's unit: milliseconds in the documents, seconds on the older servers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    from_ms: Option<i64>,
    to_ms: Option<i64>,
}

impl Span {
    /// Reads `time_from` and `time_to`; the codes are `<prefix>.non_integer_time_from` and so on.
    pub(crate) fn read(
        params: &Params,
        profile: Profile,
        span_codes: &SpanCodes,
        codes: &mut Vec<&'static str>,
    ) -> Self {
        let unit_ms = profile.time_unit_ms();
        let mut bound = |name: &str, non_integer, empty| {
            let value = params.get(name)?;
            if value.as_text().is_some_and(str::is_empty) {
                codes.push(empty);
                return None;
            }
            let integer = value.as_integer();
            if integer.is_none() {
                codes.push(non_integer);
            }
            integer.map(|value| value.saturating_mul(unit_ms))
        };
        let from_ms = bound("time_from", span_codes.non_integer_from, span_codes.empty_from);
        let to_ms = bound("time_to", span_codes.non_integer_to, span_codes.empty_to);
        Self { from_ms, to_ms }
    }

    /// The span in milliseconds, without its end. Both bounds are whole units, so it makes no difference whether times are
    /// cut to the unit before they are compared.
    pub(crate) fn within(&self) -> Range<i64> {
        self.from_ms.unwrap_or(i64::MIN)..self.to_ms.unwrap_or(i64::MAX)
    }

    /// Whether a time is in the span, both bounds included, for candles.
    pub(crate) fn holds_inclusive(&self, at_ms: i64) -> bool {
        self.from_ms.is_none_or(|from| at_ms >= from) && self.to_ms.is_none_or(|to| at_ms <= to)
    }

    pub(crate) fn has_start(&self) -> bool {
        self.from_ms.is_some()
    }

    pub(crate) fn has_end(&self) -> bool {
        self.to_ms.is_some()
    }
}

/// The error codes of a span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpanCodes {
    pub(crate) non_integer_from: &'static str,
    pub(crate) empty_from: &'static str,
    pub(crate) non_integer_to: &'static str,
    pub(crate) empty_to: &'static str,
}

impl SpanCodes {
    /// Every code for a wrong span.
    pub(crate) const fn codes(&self) -> [&'static str; 4] {
        [self.non_integer_from, self.empty_from, self.non_integer_to, self.empty_to]
    }
}
