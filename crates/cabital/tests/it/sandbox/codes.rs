//! Each code of the documents, and each status, through the client: by a real request where the client can send one, otherwise by a fault
//! of the sandbox that names the code.

use super::{started, started_with};
use cabital::{
    Again, Cabital, Convention, HttpError, PartnerCode,
    accounts::{GetAccountDetail, GetBalance, GetDepositInformation, Identity, ListBalances, MatchName},
    conversions::{Conversion, CreateConversion},
    models::{DepositMethod, Direction, IdDocument, Quote, Symbol},
    partner::{GetConfig, GetQuote, GetReconciliation},
    transfers::{CreateTransfer, GetTransfer, ListTransfers, Submitted},
};
use capecrypto_auth::Credentials;
use capecrypto_models::{Decimal, dec};
use capecrypto_rest::{Endpoint, Error, Kind, Outcome};
use capecrypto_sandbox::{
    CabitalControl, Fault, FaultKind, Sandbox,
    cabital::{ConnectionState, MatchOutcome, TransactionKind},
};
use std::{collections::BTreeSet, time::Duration};

/// What to do about each code.
const ADVICE: [(Again, &[u16]); 4] = [
    (Again::Renewed, &[7, 8, 19]),
    (Again::Later, &[9, 10, 12, 20]),
    (Again::AfterLooking, &[29, 999]),
    (Again::No, &[1, 2, 3, 4, 5, 6, 11, 13, 14, 15, 16, 17, 18, 21, 22, 23, 24, 25, 26, 27, 28, 30, 31, 32]),
];

/// A sandbox, its client, and the codes that were seen.
struct Seen {
    sandbox: Sandbox,
    control: CabitalControl,
    cabital: Cabital,
    account: String,
    codes: BTreeSet<u16>,
    ids: u32,
}

impl Seen {
    async fn start() -> Self {
        let (sandbox, cabital, account) = started().await;
        let control = sandbox.control().cabital();
        Self { sandbox, control, cabital, account, codes: BTreeSet::new(), ids: 0 }
    }

    /// Checks the error of a request: code, outcome and advice.
    #[track_caller]
    fn check(&mut self, number: u16, error: &Error) {
        let code = PartnerCode::from(format!("PA{number:03}").as_str());
        let known = PartnerCode::of(error);
        assert_eq!(known.as_ref(), Some(&code), "{error}");
        let (status, outcome) = match number {
            13 => (403, Outcome::Refused),
            999 => (500, Outcome::Unknown),
            _ => (400, Outcome::Refused),
        };
        assert_eq!((error.status(), error.outcome()), (Some(status), outcome), "{error}");
        let advice = ADVICE.iter().find(|(_, codes)| codes.contains(&number)).unwrap().0;
        assert_eq!(code.again(), advice, "{error}");
        assert!(code.meaning().is_some());
        self.codes.insert(number);
    }

    async fn refused<E: Endpoint>(&mut self, number: u16, request: E)
    where
        E::Response: std::fmt::Debug,
    {
        let error = self.cabital.send(request).await.unwrap_err();
        self.check(number, &error);
        assert_eq!(error.hint(), PartnerCode::of(&error).unwrap().remedy(), "{error}");
    }

    /// A debit with an id of its own.
    fn debit(&mut self, symbol: &str, amount: Decimal) -> CreateTransfer {
        self.ids += 1;
        CreateTransfer::to_partner(self.account.as_str(), (symbol, amount), format!("code-{}", self.ids))
    }

    async fn conversion(&self, amount: (&str, Decimal)) -> CreateConversion {
        let quote = self.cabital.send(GetQuote::new("BTC-EUR")).await.unwrap();
        CreateConversion::new(self.account.as_str(), Conversion::sell(amount, &quote))
    }

    fn person(&self) -> Identity {
        Identity {
            name: "Jane Doe".into(),
            id: "8505155800088".into(),
            id_document: IdDocument::Passport,
            issued_by: "ZAF".into(),
            dob: "1985-05-15".into(),
        }
    }
}

