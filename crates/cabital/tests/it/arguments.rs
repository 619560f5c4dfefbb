//! Bad input: refused before anything is sent, with the name of the argument and the remedy.

use crate::{ACCOUNT, client, quote, quote_until};
use cabital::{
    Cabital,
    accounts::{GetBalance, GetDepositInformation, Identity, ListBalances, MatchName},
    conversions::{Conversion, CreateConversion},
    link::GetLinkStatus,
    models::IdDocument,
    partner::{GetQuote, GetReconciliation},
    transfers::{CreateTransfer, GetTransfer, ListTransfers, ReportResult},
};
use capecrypto_models::{Timestamp, dec};
use capecrypto_rest::{Endpoint, Kind, Outcome};

/// Nothing answers here, so whatever is sent fails in another way.
fn nowhere() -> Cabital {
    client("http://127.0.0.1:9")
}

async fn refused<E: Endpoint>(request: E) -> Vec<String> {
    let Err(error) = nowhere().send(request).await else { panic!("{} was sent", E::CALL) };
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{error}");
    error.arguments().iter().map(|refused| refused.argument.to_string()).collect()
}

fn identity() -> Identity {
    Identity {
        name: "Jane Doe".into(),
        id: "8505155800088".into(),
        id_document: IdDocument::Passport,
        issued_by: "ZAF".into(),
        dob: "1985-05-15".into(),
    }
}

#[tokio::test]
async fn malformed_ids_are_named() {
    for wrong in ["", "7", "..", "6d92e7b4715c4ce3a02819f1c8c9fa6c", "6d92e7b4-715c-4ce3-a028-19f1c8c9fa6g"] {
        assert_eq!(refused(ListBalances::new(wrong)).await, ["account_id"], "{wrong}");
        assert_eq!(refused(GetTransfer::new(ACCOUNT, wrong)).await, ["transfer_id"], "{wrong}");
    }
    let long = "a".repeat(51);
    for wrong in ["", "a/b", "..", "ä", long.as_str()] {
        assert_eq!(refused(GetReconciliation::new(wrong)).await, ["external_id"], "{wrong}");
        let transfer = CreateTransfer::to_partner(ACCOUNT, ("EUR", dec!(1)), wrong);
        assert_eq!(refused(transfer).await, ["external_id"], "{wrong}");
    }
    assert_eq!(refused(GetLinkStatus::new("someone@example.com")).await, ["user_ext_ref"]);
    let long = "a".repeat(50);
    let error = nowhere().send(GetReconciliation::new(&*long)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect, "50 characters are sent");
}

#[tokio::test]
async fn currencies_amounts_and_pairs_are_checked() {
    for wrong in ["", "btc", "DOGE", "BTC/EUR"] {
        assert_eq!(refused(GetBalance::new(ACCOUNT, wrong)).await, ["symbol"], "{wrong}");
    }
    assert_eq!(refused(GetDepositInformation::new(ACCOUNT, "BTC")).await, ["symbol"]);
    for wrong in ["BTCEUR", "BTC-BTC", "btc-eur", "BTC-DOGE"] {
        assert_eq!(refused(GetQuote::new(wrong)).await, ["code_pair"], "{wrong}");
    }
    for wrong in [("EUR", dec!(1.001)), ("BTC", dec!(0)), ("BTC", dec!(-1)), ("DOGE", dec!(1))] {
        assert_eq!(refused(CreateTransfer::to_cabital(ACCOUNT, wrong, "a-1")).await, ["amount"], "{wrong:?}");
    }
    // All problems at once.
    let transfer = CreateTransfer::to_partner("7", ("EUR", dec!(1.001)), "a/b").otp("12345").conversion("x");
    assert_eq!(refused(transfer).await, ["account_id", "amount", "otp", "conversion_id", "external_id"]);
}

#[tokio::test]
async fn a_conversion_needs_a_quote_that_is_for_it_and_has_not_expired() {
    let good = quote("BTC-EUR", "38921.55", "0.00002569");
    let convert = |conversion| CreateConversion::new(ACCOUNT, conversion);
    assert_eq!(refused(convert(Conversion::buy(("USDT", dec!(1)), &good))).await, ["amount"]);
    assert_eq!(refused(convert(Conversion::sell(("EUR", dec!(1.001)), &good))).await, ["amount"]);
    let expired = quote_until("BTC-EUR", "38921.55", "0.00002569", 1_645_113_784);
    assert_eq!(refused(convert(Conversion::buy(("BTC", dec!(1)), &expired))).await, ["quote_id"]);
}

#[tokio::test]
async fn lists_codes_and_reports_are_checked() {
    let at = |seconds: i64| Timestamp::from_unix_seconds(seconds).unwrap();
    assert_eq!(refused(ListTransfers::new(ACCOUNT).page_size(31)).await, ["page_size"]);
    assert_eq!(refused(ListTransfers::new(ACCOUNT).page_size(0)).await, ["page_size"]);
    let list = ListTransfers::new(ACCOUNT).created_from(at(100)).created_to(at(99));
    assert_eq!(refused(list).await, ["created_to"]);
    let long = "ä".repeat(151);
    for wrong in ["", " ", "a\nb", &long] {
        let report = ReportResult::failed(ACCOUNT, "4c416854-8970-4838-99ad-febc437ac81d", wrong);
        assert_eq!(refused(report).await, ["message"], "{wrong}");
    }
    let report = ReportResult::success(ACCOUNT, "4c416854-8970-4838-99ad-febc437ac81d").data("a b", "c");
    assert_eq!(refused(report).await, ["data"]);
}

#[tokio::test]
async fn the_data_of_a_report_is_not_shown_and_has_each_name_once() {
    let report = ReportResult::success(ACCOUNT, "4c416854-8970-4838-99ad-febc437ac81d");
    let report = report.data("iban", "CH1808799927511379814");
    assert!(!format!("{report:?}").contains("9814"), "{report:?}");
    assert_eq!(refused(report.data("iban", "another")).await, ["data"]);
}

#[tokio::test]
async fn an_identity_is_checked_and_never_quoted() {
    let with = |change: fn(&mut Identity)| {
        let mut identity = identity();
        change(&mut identity);
        MatchName::new(ACCOUNT, identity)
    };
    assert_eq!(refused(with(|who| who.name = "".into())).await, ["name"]);
    assert_eq!(refused(with(|who| who.issued_by = "ZA".into())).await, ["issued_by"]);
    assert_eq!(refused(with(|who| who.issued_by = "zaf".into())).await, ["issued_by"]);
    for wrong in ["1985-13-01", "19850230", "15.05.1985", "850515", ""] {
        let mut identity = identity();
        identity.dob = wrong.into();
        let error = nowhere().send(MatchName::new(ACCOUNT, identity)).await.unwrap_err();
        assert_eq!(error.arguments()[0].argument, "dob");
        assert!(wrong.is_empty() || !format!("{error} {error:?}").contains(wrong), "{error}");
    }
    assert_eq!(refused(with(|who| who.dob = "29991231".into())).await, ["dob"]);
}
