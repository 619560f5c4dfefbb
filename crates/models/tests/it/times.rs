use capecrypto_models::Timestamp;
use proptest::prelude::*;
use std::time::{Duration, SystemTime};

fn read(json: &str) -> Timestamp {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

#[test]
fn every_form_of_the_wire_is_the_same_instant() {
    let instant = Timestamp::from_unix_seconds(1_702_021_619).unwrap();
    for json in [
        "\"2023-12-08T08:46:59+01:00\"",
        "\"2023-12-08T07:46:59Z\"",
        "\"2023-12-08T07:46:59.000Z\"",
        "1702021619",
        "1702021619000",
        "\"1702021619\"",
        "\"1702021619000\"",
        "1.702021619e9",
    ] {
        assert_eq!(read(json), instant, "{json}");
    }
    assert_eq!(read("1702027621001").as_unix_millis(), 1_702_027_621_001);
    assert_eq!(serde_json::to_string(&instant).unwrap(), "\"2023-12-08T07:46:59Z\"");
}

#[test]
fn the_border_between_seconds_and_milliseconds() {
    assert_eq!(read("100000000000").as_unix_seconds(), 100_000_000_000);
    assert_eq!(read("100000000001").as_unix_seconds(), 100_000_000);
}

#[test]
fn the_years_go_from_minus_9999_to_9999_to_their_last_second() {
    let last = Timestamp::from_unix_seconds(253_402_300_799).unwrap();
    for json in [
        "\"9999-12-31T23:59:59Z\"",
        "\"9999-12-31T23:59:59.000+00:00\"",
        "\"9999-12-31T21:59:59-02:00\"",
        "253402300799000",
    ] {
        assert_eq!(read(json), last, "{json}");
    }
    assert_eq!(serde_json::to_string(&last).unwrap(), "\"9999-12-31T23:59:59Z\"");
    assert_eq!(read("\"9999-12-31T23:59:59.999999999Z\"").to_string(), "9999-12-31T23:59:59.999999999Z");
    let first = Timestamp::from_unix_seconds(-377_705_116_800).unwrap();
    assert_eq!(first.to_string(), "-009999-01-01T00:00:00Z");
    assert_eq!(read(&format!("\"{first}\"")), first);
    assert!(Timestamp::from_unix_seconds(253_402_300_800).is_err());
    assert!(Timestamp::from_unix_seconds(-377_705_116_801).is_err());
    assert!(Timestamp::from_unix_millis(253_402_300_800_000).is_err());
    assert_eq!(last.checked_add(Duration::from_secs(1)), None);
    assert_eq!(first.checked_sub(Duration::from_nanos(1)), None);
    for json in ["\"9999-12-31T23:59:59-01:00\"", "\"10000-01-01T00:00:00Z\"", "\"9999-12-31\""] {
        assert!(serde_json::from_str::<Timestamp>(json).is_err(), "{json}");
    }
    assert_eq!(Timestamp::from(SystemTime::from(last)), last);
}

#[test]
fn text_that_may_be_a_date_is_no_unix_time() {
    let refusal = "20231208".parse::<Timestamp>().unwrap_err();
    assert!(refusal.why().contains("date"), "{refusal}");
    assert!(serde_json::from_str::<Timestamp>("\"20231208\"").is_err());
    assert_eq!(read("20231208").as_unix_seconds(), 20_231_208, "a bare number is still a Unix time");
    assert_eq!(read("\"2023120800\"").as_unix_seconds(), 2_023_120_800);
}

#[test]
fn what_is_no_time_is_an_error() {
    for json in
        ["null", "\"\"", "\"yesterday\"", "\"2023-12-08\"", "\"2023-12-08T08:46:59\"", "true", "{}", "1e27"]
    {
        assert!(serde_json::from_str::<Timestamp>(json).is_err(), "{json}");
    }
    let refusal = "soon".parse::<Timestamp>().unwrap_err();
    assert!(refusal.remedy().contains("ISO 8601"));
    assert!(Timestamp::from_unix_seconds(i64::MAX).is_err());
}

#[test]
fn arithmetic_and_the_system_clock() {
    let time = Timestamp::from_unix_millis(1_500).unwrap();
    assert_eq!(SystemTime::from(time), SystemTime::UNIX_EPOCH + Duration::from_millis(1_500));
    assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH + Duration::from_millis(1_500)), time);
    assert_eq!(time.checked_add(Duration::from_secs(1)).unwrap().as_unix_millis(), 2_500);
    assert_eq!(time.checked_sub(Duration::from_secs(1)).unwrap().as_unix_millis(), 500);
    assert!(time.checked_add(Duration::MAX).is_none());
}