#[tokio::test]
async fn every_code_of_the_documents_is_typed_with_its_outcome_and_advice() {
    let mut seen = Seen::start().await;
    accounts(&mut seen).await;
    names(&mut seen).await;
    amounts(&mut seen).await;
    conversions(&mut seen).await;
    transfers(&mut seen).await;
    by_fault(&mut seen).await;
    let wanted: BTreeSet<u16> = (1..=32).chain([999]).collect();
    assert_eq!(seen.codes, wanted);
    assert!(seen.control.ledger().sums_to_zero);
    seen.sandbox.shutdown().await;
}

async fn accounts(seen: &mut Seen) {
    let account = seen.account.clone();
    let account = account.as_str();
    seen.refused(1, ListBalances::new("6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c")).await;
    let other = seen.control.add_account("codes", ConnectionState::Created, false).unwrap();
    for (state, number) in [
        (ConnectionState::Created, 9),
        (ConnectionState::Matching, 9),
        (ConnectionState::Mismatched, 9),
        (ConnectionState::Pending, 12),
        (ConnectionState::FinalRejected, 12),
        (ConnectionState::Unlinked, 13),
    ] {
        seen.control.set_state(&other, state).unwrap();
        seen.refused(number, ListBalances::new(other.as_str())).await;
    }
    seen.refused(13, GetAccountDetail::new(other.as_str())).await;
    seen.refused(14, GetDepositInformation::new(account, "EUR").method(DepositMethod::Fps)).await;
    seen.refused(15, GetBalance::new(account, Symbol::listed("XRP").unwrap())).await;
    seen.refused(18, GetQuote::new("EUR-GBP")).await;
    // A price of which nothing is left in the other direction.
    let price = seen.cabital.send(GetQuote::new("ETH-EUR")).await.unwrap().quote;
    seen.control.set_quote("ETH-EUR", dec!(1000000000)).unwrap();
    seen.sandbox.control().advance_clock(1_000);
    seen.refused(21, GetQuote::new("ETH-EUR")).await;
    seen.control.set_quote("ETH-EUR", price).unwrap();
    seen.refused(27, ListTransfers::new(account).direction(Direction::from("OUT"))).await;
    seen.refused(30, GetReconciliation::new("nobody")).await;
}

async fn names(seen: &mut Seen) {
    let account = seen.control.add_account("names", ConnectionState::Created, false).unwrap();
    let account = account.as_str();
    let person = || Identity { ..seen.person() };
    let wrong = [
        (16, Identity { id_document: IdDocument::from("LIBRARY_CARD"), ..person() }),
        (23, Identity { name: "12".into(), ..person() }),
        (24, Identity { id: "J*1".into(), ..person() }),
    ];
    for (number, identity) in wrong {
        seen.refused(number, MatchName::new(account, identity)).await;
    }
    // The client refuses these itself.
    for (argument, identity) in [
        ("issued_by", Identity { issued_by: "ZA".into(), ..seen.person() }),
        ("dob", Identity { dob: "1985-02-30".into(), ..seen.person() }),
        ("dob", Identity { dob: "2999-01-01".into(), ..seen.person() }),
        ("name", Identity { name: "".into(), ..seen.person() }),
    ] {
        let error = seen.cabital.send(MatchName::new(account, identity)).await.unwrap_err();
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert_eq!(error.argument().unwrap().argument, argument);
    }
    // Past the client's checks, Cabital refuses them.
    let form = |issued_by: &str, dob: &str| {
        serde_json::json!({
            "name": "Jane Doe", "id": "8505155800088", "id_document": "PASSPORT", "issued_by": issued_by, "dob": dob,
        })
    };
    for (number, form) in
        [(17, form("ZA", "19850515")), (25, form("ZAF", "19850230")), (25, form("ZAF", "29990101"))]
    {
        let request = seen.cabital.raw(http::Method::PUT, format!("/api/v1/accounts/{account}/match"));
        let error = request.json(&form).send().await.unwrap_err();
        seen.check(number, &error);
    }
    seen.control.plan_match(account, MatchOutcome::Pass).unwrap();
    seen.cabital.send(MatchName::new(account, seen.person())).await.unwrap();
    seen.refused(26, MatchName::new(account, seen.person())).await;
}

