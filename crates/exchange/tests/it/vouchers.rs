//! Vouchers, through the sandbox.

use crate::{client, dec};
use capecrypto_auth::{Credentials, Environment};
use capecrypto_exchange::account::{GetBalance, RedeemVoucher};
use capecrypto_models::{Timestamp, VoucherRedemption};
use capecrypto_rest::{Client, Kind, Outcome, Prepared};
use capecrypto_sandbox::{Fault, FaultKind, NewDeposit, Sandbox};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

/// The number of the sandbox's method for vouchers.
const METHOD: u64 = 7;
const PIN: &str = "0012345678901234";

async fn exchange() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.control().issue_voucher(PIN, dec("100")).unwrap();
    let client = client(&sandbox, "maker");
    (sandbox, client)
}

fn change(redeemed: &VoucherRedemption) -> String {
    redeemed.change_voucher.as_ref().unwrap().change_pin.as_ref().unwrap().expose().clone()
}

#[tokio::test]
async fn a_voucher_is_redeemed_in_parts_until_nothing_is_left() {
    let (_sandbox, client) = exchange().await;
    let before = client.send(GetBalance::new("zar")).await.unwrap().available();
    let first = client.send(RedeemVoucher::new(METHOD, dec("40"), PIN)).await.unwrap();
    assert_eq!((first.amount, first.origin_amount), (dec("39"), Some(dec("100"))));
    let pin = change(&first);
    assert!(pin.starts_with('0'), "the zeros at its start are kept");
    assert!(!format!("{first:?}").contains(&pin));
    let rest = client.send(RedeemVoucher::new("7", dec("60"), pin.as_str())).await.unwrap();
    assert_eq!((rest.amount, rest.change_voucher), (dec("59"), None));
    let after = client.send(GetBalance::new("zar")).await.unwrap().available();
    assert_eq!(after - before, dec("98"));
    for (pin, code) in [
        (PIN, "sandbox.voucher.used"),
        (pin.as_str(), "sandbox.voucher.used"),
        ("1", "sandbox.voucher.unknown_pin"),
    ] {
        let error = client.send(RedeemVoucher::new(METHOD, dec("1"), pin)).await.unwrap_err();
        assert!(error.has_code(code) && error.hint().is_some(), "{error}");
        assert_eq!(error.outcome(), Outcome::Refused);
    }
}

/// The answer is lost, and with it the pin of the change. It is in the history.
#[tokio::test]
async fn after_an_unknown_outcome_the_redemption_and_its_change_are_found_by_the_pin() {
    let (sandbox, client) = exchange().await;
    // A deposit that may be it, but came ten minutes before.
    sandbox.control().add_deposit("maker", NewDeposit::new("zar", dec("5"))).unwrap();
    sandbox.control().advance_clock(600_000);
    let sent_at = Timestamp::from_unix_millis(sandbox.control().now_ms()).unwrap();
    client.send(GetBalance::new("zar")).await.unwrap();
    let request = RedeemVoucher::new(METHOD, dec("40"), PIN);
    // Other deposits: one that may be it, because it names no pin, and some that cannot.
    let fiat = sandbox.control().add_deposit("maker", NewDeposit::new("zar", dec("39"))).unwrap();
    // A provider without change redeems more than was asked for.
    let more = sandbox.control().add_deposit("maker", NewDeposit::new("zar", dec("100"))).unwrap();
    // The exchange keeps the pin as a number.
    let short =
        format!(r#"{{"type":"deposit","reference_id":7,"voucher_pin":"{}"}}"#, PIN.trim_start_matches('0'));
    sandbox.control().add_transaction("maker", &short).unwrap();
    sandbox.control().add_deposit("maker", NewDeposit::new("btc", dec("1"))).unwrap();
    sandbox.control().issue_voucher("another", dec("40")).unwrap();
    client.send(RedeemVoucher::new(METHOD, dec("40"), "another")).await.unwrap();

    sandbox.control().inject(Fault::next(FaultKind::ResetBeforeApply).on("POST", "/payments/vouchers/new"));
    let error = client.send(request.clone()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert!(error.to_string().contains("look it up"), "{error}");
    let found = request.find(&client, sent_at).await.unwrap();
    let ids: Vec<_> = found.iter().map(|row| (row.reference_id, row.voucher_pin.is_some())).collect();
    assert_eq!(ids, [(Some(7), true), (Some(more), false), (Some(fiat), false)], "what may be it");

    sandbox.control().inject(Fault::next(FaultKind::ResetAfterApply).on("POST", "/payments/vouchers/new"));
    let error = client.send(request.clone()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    let found = request.find(&client, sent_at).await.unwrap();
    let mut with_pin = found.iter().filter(|row| row.voucher_pin.is_some() && row.reference_id != Some(7));
    let row = with_pin.next().unwrap();
    assert_eq!((row.credit_amount, row.change_voucher_amount), (Some(dec("39")), Some(dec("60"))));
    assert!(with_pin.next().is_none() && !format!("{found:?}").contains(PIN));
    let pin = row.change_voucher_pin.as_ref().unwrap().expose().as_str();
    client.send(RedeemVoucher::new(METHOD, dec("60"), pin)).await.unwrap();
}

#[tokio::test]
async fn a_pin_is_checked_and_shown_nowhere() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let client =
        Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials).build().unwrap();
    let long = "1".repeat(65);
    for pin in ["", "  ", "canary\r\n1", "canary\u{0}", long.as_str()] {
        let request = RedeemVoucher::new("../7", dec("0"), pin);
        let shown = format!("{request:?}");
        let error = client.send(request).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{error}");
        let arguments: Vec<_> = error.arguments().iter().map(|refused| &*refused.argument).collect();
        assert_eq!(arguments, ["payment_method_id", "amount", "voucher_pin"]);
        let printed = format!("{shown} {error} {error:?}");
        assert!(!printed.contains("canary") && !printed.contains(&long), "{printed}");
    }
    // Any text on one line arrives as it is.
    let odd = "00 1&amount=9#?%2e+é";
    let prepared = Prepared::new(&RedeemVoucher::new(7, dec("10.50"), odd), &Environment::live()).unwrap();
    assert_eq!((prepared.path.as_str(), prepared.body.as_ref()), ("/api/v2/payments/vouchers/new", None));
    let pairs: Vec<_> = form_urlencoded::parse(prepared.query.as_bytes()).into_owned().collect();
    let wanted = [("payment_method_id", "7"), ("amount", "10.50"), ("voucher_pin", odd)];
    assert_eq!(pairs, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(!format!("{prepared:?}").contains("00"), "{prepared:?}");
}
