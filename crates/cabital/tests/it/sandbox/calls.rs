//! Name matches, reports of results, links and signatures against the sandbox.

use super::{started, started_with};
use cabital::{
    Cabital, Convention, Digest, Hosts, Scheme,
    accounts::{GetAccountDetail, Identity, ListBalances, MatchName},
    connection::Connection,
    conversions::{Conversion, CreateConversion},
    light::{GetLightConfig, GetLightQuote},
    link::{GetLinkStatus, LinkPage},
    models::{ConnectionState, IdDocument, MatchOutcome, TransferStatus},
    partner::{GetConfig, GetQuote},
    transfers::{FollowTransfer, FollowedTransfer, GetTransfer, ListTransfers, ReportResult},
};
use capecrypto_auth::Credentials;
use capecrypto_models::dec;
use capecrypto_rest::{Kind, Outcome, Polling};
use capecrypto_sandbox::{
    Fault, FaultKind, Sandbox,
    cabital::{
        self as side, ConnectionState as State, MatchOutcome as Planned, PairOrder, Signing,
        TransferDirection,
    },
};
use std::time::Duration;

fn jane() -> Identity {
    Identity {
        name: "Jane Doe".into(),
        id: "8505155800088".into(),
        id_document: IdDocument::Id,
        issued_by: "ZAF".into(),
        dob: "1985-05-15".into(),
    }
}

