use capecrypto_models::{Balance, Decimal};

fn read(json: &str) -> Balance {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

#[test]
fn the_same_account_reads_the_same_from_every_source() {
    let rest = read(r#"{"currency":"zar","balance":"9200.0","locked":"800.0"}"#);
    let older_stream = read(r#"{"balance":"9200.0","currency_id":"zar","locked":"800.0"}"#);
    let stream = read(
        r#"{"currency":"zar","balance":"10000.00","locked":"800.00","available":"9200.00","updated_at":1702027621000}"#,
    );
    for balance in [&rest, &older_stream, &stream] {
        assert_eq!(balance.currency, "zar");
        assert_eq!(balance.available(), Decimal::from(9_200));
        assert_eq!(balance.locked(), Decimal::from(800));
        assert_eq!(balance.total(), Decimal::from(10_000));
    }
    assert_eq!(stream.updated_at.unwrap().as_unix_millis(), 1_702_027_621_000);
    assert_eq!(rest.updated_at, None);
}

#[test]
fn it_is_written_in_the_form_it_came_in() {
    let rest = r#"{"currency":"zar","balance":"9200.0","locked":"800.0"}"#;
    assert_eq!(serde_json::to_string(&read(rest)).unwrap(), rest);
    let stream = r#"{"currency":"btc","balance":"0.05000000","locked":"0.00001000","available":"0.04999000","updated_at":"2023-12-08T09:27:01Z"}"#;
    assert_eq!(serde_json::to_string(&read(stream)).unwrap(), stream);
}

#[test]
fn amounts_that_contradict_each_other_are_an_error() {
    let json = r#"{"currency":"zar","balance":"10000.00","locked":"800.00","available":"9200.01"}"#;
    assert!(serde_json::from_str::<Balance>(json).unwrap_err().to_string().contains("add up"));
}

#[test]
fn equality_is_about_the_money() {
    let rest = read(r#"{"currency":"zar","balance":"9200.0","locked":"800.0"}"#);
    let stream = read(r#"{"currency":"zar","balance":"10000","locked":"800","available":"9200"}"#);
    assert_eq!(rest, stream, "the form does not matter");
    let later =
        read(r#"{"currency":"zar","balance":"10000","locked":"800","available":"9200","updated_at":1}"#);
    assert_ne!(rest, later);
    assert!(rest.has_same_amounts(&later));
    assert!(!rest.has_same_amounts(&read(r#"{"currency":"btc","balance":"9200","locked":"800"}"#)));
}

#[test]
fn a_sum_that_would_be_rounded_is_an_error() {
    let json = r#"{"currency":"zar","balance":"9999999999999999999999999999","locked":"0.04"}"#;
    assert!(serde_json::from_str::<Balance>(json).unwrap_err().to_string().contains("28 digits"));
}

#[test]
fn both_names_of_the_currency_may_come() {
    assert_eq!(read(r#"{"currency":"zar","currency_id":"zar","balance":1,"locked":0}"#).currency, "zar");
    assert!(serde_json::from_str::<Balance>(r#"{"balance":1,"locked":0}"#).is_err());
}

#[test]
fn null_available_is_absent() {
    let balance = read(r#"{"currency":"zar","balance":1,"locked":2,"available":null}"#);
    assert_eq!((balance.available(), balance.total()), (Decimal::ONE, Decimal::from(3)));
}

#[test]
fn a_balance_that_means_the_total_is_read_as_such() {
    let json = r#"{"currency":"zar","balance":"10000","locked":"800"}"#;
    let balance = read(json).with_balance_as_total().unwrap();
    let amounts = [balance.available(), balance.locked(), balance.total()];
    assert_eq!(amounts, [9_200, 800, 10_000].map(Decimal::from));
    assert_eq!(serde_json::to_string(&balance).unwrap(), json, "written as it came");
    assert_eq!(balance.clone().with_balance_as_total().unwrap(), balance, "a second call changes nothing");
    let stream = read(r#"{"currency":"zar","balance":"10000","locked":"800","available":"9200"}"#);
    assert_eq!(stream.clone().with_balance_as_total().unwrap(), stream);
    let refused = read(r#"{"currency":"zar","balance":"1","locked":"2"}"#).with_balance_as_total();
    assert!(refused.unwrap_err().why().contains("locked"));
}
