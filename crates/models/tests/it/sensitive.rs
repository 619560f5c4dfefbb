use capecrypto_models::{Arg, MarketId, Sensitive};

#[test]
fn a_sensitive_value_is_sent_and_never_shown() {
    let pin = Sensitive::new("canary-0042".to_owned());
    assert!(!format!("{pin} {pin:?}").contains("canary"));
    assert_eq!(serde_json::to_string(&pin).unwrap(), "\"canary-0042\"");
    let read: Sensitive<String> = serde_json::from_str("\"canary-0042\"").unwrap();
    assert_eq!((read.expose().as_str(), &read), ("canary-0042", &pin));
    let unread = serde_json::from_str::<Sensitive<String>>("{\"canary\":1}").unwrap_err().to_string();
    assert!(unread.contains("not shown") && !unread.contains("canary"), "{unread}");
}

/// Stands for a secret that is checked, such as an identity number.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
struct Digits(String);

impl std::str::FromStr for Digits {
    type Err = capecrypto_models::Malformed;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<MarketId>().map(|_| Self(text.to_owned()))
    }
}

impl zeroize::Zeroize for Digits {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

#[test]
fn a_refused_sensitive_argument_is_told_without_its_text() {
    for bad in [Arg::<Sensitive<Digits>>::from("canary 1"), "canary 1".to_owned().into()] {
        let reason = bad.value().unwrap_err().clone();
        let written = serde_json::to_string(&bad).unwrap_err();
        let all = format!("{bad:?} {reason} {reason:?} {written}");
        assert!(all.contains("not shown") && !all.contains("canary"), "{all}");
    }
    let good: Arg<Sensitive<Digits>> = "canary-1".into();
    assert!(!format!("{good:?}").contains("canary"));
    assert_eq!(serde_json::to_string(&good).unwrap(), "\"canary-1\"");
}

#[test]
fn a_sensitive_value_is_overwritten_when_it_is_dropped() {
    /// Records that it was wiped, because memory cannot be read after it was dropped.
    struct Seen<'a>(&'a std::cell::Cell<bool>);
    impl zeroize::Zeroize for Seen<'_> {
        fn zeroize(&mut self) {
            self.0.set(true);
        }
    }
    let wiped = std::cell::Cell::new(false);
    drop(Sensitive::new(Seen(&wiped)));
    assert!(wiped.get());
}
