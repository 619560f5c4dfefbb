//! Fields of a form: read from the parameters by a table, checked, and all wrong ones named at once.

use super::params::{Params, Value};
use crate::{
    base::{
        clock, lists,
        money::Parsed,
        refusal::{OwnCode, own},
    },
    exchange::people::facts::{Fact, Facts},
};
use rust_decimal::Decimal;

/// The form of a field's value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// At most 255 characters.
    Text,
    /// At most 2000 characters.
    Long,
    Email,
    Phone,
    /// Two letters.
    Country,
    /// Two or three letters.
    LongCountry,
    Countries,
    /// The birth of somebody who is of age.
    Birth,
    Day,
    /// False if it is not sent.
    Flag,
    /// A share in percent.
    Share,
    /// Zero or more.
    Amount,
    /// Zero or more, whole.
    Count,
    Licence,
    /// Of the documents' list, if only those are taken.
    Occupation,
    SourceOfFunds,
}

/// What the values of a form are compared with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) now_ms: i64,
    /// Whether an occupation and a source of funds must be in the documents' lists.
    pub(super) only_listed: bool,
}

/// When a field is required.
#[derive(Debug, Clone, Copy)]
pub(super) enum Need {
    Always,
    Never,
    /// If that field, which stands before, has that value.
    If(&'static str, &'static str),
}

/// A field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) need: Need,
    pub(super) code: &'static str,
    /// A second name, which is read if the first one is not sent.
    pub(super) also: Option<&'static str>,
}

/// A field that is required.
pub(super) const fn needed(name: &'static str, kind: Kind, code: &'static str) -> Field {
    Field { name, kind, need: Need::Always, code, also: None }
}

/// A field that may be left out.
pub(super) const fn optional(name: &'static str, kind: Kind, code: &'static str) -> Field {
    Field { need: Need::Never, ..needed(name, kind, code) }
}

impl Field {
    /// The same field, which is required if another one has that value.
    pub(super) const fn only_if(self, field: &'static str, value: &'static str) -> Self {
        Self { need: Need::If(field, value), ..self }
    }

    /// The same field with a second name.
    pub(super) const fn also(self, name: &'static str) -> Self {
        Self { also: Some(name), ..self }
    }

    const fn own_code(&self) -> OwnCode {
        own(self.code, self.kind.reason())
    }
}

/// The codes of a table.
pub(super) const fn codes<const N: usize>(fields: &[Field; N]) -> [&'static str; N] {
    let mut all = [""; N];
    let (mut places, mut rest): (&mut [&str], &[Field]) = (&mut all, fields);
    while let ([place, others @ ..], [field, further @ ..]) = (places, rest) {
        *place = field.code;
        (places, rest) = (others, further);
    }
    all
}

/// The codes of a table with their reasons.
pub(super) const fn own_codes<const N: usize>(fields: &[Field; N]) -> [OwnCode; N] {
    let mut all = [own("", ""); N];
    let (mut places, mut rest): (&mut [OwnCode], &[Field]) = (&mut all, fields);
    while let ([place, others @ ..], [field, further @ ..]) = (places, rest) {
        *place = field.own_code();
        (places, rest) = (others, further);
    }
    all
}

/// Reads the fields of a table. The code of a field that is wrong, or missing although it is required, is added once.
pub(super) fn read(fields: &[Field], params: &Params, rules: Rules, codes: &mut Vec<&'static str>) -> Facts {
    let mut facts = Facts::new();
    for field in fields {
        let sent = params.get(field.name).or_else(|| params.get(field.also?));
        // What is blank counts as not sent.
        let sent = sent.filter(|value| match value {
            Value::List(items) => !items.is_empty(),
            value => value.as_text().is_none_or(|text| !text.trim().is_empty()),
        });
        let fact = match sent {
            Some(value) => field.kind.read(value, rules),
            None if matches!(field.kind, Kind::Flag) => Some(Fact::Flag(false)),
            None if !is_needed(field, &facts) => continue,
            None => None,
        };
        match fact {
            Some(fact) => {
                facts.insert(field.name.to_owned(), fact);
            }
            None if codes.contains(&field.code) => {}
            None => codes.push(field.code),
        }
    }
    facts
}

fn is_needed(field: &Field, facts: &Facts) -> bool {
    match field.need {
        Need::Always => true,
        Need::Never => false,
        Need::If(other, value) => match facts.get(other) {
            Some(Fact::Text(text)) => text.eq_ignore_ascii_case(value),
            Some(Fact::Flag(flag)) => flag.to_string() == value,
            _ => false,
        },
    }
}

/// The age from which somebody may be a customer.
const OF_AGE: i16 = 18;
const SHORT: usize = 255;
const LONG: usize = 2000;

