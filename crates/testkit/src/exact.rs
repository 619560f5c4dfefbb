//! Compares numbers and instants by value, from their text. It shares no code with the client's readers, because the same
//! mistake in both would stay hidden.

use serde_json::Value;

/// Marks a text that is written as a JSON number. `serde_json::Number` would convert it to a float.
const BARE: char = '\u{1}';

/// A number that keeps its text.
pub(crate) fn number(text: &str) -> Value {
    Value::String(format!("{BARE}{text}"))
}

/// The text of a string or number.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.strip_prefix(BARE).unwrap_or(text).to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Writes JSON, with marked texts as numbers.
pub(crate) fn write(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(",");
    match value {
        Value::String(text) => match text.strip_prefix(BARE) {
            Some(number) => number.to_owned(),
            None => value.to_string(),
        },
        Value::Array(items) => format!("[{}]", list(items.iter().map(write).collect())),
        Value::Object(map) => {
            let member =
                |(key, item): (&String, &Value)| format!("{}:{}", Value::from(key.as_str()), write(item));
            format!("{{{}}}", list(map.iter().map(member).collect()))
        }
        _ => value.to_string(),
    }
}

/// The canonical text of a decimal, the same for equal values; `None` if the text is not a number.
pub(crate) fn decimal(text: &str) -> Option<String> {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - significant.len()).ok()?;
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(dropped)?;
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    let length = i64::try_from(significant.len()).ok()?;
    Some(match exponent {
        0..=60 => format!("{sign}{significant}{}", zeros(exponent)),
        -60..=-1 if -exponent < length => {
            let (whole, fraction) = significant.split_at(usize::try_from(length + exponent).ok()?);
            format!("{sign}{whole}.{fraction}")
        }
        -60..=-1 => format!("{sign}0.{}{significant}", zeros(-exponent - length)),
        _ => format!("{sign}{significant}e{exponent}"),
    })
}

/// Unix milliseconds of ISO text with an offset, of Unix seconds or of Unix milliseconds (above 1e11).
pub(crate) fn instant(text: &str) -> Option<i64> {
    match text.parse::<i64>() {
        Ok(number) if number.abs() > 100_000_000_000 => Some(number),
        Ok(number) => number.checked_mul(1_000),
        Err(_) => iso(text),
    }
}

fn iso(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (time, offset) = match time.strip_suffix('Z') {
        Some(time) => (time, 0),
        None => {
            let (time, offset) = time.split_at_checked(time.rfind(['+', '-'])?)?;
            let (hours, minutes) = offset.split_at_checked(1)?.1.split_once(':')?;
            let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            (time, if offset.starts_with('-') { -minutes } else { minutes })
        }
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut time = time.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let millis: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let minutes = (days(year, month, day)? * 24 + hour) * 60 + minute - offset;
    Some((minutes * 60 + second) * 1_000 + millis)
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_decimals_have_one_spelling() {
        for (text, same) in [
            ("31.0", "31"),
            ("0.0", "0"),
            ("-0.0", "0"),
            ("1e-8", "0.00000001"),
            ("1.0e-07", "0.0000001"),
            ("1e+21", "1000000000000000000000"),
            ("15E-1", "1.5"),
            ("007.50", "7.5"),
            ("-12.5", "-12.5"),
            ("1234567890.123456789012345678", "1234567890.123456789012345678"),
        ] {
            assert_eq!(decimal(text).as_deref(), Some(same), "{text}");
        }
        for text in ["", "12,5", ".5", "+1", "1e", "0x1", "NaN", "1 "] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }

    #[test]
    fn equal_instants_have_one_number() {
        for text in [
            "2023-12-08T08:46:59+01:00",
            "2023-12-08T07:46:59Z",
            "2023-12-08T02:16:59.000-05:30",
            "1702021619",
            "1702021619000",
        ] {
            assert_eq!(instant(text), Some(1_702_021_619_000), "{text}");
        }
        assert_eq!(instant("2024-02-29T00:00:00.5Z"), Some(1_709_164_800_500));
        for text in ["", "yesterday", "2023-12-08", "2023-13-01T00:00:00Z", "2023-12-08T08:46:59"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn a_bare_number_keeps_every_digit() {
        let value = serde_json::json!({ "a": [number("1.0e-07"), "1.0e-07", null, true] });
        assert_eq!(write(&value), r#"{"a":[1.0e-07,"1.0e-07",null,true]}"#);
        assert_eq!(text(&number("7")).as_deref(), Some("7"));
    }
}