async fn amounts(seen: &mut Seen) {
    let request = seen.debit("USDT", dec!(39.999999));
    seen.refused(3, request).await;
    let request = seen.debit("EUR", dec!(50000.01));
    seen.refused(4, request).await;
    let request = seen.debit("USDT", dec!(100000.000001));
    seen.refused(2, request).await;
    // More than there can be of any currency.
    let request = seen.debit("USDT", dec!(1000000000001));
    seen.refused(28, request).await;
    for (amount, currency) in
        [(dec!(1.001), "EUR"), (dec!(0), "EUR"), (dec!(-5), "USDT"), (dec!(0.0000001), "USDT")]
    {
        let request = seen.debit(currency, amount);
        let error = seen.cabital.send(request).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{amount}");
    }
    let (debit, account) = (TransactionKind::Debit, seen.account.clone());
    seen.control.set_available(debit, None, false).unwrap();
    let request = seen.debit("USDT", dec!(50));
    seen.refused(5, request).await;
    seen.control.set_available(debit, None, true).unwrap();
    seen.control.set_available(debit, Some("USDT"), false).unwrap();
    let request = seen.debit("USDT", dec!(50));
    seen.refused(6, request).await;
    seen.control.set_available(debit, Some("USDT"), true).unwrap();
    seen.control.set_account_limit(&account, "USDT", Some(49.into())).unwrap();
    let request = seen.debit("USDT", dec!(50));
    seen.refused(20, request).await;
    seen.control.set_account_limit(&account, "USDT", None).unwrap();
}

async fn conversions(seen: &mut Seen) {
    let account = seen.account.clone();
    let quote = seen.cabital.send(GetQuote::new("BTC-EUR")).await.unwrap();
    let quoted = Conversion::sell(("BTC", dec!(0.01)), &quote).convention(Convention::Quoted);
    seen.refused(11, CreateConversion::new(account.as_str(), quoted)).await;
    let text = r#"{"quote":"56614.16","reversed_quote":"0.00001783","quote_id":"20210416225049:BTC-EUR:Customer",
        "valid_until":99999999999,"valid_interval":10}"#;
    let unknown: Quote = serde_json::from_str(text).unwrap();
    let conversion = Conversion::sell(("BTC", dec!(0.01)), &unknown);
    seen.refused(19, CreateConversion::new(account.as_str(), conversion)).await;
    for (amount, number) in [(("BTC", dec!(0.0001)), 3), (("BTC", dec!(5.1)), 4)] {
        let request = seen.conversion(amount).await;
        seen.refused(number, request).await;
    }
    // It expires on the way: the client's clock does not know yet.
    let request = seen.conversion(("BTC", dec!(0.01))).await;
    seen.sandbox.control().advance_clock(11_000);
    seen.refused(7, request).await;
    seen.sandbox.control().advance_clock(-11_000);
    // The client refuses one that has expired by its clock.
    let old = text.replace("99999999999", "1645113784");
    let conversion = Conversion::sell(("BTC", dec!(0.01)), &serde_json::from_str(&old).unwrap());
    let error = seen.cabital.send(CreateConversion::new(account.as_str(), conversion)).await.unwrap_err();
    assert_eq!((error.outcome(), &*error.argument().unwrap().argument), (Outcome::NotSent, "quote_id"));
}

