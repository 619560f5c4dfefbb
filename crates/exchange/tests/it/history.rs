//! The account's history, beneficiaries and payment methods, against the sandbox.

use capecrypto_auth::{Clock, Credentials, Environment};
use capecrypto_exchange::{
    account::{DeleteBeneficiary, ExportTransactions, ListDepositMethods, ListTransactions},
    args::Direction,
};
use capecrypto_models::{Timestamp, dec};
use capecrypto_probe::client;
use capecrypto_rest::{Client, Kind, Outcome};
use capecrypto_sandbox::Sandbox;
use serde_json::json;

async fn with_history(lines: u32) -> Sandbox {
    let sandbox = Sandbox::start().await.unwrap();
    for line in 0..lines {
        let line = json!({
            "type": "referral", "credit_currency": "zar", "credit_amount": format!("{line}.5"),
            "voucher_pin": "canary-pin", "sender": "canary-sender", "member_description": "two\nlines",
        });
        sandbox.control().add_transaction("maker", &line.to_string()).unwrap();
    }
    sandbox
}

/// The lines that the test added: those of the demo have other types.
fn referrals() -> ListTransactions {
    ListTransactions::new().kind("referral")
}

#[tokio::test]
async fn history_is_walked_and_exported_to_the_same_rows() {
    let sandbox = with_history(130).await;
    let client = client(&sandbox, "maker");
    let rows = client.items(referrals().limit(50)).try_collect().await.unwrap();
    assert_eq!((rows.len(), rows.total), (130, Some(130)));
    assert_eq!(rows[129].credit_amount, Some(dec!(0.5)));
    let mut table = Vec::new();
    let exported =
        client.export(ExportTransactions::of(referrals().currency("zar")), &mut table).await.unwrap();
    assert_eq!((exported.rows, usize::try_from(exported.bytes).unwrap()), (130, table.len()));
    let table = String::from_utf8(table).unwrap();
    assert!(table.starts_with("id,type,"));
    for row in &rows {
        assert!(table.contains(&format!("\n{},referral,", row.id)), "{}", row.id);
    }
}

#[tokio::test]
async fn times_are_seconds_with_both_ends() {
    let sandbox = with_history(1).await;
    let client = client(&sandbox, "maker");
    let now = Timestamp::from_unix_seconds(sandbox.control().now_ms() / 1_000).unwrap();
    let from_now = client.send(referrals().time_from(now).time_to(now)).await.unwrap();
    assert_eq!(from_now.len(), 1);
}

#[tokio::test]
async fn pins_and_persons_are_not_shown() {
    let sandbox = with_history(1).await;
    let rows = client(&sandbox, "maker").send(referrals()).await.unwrap();
    assert_eq!(rows[0].voucher_pin.as_ref().unwrap().expose(), "canary-pin");
    assert!(!format!("{rows:?}").contains("canary"));
}

#[tokio::test]
async fn a_table_that_is_refused_is_told_and_nothing_is_written() {
    let sandbox = with_history(1).await;
    let mut table = Vec::new();
    let old = ListTransactions::new().time_from(Timestamp::from_unix_seconds(1).unwrap());
    let error = client(&sandbox, "maker").export(ExportTransactions::of(old), &mut table).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), table.len()), (Kind::Refused, Outcome::Refused, 0));
}

#[tokio::test]
async fn a_beneficiary_is_deleted_and_then_not_found() {
    let sandbox = with_history(0).await;
    let client = client(&sandbox, "maker");
    let id = sandbox.control().add_beneficiary("maker").unwrap();
    client.send(DeleteBeneficiary::new(id)).await.unwrap();
    let error = client.send(DeleteBeneficiary::new(id)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::NotFound, Outcome::Refused));
}

#[tokio::test]
async fn methods_to_deposit_have_their_limits() {
    let sandbox = with_history(0).await;
    let methods = client(&sandbox, "maker").send(ListDepositMethods::new()).await.unwrap();
    let bank = methods.iter().find(|method| method.currency == "zar").unwrap();
    assert!(bank.remaining_limits.as_ref().unwrap().day.unwrap() > dec!(0));
    assert_eq!(bank.verified, Some(true));
}