#[test]
fn iso_8601_is_read_in_its_short_and_long_forms() {
    let instant = Timestamp::from_unix_seconds(1_702_021_619).unwrap();
    for text in [
        "2023-12-08T07:46:59z",
        "2023-12-08 07:46:59Z",
        "2023-12-08t08:46:59+01",
        "2023-12-08T08:46:59+0100",
        "20231208T084659+01:00",
        "+002023-12-08T07:46:59,000Z",
        "2023-12-08T02:01:59-05:45",
        "2023-12-08T07:46:60Z",
    ] {
        assert_eq!(text.parse::<Timestamp>(), Ok(instant), "{text}");
    }
    for text in [
        "2023-12-08T07:46:59+",
        "2023-12-08T07:46:59+1",
        "2023-12-08T07:46:59.Z",
        "2023-12-08T07:46:59.0000000000Z",
        "2023-12-08T24:00:00Z",
        "2023-12-08T07:60:00Z",
        "2023-12-08T07:46:61Z",
        "2023-02-29T07:46:59Z",
        "2023-13-08T07:46:59Z",
        "2023-1208T07:46:59Z",
        "-000000-12-08T07:46:59Z",
        " 2023-12-08T07:46:59Z",
        "2023-12-08T07:46:59Z ",
        "2023-12-08T07:46:59 Z",
    ] {
        assert!(text.parse::<Timestamp>().is_err(), "{text}");
    }
    assert_eq!("2023-12-08T07:46:59.50Z".parse::<Timestamp>().unwrap().to_string(), "2023-12-08T07:46:59.5Z");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Against another library, in the years that both know.
    #[test]
    fn a_text_is_the_same_time_as_in_another_library(
        text in "(-00|\\+00)?[0-8][0-9]{3}-?[01][0-9]-?[0-3][0-9][Tt ][0-2][0-9](:?[0-6][0-9](:?[0-6][0-9]([.,][0-9]{0,10})?)?)?([Zz]|[+-][0-2][0-9](:?[0-6][0-9](:?[0-6][0-9])?)?)?",
        odd in "[-+:.,TZ 0-9]?",
        at in 0_usize..60,
    ) {
        let mut text = text;
        if at <= text.len() {
            text.insert_str(at, &odd);
        }
        let ours = text.parse::<Timestamp>().ok();
        let theirs = text.parse::<jiff::Timestamp>().ok();
        prop_assert_eq!(ours.map(Timestamp::as_unix_millis), theirs.map(jiff::Timestamp::as_millisecond), "{}", &text);
        // A time is written as the other library writes it, and read back.
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            prop_assert_eq!(ours.to_string(), theirs.to_string());
            prop_assert_eq!(ours.to_string().parse::<Timestamp>(), Ok(ours));
        }
    }
}

#[cfg(feature = "chrono-0-4")]
#[test]
fn chrono_and_back() {
    let time = Timestamp::from_unix_millis(-1).unwrap();
    assert_eq!(Timestamp::from(chrono::DateTime::from(time)), time);
    assert_eq!(chrono::DateTime::from(time).timestamp_millis(), -1);
    let last: Timestamp = "9999-12-31T23:59:59.5Z".parse().unwrap();
    assert_eq!(Timestamp::from(chrono::DateTime::from(last)), last);
    assert!(Timestamp::from(chrono::DateTime::<chrono::Utc>::MAX_UTC) > last);
}

#[cfg(feature = "jiff-1")]
#[test]
fn jiff_and_back() {
    let time = Timestamp::from_unix_millis(1_702_021_619_123).unwrap();
    assert_eq!(Timestamp::from(jiff::Timestamp::from(time)), time);
    let last: Timestamp = "9999-12-31T23:59:59Z".parse().unwrap();
    assert_eq!(jiff::Timestamp::from(last), jiff::Timestamp::MAX, "limited to the range of jiff");
}