async fn transfers(seen: &mut Seen) {
    let account = seen.account.clone();
    let request = seen.debit("USDT", dec!(50)).otp("654321");
    seen.refused(8, request).await;
    seen.control.set_one_time_code(&account, None, false, None).unwrap();
    let request = seen.debit("USDT", dec!(50)).otp("123456");
    seen.refused(10, request).await;
    seen.control.set_one_time_code(&account, Some("123456"), true, None).unwrap();
    let request = seen.debit("USDT", dec!(50));
    seen.refused(8, request).await;
    seen.control.set_one_time_code(&account, Some("123456"), false, None).unwrap();

    let request = seen.debit("USDT", dec!(50));
    seen.cabital.send(request.clone()).await.unwrap();
    seen.refused(29, request).await;
    let request = seen.debit("USDT", dec!(50)).conversion("d81adf6d-0322-41d7-8c32-669203e35f11");
    seen.refused(31, request).await;
    let quote = seen.cabital.send(GetQuote::new("BTC-EUR")).await.unwrap();
    let conversion = Conversion::buy(("EUR", dec!(100)), &quote);
    let made = seen.cabital.send(CreateConversion::new(account.as_str(), conversion)).await.unwrap();
    let request = seen.debit("EUR", dec!(100.01)).conversion(&made.id);
    seen.refused(32, request).await;
    let request = seen.debit("EUR", dec!(100)).conversion(&made.id);
    seen.cabital.send(request).await.unwrap();
    let request = seen.debit("EUR", dec!(100)).conversion(&made.id);
    seen.refused(29, request.clone()).await;
    // Its id is free, so the conversion is what was used: nothing was moved.
    let Submitted::NotDone(error) = request.submit(&seen.cabital).await else { panic!("it was done") };
    seen.check(29, &error);
}

/// What no request gets: no documented call sends an IBAN (22), and the sandbox has no internal errors of its own (999).
async fn by_fault(seen: &mut Seen) {
    seen.control.fail_next_with("PA022").unwrap();
    let request = seen.debit("USDT", dec!(50));
    seen.refused(22, request).await;
    // An internal error says nothing about a write, also if the repetition ends with it.
    let body = r#"{"code":"PA999","message":"internal error"}"#.to_owned();
    let internal = Fault::next(FaultKind::Answer { status: 500, body, content_type: None });
    seen.control.inject(internal.times(2));
    let request = seen.debit("USDT", dec!(50));
    let error = seen.cabital.send(request.clone()).await.unwrap_err();
    assert_eq!(error.attempts(), 2);
    seen.check(999, &error);
    assert!(matches!(request.submit(&seen.cabital).await, Submitted::Made(_)));
    // A read is tried again.
    seen.control.fail_next_with("PA999").unwrap();
    seen.cabital.send(GetConfig::new()).await.unwrap();
}

/// An answer of a gateway, which has no code.
fn answer(status: u16) -> FaultKind {
    FaultKind::Answer {
        status,
        body: r#"{"message":"from a fault"}"#.to_owned(),
        content_type: Some("application/json".to_owned()),
    }
}