#[tokio::test]
async fn a_transaction_id_is_checked_before_anything_is_sent() {
    let sandbox = with_history(1).await;
    let client = client(&sandbox, "maker");
    for bad in ["", " ", "a\r\nb", "\0", &"x".repeat(256)] {
        let list = || referrals().txid(bad);
        let error = client.send(list()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{bad:?}");
        let mut table = Vec::new();
        let error = client.export(ExportTransactions::of(list()), &mut table).await.unwrap_err();
        assert!(error.to_string().contains("txid") && table.is_empty(), "{error}");
    }
    for odd in ["../../x", "A/B 7&limit=1", "é"] {
        let line = json!({"type": "referral", "txid": odd}).to_string();
        sandbox.control().add_transaction("maker", &line).unwrap();
        let found = client.send(referrals().txid(odd)).await.unwrap();
        assert_eq!((found.len(), found[0].txid.as_deref()), (1, Some(odd)));
    }
}

/// A client whose clock is the exchange's, which the test has turned.
fn client_of_its_time(sandbox: &Sandbox) -> Client {
    let account = sandbox.account("maker").unwrap();
    let credentials = Credentials::new(&account.api_key, &account.secret).unwrap();
    let (clock, _) = Clock::manual(u64::try_from(sandbox.control().now_ms()).unwrap());
    let client = Client::builder(Environment::local(sandbox.origin()).unwrap()).credentials(credentials);
    client.clock(clock).build().unwrap()
}

#[tokio::test]
async fn years_of_history_are_one_table_with_each_row_once() {
    const WINDOW: i64 = 500 * 24 * 60 * 60;
    let sandbox = Sandbox::start().await.unwrap();
    let control = sandbox.control();
    let first = control.now_ms() / 1_000 + 10;
    let last = first + 3 * WINDOW + 77;
    // Rows at both sides of each seam, whether it is counted from the start or from the end; and two outside.
    let mut seconds = vec![first - 1, first, first + 77, last - 77, last, last + 1];
    for number in 1..=3 {
        let (up, down) = (first + number * WINDOW, last - number * WINDOW);
        seconds.extend([up - 1, up, up + 1, down - 1, down, down + 1]);
    }
    seconds.sort_unstable();
    let mut ids = Vec::new();
    for second in seconds {
        control.advance_clock(second * 1_000 + 300 - control.now_ms());
        let line = json!({
            "type": "deposit", "credit_currency": "zar", "credit_amount": "7.5", "description": "a, \"b\"\nc",
            "voucher_pin": "canary-pin", "change_voucher_pin": "canary-change",
        });
        let id = control.add_transaction("maker", &line.to_string()).unwrap();
        if (first..=last).contains(&second) {
            ids.push(id);
        }
    }
    let client = client_of_its_time(&sandbox);
    let [from, to] = [first, last].map(|seconds| Timestamp::from_unix_seconds(seconds).unwrap());
    let path = std::env::temp_dir().join(format!("capecrypto-history-{}.csv", std::process::id()));
    for (direction, expected) in
        [(Direction::Ascending, ids.clone()), (Direction::Descending, ids.iter().rev().copied().collect())]
    {
        let list = ListTransactions::new().currency("zar").order_by(direction);
        let years = ExportTransactions::between(list, from, to).unwrap();
        let joined = client.tables(years).save(&path).await.unwrap();
        let table = std::fs::read_to_string(&path).unwrap();
        let rows: Vec<u64> =
            table.split("\n").filter_map(|line| line.split(",deposit,").next()?.parse().ok()).collect();
        assert_eq!(rows, expected);
        assert_eq!((joined.rows, joined.answers), (u64::try_from(ids.len()).unwrap(), 4));
        assert_eq!(joined.left_out, ["voucher_pin", "change_voucher_pin"]);
        let row = String::from_utf8(joined.last_row.unwrap()).unwrap();
        assert!(row.starts_with(&expected.last().unwrap().to_string()) && table.ends_with(&row));
        assert!(
            !table.contains("canary")
                && table.contains("\"a, \"\"b\"\"\nc\"")
                && table.starts_with("id,type,")
        );
        assert_eq!(table.matches("voucher").count(), 2, "expiry and amount of the voucher stay");
    }
    std::fs::remove_file(&path).unwrap();
    let mut out = Vec::new();
    let years = ExportTransactions::between(ListTransactions::new(), from, to).unwrap();
    let joined = client.tables(years).keep("voucher_pin").write_to(&mut out).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    assert_eq!(joined.left_out, ["change_voucher_pin"]);
    assert_eq!((out.matches("canary-pin").count(), out.matches("canary-change").count()), (ids.len(), 0));
}