#[tokio::test]
async fn each_outcome_of_a_name_match_is_read_and_changes_the_state() {
    let (sandbox, cabital, _) = started().await;
    let control = sandbox.control().cabital();
    let account = control.add_account("jane", State::Created, false).unwrap();
    let account = account.as_str();
    let fields = vec!["name".to_owned(), "dob".to_owned()];
    for (planned, outcome, named, state) in [
        (Planned::Mismatch(fields.clone()), MatchOutcome::Mismatch, fields, ConnectionState::Mismatched),
        (Planned::Pending, MatchOutcome::Pending, Vec::new(), ConnectionState::Matching),
        (Planned::Pass, MatchOutcome::Pass, Vec::new(), ConnectionState::Matched),
    ] {
        control.plan_match(account, planned).unwrap();
        let before = cabital.send(GetAccountDetail::new(account)).await.unwrap();
        assert!(Connection::since(before.status, cabital.now()).may_match());
        let answer = cabital.send(MatchName::new(account, jane())).await.unwrap();
        assert_eq!((&answer.result, &answer.mismatch_fields), (&outcome, &named));
        let detail = cabital.send(GetAccountDetail::new(account)).await.unwrap();
        assert_eq!(detail.status, state);
        let shown = format!("{detail:?}");
        assert!(!shown.contains("example.com") && !shown.contains("jane"), "{shown}");
        if state == ConnectionState::Matching {
            // The person decides.
            assert!(!Connection::since(detail.status, cabital.now()).may_match());
            control.set_state(account, State::Mismatched).unwrap();
        }
    }
    // The answer of a match is lost: the state tells what became of it.
    let other = control.add_account("john", State::Created, false).unwrap();
    control.inject(Fault::next(FaultKind::ResetAfterApply).on("PUT", "/accounts/{account_id}/match"));
    let error = cabital.send(MatchName::new(other.as_str(), jane())).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Repeated, Outcome::Unknown));
    let detail = cabital.send(GetAccountDetail::new(other.as_str())).await.unwrap();
    assert_eq!(detail.status, ConnectionState::Matched);
    // Nothing was carried out: the repetition is the match.
    let third = control.add_account("third", State::Created, false).unwrap();
    control.inject(Fault::next(FaultKind::ResetBeforeApply).on("PUT", "/accounts/{account_id}/match"));
    let answer = cabital.send(MatchName::new(third.as_str(), jane())).await.unwrap();
    assert_eq!(answer.result, MatchOutcome::Pass);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_result_is_reported_until_it_is_received() {
    let (sandbox, cabital, account) = started().await;
    let control = sandbox.control().cabital();
    let account = account.as_str();
    let polling = || {
        Polling::within(Duration::from_secs(20)).pauses(Duration::from_millis(10), Duration::from_millis(10))
    };
    let path = "/accounts/{account_id}/transfers/{transfer_id}";
    for (direction, status) in [
        (TransferDirection::Debit, TransferStatus::Success),
        (TransferDirection::Debit, TransferStatus::Failed),
        (TransferDirection::Credit, TransferStatus::Cancel),
    ] {
        let id = control.customer_transfer(account, "USDT", direction, 50.into()).unwrap();
        let report = match status {
            TransferStatus::Success => ReportResult::success(account, id.as_str()),
            TransferStatus::Failed => ReportResult::failed(account, id.as_str(), "the bank is closed"),
            _ => ReportResult::cancelled(account, id.as_str(), "the customer has changed her mind"),
        };
        // Not carried out, carried out with a lost answer, and not carried out again.
        for kind in [
            FaultKind::Answer { status: 503, body: String::new(), content_type: None },
            FaultKind::ResetAfterApply,
            FaultKind::Answer { status: 500, body: String::new(), content_type: None },
            FaultKind::ResetBeforeApply,
        ] {
            control.inject(Fault::next(kind).on("PUT", path));
        }
        let report = report.data("reference", "R-7");
        assert!(report.until_received(&cabital, polling()).await.unwrap());
        let read = cabital.send(GetTransfer::new(account, id.as_str())).await.unwrap();
        assert_eq!((&read.status, read.transfer_by.as_str()), (&status, "CUSTOMER"));
        // A repetition is received too; another result is refused, and not repeated.
        assert!(report.until_received(&cabital, polling()).await.unwrap());
        let other = match status {
            TransferStatus::Success => ReportResult::failed(account, id.as_str(), "no"),
            _ => ReportResult::success(account, id.as_str()),
        };
        let error = other.until_received(&cabital, polling()).await.unwrap_err();
        assert_eq!(error.status(), Some(400));
        let found = FollowTransfer::new(account, id.as_str()).until_final(&cabital, polling()).await.unwrap();
        assert!(matches!(found, FollowedTransfer::Final(_)), "{found:?}");
    }
    let customers = cabital.items(ListTransfers::new(account).page_size(2)).try_collect().await.unwrap();
    assert_eq!(customers.len(), 3);
    // A failure without a message cannot be built; an empty or a long one is refused before it is sent.
    for message in ["", &"x".repeat(151)] {
        let report = ReportResult::failed(account, "4c416854-8970-4838-99ad-febc437ac81d", message);
        let error = cabital.send(report).await.unwrap_err();
        assert_eq!((error.outcome(), &*error.argument().unwrap().argument), (Outcome::NotSent, "message"));
    }
    assert!(control.ledger().sums_to_zero);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn the_status_of_a_link_is_read_by_both_paths() {
    let (sandbox, cabital, account) = started().await;
    let control = sandbox.control().cabital();
    control.add_account("customer-42", State::Pending, true).unwrap();
    let access = sandbox.cabital();
    let reference = cabital.send(GetAccountDetail::new(account.as_str())).await.unwrap().ext_id.unwrap();
    let hosts = Hosts::at(&access.origin, &access.link_origin).unwrap().with_short_link_paths();
    let credentials = Credentials::new(&access.access_key, &access.secret).unwrap();
    let short = Cabital::builder(hosts).credentials(credentials).build().unwrap();
    for cabital in [&cabital, &short] {
        let status = cabital.send(GetLinkStatus::new(reference.expose().as_str())).await.unwrap();
        assert_eq!(
            (status.account_uuid.as_str(), &status.link_status),
            (account.as_str(), &ConnectionState::Linked)
        );
        assert!(status.valid_until.is_some_and(|end| end > cabital.now()) && status.otp_ready);
        let status = cabital.send(GetLinkStatus::new("customer-42")).await.unwrap();
        assert_eq!((status.kyc_status.as_str(), status.valid_until), ("KYC_PENDING", None));
        let none = cabital.send(GetLinkStatus::new("nobody")).await.unwrap_err();
        assert!(none.has_code("PA001"), "{none}");
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn the_light_mode_has_the_terms_without_a_partner() {
    let (sandbox, cabital, _) = started().await;
    let hosts = cabital.hosts().clone();
    let keyless = Cabital::builder(hosts).build().unwrap();
    let (light, config) =
        (keyless.send(GetLightConfig::new()).await.unwrap(), cabital.send(GetConfig::new()).await.unwrap());
    assert_eq!(light.pairs, config.pairs);
    let symbol = "USDT".parse().unwrap();
    let usdt = light.currencies.iter().find(|currency| currency.symbol == symbol).unwrap();
    let fee = usdt.withdraw.as_ref().unwrap().fee.as_ref().unwrap();
    let own = config.currency(&symbol).unwrap().fees.as_ref().unwrap().debit_fee.as_ref().unwrap();
    assert_eq!((&fee.object, &fee.method), (&own.object, &own.method), "Customer and customer are the same");
    assert_eq!((own.value, own.original_value), (dec!(0.99), Some(fee.value)));
    let quote = keyless.send(GetLightQuote::new("EUR-BTC")).await.unwrap();
    assert_eq!(quote.pair(), Some("BTC-EUR".parse().unwrap()));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn each_way_to_sign_is_understood_and_no_other() {
    for (digest, written) in [(Digest::Hex, side::Digest::Hex), (Digest::Base64, side::Digest::Base64)] {
        for with_query in [true, false] {
            let mut scheme = Scheme::default();
            (scheme.digest, scheme.with_query) = (digest, with_query);
            let signing = Signing { query_in_path: with_query, digest: written };
            let sandbox = Sandbox::builder().cabital_signing(signing).start().await.unwrap();
            let access = sandbox.cabital();
            let client = |scheme| {
                let hosts = Hosts::at(&access.origin, &access.link_origin).unwrap();
                let credentials = Credentials::new(&access.access_key, &access.secret).unwrap();
                Cabital::builder(hosts).credentials(credentials).scheme(scheme).build().unwrap()
            };
            let (right, account) = (client(scheme), access.account_id.as_str());
            right.send(ListBalances::new(account)).await.unwrap();
            let list = ListTransfers::new(account).page_size(5).direction("DEBIT");
            right.send(list.clone()).await.unwrap();
            LinkPage::new("customer-42", "https://partner.example/linked").url(&right).unwrap();
            let mut other = scheme;
            other.with_query = !with_query;
            let error = client(other).send(list.clone()).await.unwrap_err();
            assert_eq!(error.status(), Some(401), "{scheme:?}");
            let mut other = scheme;
            other.digest = if digest == Digest::Hex { Digest::Base64 } else { Digest::Hex };
            assert_eq!(client(other).send(list).await.unwrap_err().status(), Some(401), "{scheme:?}");
            sandbox.shutdown().await;
        }
    }
}

/// In each order of pairs, both directions, with the amount of either side: the ledger moves what the client has computed. In the other
/// order nothing moves.
#[tokio::test]
async fn each_order_of_pairs_is_understood_and_the_ledger_moves_both_sides() {
    let orders = [(Convention::BoughtSold, PairOrder::BoughtSold), (Convention::Quoted, PairOrder::Quoted)];
    for (convention, order) in orders {
        let (sandbox, cabital, account) = started_with(Sandbox::builder().cabital_pair_order(order)).await;
        let balances = async || cabital.send(ListBalances::new(account.as_str())).await.unwrap();
        let quote = cabital.send(GetQuote::new("BTC-EUR")).await.unwrap();
        for conversion in [
            Conversion::buy(("BTC", dec!(0.01234567)), &quote),
            Conversion::sell(("BTC", dec!(0.01234567)), &quote),
            Conversion::buy(("EUR", dec!(567.89)), &quote),
            Conversion::sell(("EUR", dec!(567.89)), &quote),
        ] {
            let conversion = conversion.convention(convention);
            let sides = conversion.sides().unwrap();
            let before = balances().await;
            cabital.send(CreateConversion::new(account.as_str(), conversion.clone())).await.unwrap();
            let after = balances().await;
            let change = |symbol| after.of(symbol).unwrap() - before.of(symbol).unwrap();
            assert_eq!(change(sides.bought.symbol()), sides.bought.get(), "{sides:?}");
            assert_eq!(change(sides.sold.symbol()), -sides.sold.get(), "{sides:?}");

            let other = match convention {
                Convention::BoughtSold => Convention::Quoted,
                _ => Convention::BoughtSold,
            };
            // With the left currency bought, both orders are the same request.
            let other = conversion.convention(other);
            if other.sides().unwrap().pair != sides.pair {
                let error = cabital.send(CreateConversion::new(account.as_str(), other)).await.unwrap_err();
                assert_eq!(error.outcome(), Outcome::Refused, "{error}");
                assert_eq!(balances().await, after);
            }
        }
        assert!(sandbox.control().cabital().ledger().sums_to_zero);
        sandbox.shutdown().await;
    }
}