#[tokio::test]
async fn every_status_is_typed() {
    let (sandbox, cabital, account) = started_with(Sandbox::builder()).await;
    let control = sandbox.control().cabital();
    let account = account.as_str();
    // 401: another secret, of the right key.
    let credentials = Credentials::new(&sandbox.cabital().access_key, "not-the-secret").unwrap();
    let stranger = Cabital::builder(cabital.hosts().clone()).credentials(credentials).build().unwrap();
    let error = stranger.send(ListBalances::new(account)).await.unwrap_err();
    // Without a code of Cabital's, it may be a gateway that answers.
    assert_eq!((HttpError::of(&error), error.outcome()), (Some(HttpError::BadSignature), Outcome::Unknown));
    assert!(error.is_auth());
    let transfer = |id: &str| CreateTransfer::to_partner(account, ("USDT", dec!(50)), id);
    let error = stranger.send(transfer("status-1")).await.unwrap_err();
    assert_eq!(HttpError::of(&error), Some(HttpError::BadSignature));
    // 404: not the account's transfer.
    let error =
        cabital.send(GetTransfer::new(account, "4c416854-8970-4838-99ad-febc437ac81d")).await.unwrap_err();
    assert_eq!((HttpError::of(&error), error.kind()), (Some(HttpError::NotFound), Kind::NotFound));
    // 405: a call of nobody.
    let error = cabital.raw(http::Method::DELETE, "/api/v1/config").send().await.unwrap_err();
    assert_eq!(HttpError::of(&error), Some(HttpError::MethodNotAllowed));
    // 403 without a code, and 406.
    for (status, wanted) in [(403, HttpError::Unlinked), (406, HttpError::NotJson)] {
        control.inject(Fault::next(answer(status)));
        let error = cabital.send(ListBalances::new(account)).await.unwrap_err();
        assert_eq!((HttpError::of(&error), PartnerCode::of(&error)), (Some(wanted), None));
    }
    // 409: the answer of the first attempt was lost, so the second one repeats its nonce.
    let path = "/accounts/{account_id}/conversions";
    control.inject(Fault::next(FaultKind::ResetAfterApply).on("POST", path));
    let quote = cabital.send(GetQuote::new("BTC-EUR")).await.unwrap();
    let conversion = Conversion::sell(("BTC", dec!(0.01)), &quote);
    let error = cabital.send(CreateConversion::new(account, conversion)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Kind::Repeated, Outcome::Unknown, 2));
    assert_eq!(HttpError::of(&error), Some(HttpError::NonceUsed));
    // 429 is retried by a read, and tells a writer to wait.
    control.inject(Fault::next(FaultKind::TooManyRequests { retry_after_s: Some(0) }));
    cabital.send(ListBalances::new(account)).await.unwrap();
    control.inject(Fault::next(FaultKind::TooManyRequests { retry_after_s: Some(1) }).times(2));
    let error = cabital.send(transfer("status-2")).await.unwrap_err();
    assert_eq!(HttpError::of(&error), Some(HttpError::TooManyRequests));
    control.clear_faults();
    // 500 and 503: a read is tried three times, a write twice, and then it is unknown.
    for (status, wanted) in [(500, HttpError::TryAgain), (503, HttpError::TryLater)] {
        control.inject(Fault::next(answer(status)).times(2));
        cabital.send(ListBalances::new(account)).await.unwrap();
        control.inject(Fault::next(answer(status)).times(2));
        let error = cabital.send(transfer(&format!("status-{status}"))).await.unwrap_err();
        assert_eq!((HttpError::of(&error), error.outcome()), (Some(wanted), Outcome::Unknown));
        control.inject(Fault::next(answer(status)));
        let again = transfer(&format!("again-{status}")).submit(&cabital).await;
        assert!(matches!(again, Submitted::Made(_)), "{again:?}");
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_code_that_has_expired_refuses_the_repetition_alone() {
    let (sandbox, cabital, account) = started_with(Sandbox::builder()).await;
    let control = sandbox.control().cabital();
    let path = "/accounts/{account_id}/transfers";
    // The first request is not carried out, and its code has expired when the second one comes.
    control.set_one_time_code(&account, Some("004217"), true, Some(10_000)).unwrap();
    control.inject(Fault::next(FaultKind::ResetBeforeApply).on("POST", path));
    sandbox.control().advance_clock(9_999);
    let transfer = CreateTransfer::to_partner(account.as_str(), ("USDT", dec!(50)), "late-1").otp("004217");
    tokio::time::sleep(Duration::from_millis(2)).await;
    let submitted = transfer.submit(&cabital).await;
    let Submitted::Unknown(error) = submitted else { panic!("{submitted:?}") };
    assert_eq!((PartnerCode::of(&error), error.outcome()), (Some(PartnerCode::WrongOtp), Outcome::Unknown));
    // A new code, and the same id: it is moved once.
    control.set_one_time_code(&account, Some("004217"), true, None).unwrap();
    assert!(matches!(transfer.submit(&cabital).await, Submitted::Made(_)));
    let moved = control.journal(0).iter().filter(|entry| entry.kind == "transfer").count();
    assert_eq!(moved, 1);
    sandbox.shutdown().await;
}