impl Kind {
    /// Why a field of this form is refused.
    const fn reason(self) -> &'static str {
        match self {
            Self::Text => "422: missing, longer than 255 characters, or with a NUL; no code is documented",
            Self::Long => "422: missing, longer than 2000 characters, or with a NUL; no code is documented",
            Self::Email => "422: missing or no e-mail address; no code is documented",
            Self::Phone => "422: missing, or not + and 7 to 15 digits; no code is documented",
            Self::Country => "422: missing, or not two letters; no code is documented",
            Self::LongCountry => "422: missing, or not two or three letters; no code is documented",
            Self::Countries => "422: missing, or not a list of codes of two letters; no code is documented",
            Self::Birth => {
                "422: missing, not a day written YYYY-MM-DD, or less than 18 years ago; no code is documented"
            }
            Self::Day => "422: not a day written YYYY-MM-DD; no code is documented",
            Self::Flag => "422: neither true nor false; no code is documented",
            Self::Share => "422: missing, or not a number from 5 to 100; no code is documented",
            Self::Amount => "422: missing, or not a number from zero on; no code is documented",
            Self::Count => "422: not a whole number from zero on; no code is documented",
            Self::Licence => {
                "422: neither `Licensed` nor `Not Licensed` nor `Pending`; no code is documented"
            }
            Self::Occupation | Self::SourceOfFunds => {
                "422: missing, longer than 255 characters, or (`Builder::only_listed`) not in the documents' list; no code is documented"
            }
        }
    }

    /// The value in this form; `None` if it has another one.
    pub(super) fn read(self, value: &Value, rules: Rules) -> Option<Fact> {
        if let Self::Countries = self {
            return countries(value).map(Fact::Texts);
        }
        let text = value.as_text().filter(|_| !matches!(value, Value::Bool(_)) || matches!(self, Self::Flag));
        let text = text.filter(|text| !text.contains('\0'))?;
        let fits = match self {
            Self::Text => text.chars().count() <= SHORT,
            Self::Long => text.chars().count() <= LONG,
            Self::Email => is_email(text),
            Self::Phone => is_phone(text),
            Self::Country => is_country(text, 2),
            Self::LongCountry => is_country(text, 2) || is_country(text, 3),
            Self::Birth => is_of_age(text, rules.now_ms),
            Self::Day => clock::read_day(text).is_some(),
            Self::Occupation => {
                text.chars().count() <= SHORT && (!rules.only_listed || lists::is_occupation(text))
            }
            Self::SourceOfFunds => {
                text.chars().count() <= SHORT && (!rules.only_listed || lists::is_source_of_funds(text))
            }
            Self::Licence => ["Licensed", "Not Licensed", "Pending"].contains(&text),
            Self::Flag => return value.as_bool().map(Fact::Flag),
            Self::Share => return decimal(value, Decimal::from(5), Decimal::ONE_HUNDRED),
            Self::Amount => return decimal(value, Decimal::ZERO, Decimal::MAX),
            Self::Count => return value.as_integer().filter(|count| *count >= 0).map(Fact::Whole),
            Self::Countries => false,
        };
        fits.then(|| Fact::Text(text.to_owned()))
    }
}

fn decimal(value: &Value, least: Decimal, most: Decimal) -> Option<Fact> {
    match value.as_decimal() {
        Parsed::Exact(number) if (least..=most).contains(&number) => Some(Fact::Decimal(number)),
        _ => None,
    }
}

fn is_email(text: &str) -> bool {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control();
    text.chars().count() <= SHORT
        && text.chars().all(is_plain)
        && text.rsplit_once('@').is_some_and(|(name, host)| {
            let is_quoted = name.len() > 2 && name.starts_with('"') && name.ends_with('"');
            !name.is_empty()
                && (is_quoted || !name.contains('@'))
                && host.split('.').all(|label| !label.is_empty())
        })
}

fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_country(text: &str, letters: usize) -> bool {
    text.len() == letters && text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// A list; in a form, a text with the list's JSON.
fn countries(value: &Value) -> Option<Vec<String>> {
    let read;
    let items = match value {
        Value::List(items) => items,
        Value::Text(text) => {
            read = Value::from_json(serde_json::from_str(text).ok()?);
            let Value::List(items) = &read else { return None };
            items
        }
        _ => return None,
    };
    let country = |item: &Value| match item {
        Value::Text(text) if is_country(text, 2) => Some(text.clone()),
        _ => None,
    };
    items.iter().map(country).collect()
}

fn is_of_age(text: &str, now_ms: i64) -> bool {
    let Some(birth) = clock::read_day(text) else { return false };
    clock::years_after(birth, OF_AGE).is_some_and(|day| day <= clock::day(now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-30.
    const NOW_MS: i64 = 1_796_000_000_000;

    const RULES: Rules = Rules { now_ms: NOW_MS, only_listed: false };

    fn fits(kind: Kind, json: &str) -> bool {
        kind.read(&Value::from_json(serde_json::from_str(json).unwrap()), RULES).is_some()
    }

    #[test]
    fn each_kind_takes_its_form_alone() {
        let (long, longer) = (format!("\"{}\"", "é".repeat(SHORT)), format!("\"{}\"", "é".repeat(SHORT + 1)));
        for (kind, good, bad) in [
            (
                Kind::Text,
                &[r#""Jörg""#, "7700", r#""\u202e 🙂""#, long.as_str()][..],
                &[r#""a\u0000""#, "true", "[]", "{}", longer.as_str()][..],
            ),
            (Kind::Long, &[longer.as_str()], &[]),
            (
                Kind::Email,
                &[r#""a@b.example""#, r#""ü+1@x""#, r#""\"a@b\"@c""#],
                &[r#""a""#, r#""@b""#, r#""a@""#, r#""a@b@c""#, r#""a@b..c""#, r#""a b@c""#],
            ),
            (Kind::Phone, &[r#""+27821234567""#], &[r#""0821234567""#, r#""+27 82""#, r#""+123456""#, "5"]),
            (Kind::Country, &[r#""ZA""#, r#""za""#], &[r#""ZAF""#, r#""Z""#, r#""Z1""#]),
            (Kind::LongCountry, &[r#""ZA""#, r#""ZAF""#], &[r#""ZAFR""#]),
            (
                Kind::Countries,
                &[r#"["ZA","US"]"#, r#""[\"ZA\"]""#],
                &[r#"["ZAF"]"#, "[1]", r#""ZA""#, r#"{"a":1}"#],
            ),
            (
                Kind::Birth,
                &[r#""2008-11-30""#, r#""1908-02-29""#],
                &[r#""2008-12-01""#, r#""2030-01-01""#, r#""1990-02-30""#, r#""15.01.1990""#],
            ),
            (Kind::Day, &[r#""2028-12-31""#], &[r#""31.12.2028""#]),
            (Kind::Flag, &["true", r#""false""#], &[r#""yes""#, "2"]),
            (Kind::Share, &["5", r#""60.5""#, "100"], &["4.99", "100.01", r#""x""#]),
            (Kind::Amount, &["0", "500000.25"], &["-1", r#""many""#]),
            (Kind::Count, &["25", r#""25""#], &["2.5", "-1"]),
            (Kind::Licence, &[r#""Not Licensed""#], &[r#""licensed""#]),
        ] {
            for json in good {
                assert!(fits(kind, json), "{kind:?} {json}");
            }
            for json in bad {
                assert!(!fits(kind, json), "{kind:?} {json}");
            }
        }
    }

    #[test]
    fn only_listed_values_are_taken_on_request() {
        let listed = |kind: Kind, text: &str, only_listed| {
            let value = Value::from_json(serde_json::from_str(&format!("{text:?}")).unwrap());
            kind.read(&value, Rules { only_listed, ..RULES }).is_some()
        };
        for (kind, good) in [(Kind::Occupation, "Software Engineer"), (Kind::SourceOfFunds, "Client funds")] {
            assert!(listed(kind, good, true) && listed(kind, "Dragon keeping", false), "{kind:?}");
            assert!(!listed(kind, "Dragon keeping", true), "{kind:?}");
        }
    }

    #[test]
    fn a_field_is_needed_always_never_or_because_of_another_one() {
        let fields = [
            needed("name", Kind::Text, "name"),
            optional("city", Kind::Text, "city"),
            optional("is_pip", Kind::Flag, "is_pip"),
            optional("pip_data", Kind::Long, "pip_data").only_if("is_pip", "true"),
            optional("nationality", Kind::Country, "nationality"),
            optional("id", Kind::Text, "id").only_if("nationality", "ZA").also("older_id"),
        ];
        let wrong = |json: &str| {
            let mut codes = Vec::new();
            let facts = read(&fields, &Params::of_object(json).unwrap(), RULES, &mut codes);
            (codes.join(","), facts.len())
        };
        for (json, codes) in [
            (r#"{"name":"x"}"#, ("", 2)),
            (r#"{"name":" ","city":"","is_pip":null}"#, ("name", 1)),
            (r#"{"name":"x","is_pip":true,"nationality":"za"}"#, ("pip_data,id", 3)),
            (r#"{"name":"x","is_pip":true,"pip_data":"y","nationality":"ZA","older_id":1}"#, ("", 5)),
            (r#"{"name":"x","nationality":"US"}"#, ("", 3)),
        ] {
            let (all, count) = wrong(json);
            assert_eq!((all.as_str(), count), codes, "{json}");
        }
        assert_eq!(codes(&fields), ["name", "city", "is_pip", "pip_data", "nationality", "id"]);
        assert!(own_codes(&fields).iter().all(|own| own.reason.starts_with("422: ")));
    }
}
