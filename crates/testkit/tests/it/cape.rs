//! The real spec and the real fixtures.

use capecrypto_testkit::{Fixtures, Spec, assert_no_findings, probe};

#[test]
fn the_spec_is_sound_and_every_fixture_belongs_to_it() {
    assert_no_findings(probe::fixtures(&Spec::cape(), &Fixtures::cape()));
}

#[test]
fn every_answer_has_a_fixture_that_shows_every_field() {
    let (spec, fixtures) = (Spec::cape(), Fixtures::cape());
    // A client that accepts everything, so that only fixtures and spec can be wrong.
    let parrot = |body: &[u8]| serde_json::from_slice(body).map_err(|error| error.to_string());
    let of_fixtures = |finding: &capecrypto_testkit::Finding| {
        use capecrypto_testkit::Fault::{NoFixture, NotInSpec, NotShown};
        matches!(finding.fault, NoFixture | NotInSpec | NotShown)
    };
    let mut findings = Vec::new();
    for call in spec.operations.iter().filter(|call| call.is_offered()) {
        findings.extend(probe::response(&spec, &fixtures, &call.id, &parrot));
    }
    for channel in &spec.channels {
        findings.extend(probe::event(&spec, &fixtures, &channel.name, &parrot));
    }
    for event in &spec.webhooks {
        findings.extend(probe::webhook(&spec, &fixtures, &event.name, &parrot));
    }
    assert!(findings.len() > 100, "the probe must find that the parrot accepts what must be refused");
    findings.retain(of_fixtures);
    assert_no_findings(findings);
}

#[test]
fn calls_that_the_documents_name_are_there() {
    let spec = Spec::cape();
    let order = spec.find("trade", "POST", "/market/orders").unwrap();
    assert_eq!((order.id.as_str(), order.sdk.as_str()), ("create_order", "trading::CreateOrder"));
    assert!(order.signed && !order.idempotent);
    assert!(spec.find("account", "GET", "/account/balances/{currency}").is_some());
    let markets = spec.operation("list_markets").unwrap();
    assert!(!markets.signed && markets.idempotent);
    assert_eq!(spec.channel("BookIncrement").unwrap().folder(), "book_increment");
    assert!(spec.channel("StreamCandle").unwrap().is_named("btczar.kline-15m"));
    assert!(!spec.channel("StreamCandle").unwrap().is_named("btczar.kline-"));
    assert!(!spec.channel("StreamCandle").unwrap().is_named("btczar.trades"));
}
