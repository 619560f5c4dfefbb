//! Withdrawals, their quotes, and the search after an unknown outcome.

use crate::dec;
use capecrypto_auth::{Clock, Credentials, Environment};
use capecrypto_exchange::account::{
    BankAccount, CreateBeneficiary, CreateLightningInvoice, CreateWithdrawal, CryptoData, FindWithdrawal,
    FollowWithdrawal, FollowedWithdrawal, GetWithdrawQuote, ListInstantDepositMethods, ListWithdrawMethods,
    ListWithdrawals,
};
use capecrypto_models::{
    BeneficiaryId, CurrencyId, InstantMethodType, MethodType, Sats, Timestamp, WithdrawQuote, WithdrawalId,
    WithdrawalState,
};
use capecrypto_probe::{client, older_client};
use capecrypto_rest::{Client, Error, Kind, Outcome, Polling, Prepared};
use capecrypto_sandbox::{Fault, FaultKind, Profile, Sandbox, WithdrawalState as Set};
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, query_param},
};

const MINUTE_MS: i64 = 60_000;

/// An exchange, a client of it, and a beneficiary for btc.
async fn exchange() -> (Sandbox, Client, u64) {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "taker");
    let to = sandbox.control().add_beneficiary("taker").unwrap();
    (sandbox, client, to)
}

async fn coin_beneficiary(client: &Client, currency: &str, address: &str) -> BeneficiaryId {
    let create = CreateBeneficiary::crypto(currency, "Cold store", CryptoData::new(address));
    client.send(create).await.unwrap().id
}

async fn bank(client: &Client) -> BeneficiaryId {
    let account = BankAccount::new("Jane Canary").account_number("62012345678");
    client.send(CreateBeneficiary::fiat("zar", "Rent", account)).await.unwrap().id
}

const XRP_ADDRESS: &str = "rN7n7otQDd6FczFgLdlqtyMVrn3qHwuSaDcqC";
const ETH_ADDRESS: &str = "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb";

fn names(error: &Error) -> Vec<&str> {
    error.arguments().iter().map(|refused| &*refused.argument).collect()
}

/// The error of a request that was refused before anything was sent.
fn assert_not_sent(error: &Error, arguments: &[&str]) {
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{error}");
    assert_eq!(names(error), arguments, "{error}");
}

#[tokio::test]
async fn a_quoted_withdrawal_is_created_at_its_fee_and_followed_to_its_end() {
    let (sandbox, client, to) = exchange().await;
    sandbox.control().set_quoted_fee("btc", Some(dec("0.00007"))).unwrap();
    let quote = client.send(GetWithdrawQuote::new("btc")).await.unwrap();
    assert!(quote.is_valid_at(client.now()) && quote.remaining_at(client.now()) > Duration::from_secs(80));
    let request = CreateWithdrawal::new("btc", to, dec("0.5")).quote(&quote);
    let created = client.send(request).await.unwrap();
    let details = created.details().unwrap();
    assert_eq!((details.amount, details.fee), (dec("0.5"), Some(quote.fee)));
    assert_eq!(details.state, WithdrawalState::Submitted);
    assert!(!details.state.is_final() && details.done_at.is_none());

    let id = created.id().unwrap();
    let follow = FollowWithdrawal::new(id).currency(details.currency.clone());
    let once = Polling::within(Duration::ZERO);
    let seen = follow.until_final(&client, once).await.unwrap();
    assert!(matches!(&seen, FollowedWithdrawal::StillOpen(row) if row.id == id), "{seen:?}");
    sandbox.control().advance_clock(60 * MINUTE_MS);
    let polling = Polling::within(Duration::from_secs(30)).pauses(Duration::ZERO, Duration::ZERO);
    let FollowedWithdrawal::Final(done) = follow.until_final(&client, polling).await.unwrap() else {
        panic!("it is not final");
    };
    assert!(done.state.is_success() && done.blockchain_txid.is_some() && done.done_at.is_some());
    assert_eq!(done.confirmations, Some(2));
    let unknown = FollowWithdrawal::new(WithdrawalId::new(99_999));
    assert_eq!(unknown.until_final(&client, once).await.unwrap(), FollowedWithdrawal::NotSeen);

    let failed = client.send(CreateWithdrawal::new("btc", to, dec("0.5"))).await.unwrap().id().unwrap();
    sandbox.control().move_withdrawal(failed.get(), Set::Failed).unwrap();
    let seen = FollowWithdrawal::new(failed).until_final(&client, polling).await.unwrap();
    assert!(matches!(&seen, FollowedWithdrawal::Final(row) if !row.state.is_success()), "{seen:?}");
}

#[tokio::test]
async fn a_same_day_withdrawal_is_of_rand_and_has_its_note() {
    let (_sandbox, client, _) = exchange().await;
    let to = bank(&client).await;
    let made = client.send(CreateWithdrawal::same_day_rtc(&to, dec("1000"))).await.unwrap();
    let details = made.details().unwrap();
    assert!(details.rid.as_ref().unwrap().expose().starts_with("jane-canary-zar-"), "the rid is a name");
    assert!(!format!("{made:?}").contains("canary"), "and it is not shown");
    assert_eq!((details.currency.as_str(), details.fee), ("zar", Some(dec("80"))));
    assert_eq!(details.note.as_ref().unwrap().expose(), "same_day_rtc");
    let made = client.send(CreateWithdrawal::new("zar", &to, dec("1000")).note("rent")).await.unwrap();
    assert_eq!(made.details().unwrap().note.as_ref().unwrap().expose(), "rent");
    let both = CreateWithdrawal::same_day_rtc(to, dec("1000")).note("rent");
    assert_not_sent(&client.send(both).await.unwrap_err(), &["note"]);
    let invoice = client.send(CreateLightningInvoice::new(Sats::new(5))).await.unwrap().invoice().unwrap();
    let lightning = client.send(GetWithdrawQuote::lightning(invoice)).await.unwrap();
    assert_eq!((lightning.blockchain.as_deref(), lightning.fee), (Some("lightning"), dec("0.00000001")));
}

#[tokio::test]
async fn the_history_is_filtered_and_walked() {
    let (sandbox, client, to) = exchange().await;
    let xrp = coin_beneficiary(&client, "xrp", XRP_ADDRESS).await;
    for _ in 0..3 {
        client.send(CreateWithdrawal::new("xrp", &xrp, dec("10"))).await.unwrap();
    }
    let btc = client.send(CreateWithdrawal::new("btc", to, dec("0.5"))).await.unwrap().id().unwrap();
    sandbox.control().move_withdrawal(btc.get(), Set::UnderReview).unwrap();
    let rows = client.items(ListWithdrawals::new().currency("xrp").limit(2)).try_collect().await.unwrap();
    assert_eq!((rows.len(), rows.total), (3, Some(3)));
    let reviewed = client.send(ListWithdrawals::new().state("under_review")).await.unwrap();
    assert_eq!(reviewed.iter().map(|row| row.id).collect::<Vec<_>>(), [btc]);
    assert_eq!(client.send(ListWithdrawals::new().rid(XRP_ADDRESS)).await.unwrap().len(), 3);
}

/// A client whose clock is turned by hand, of a server that must not be asked.
async fn with_manual_clock(millis: u64) -> (MockServer, Client, capecrypto_auth::ManualTime) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(201)).mount(&server).await;
    let (clock, time) = Clock::manual(millis);
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let client = Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials);
    (server, client.clock(clock).build().unwrap(), time)
}

fn quote(currency: &str, fee: &str, expires_ms: i64) -> WithdrawQuote {
    let expires_at = Timestamp::from_unix_millis(expires_ms).unwrap();
    let quote = json!({"id": "q-1", "currency": currency, "fee": fee, "expires_at": expires_at});
    serde_json::from_value(quote).unwrap()
}

#[tokio::test]
async fn a_quote_is_refused_once_it_has_expired_or_if_it_is_for_another_currency() {
    let (server, client, time) = with_manual_clock(1_700_000_000_000).await;
    let request =
        || CreateWithdrawal::new("btc", 7, dec("0.5")).quote(quote("btc", "0.1", 1_700_000_090_000));
    time.set(1_700_000_089_999);
    client.send(request()).await.unwrap();
    time.set(1_700_000_090_000);
    let error = client.send(request()).await.unwrap_err();
    assert_not_sent(&error, &["quote_id"]);
    assert!(error.to_string().contains("expired") && error.to_string().contains("new quote"), "{error}");
    let foreign = CreateWithdrawal::new("eth", 7, dec("0.5")).quote(quote("btc", "0.1", 1_800_000_000_000));
    let error = client.send(foreign).await.unwrap_err();
    assert_not_sent(&error, &["quote_id"]);
    assert!(error.to_string().contains("for btc"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);

    let dear = CreateWithdrawal::new("btc", 7, dec("0.5")).quote(quote("btc", "0.5", 1_800_000_000_000));
    let reply = client.reply(dear).await.unwrap();
    assert!(reply.warnings[0].why.contains("nothing would arrive"), "{:?}", reply.warnings);
    let sent = server.received_requests().await.unwrap().pop().unwrap();
    assert_eq!(
        sent.body_json::<Value>().unwrap(),
        json!({"beneficiary_id": 7, "currency": "btc", "amount": "0.5", "quote_id": "q-1"})
    );
}

#[tokio::test]
async fn a_quote_is_compared_with_the_exchanges_clock_not_with_ours() {
    let (sandbox, client, to) = exchange().await;
    // The exchange is ten minutes behind, so by our own clock each of its quotes has expired.
    sandbox.control().advance_clock(-10 * MINUTE_MS);
    let quote = crate::until(|| async { client.send(GetWithdrawQuote::new("btc")).await.ok() }).await;
    let ours = Timestamp::from_unix_millis(i64::try_from(client.clock().local_ms()).unwrap()).unwrap();
    assert!(quote.is_valid_at(client.now()) && !quote.is_valid_at(ours), "{quote:?}");
    client.send(CreateWithdrawal::new("btc", to, dec("0.5")).quote(quote)).await.unwrap();
}

#[tokio::test]
async fn everything_wrong_is_told_at_once_and_nothing_is_sent() {
    let (server, client, _time) = with_manual_clock(1_700_000_000_000).await;
    let request = CreateWithdrawal::new("btc/zar", "..", dec("0")).note("two\nlines").otp("12345");
    let error = client.send(request).await.unwrap_err();
    assert_not_sent(&error, &["beneficiary_id", "currency", "amount", "note", "otp", "otp"]);
    assert!(!error.to_string().contains("lines") && !error.to_string().contains("12345"), "{error}");
    let with_note = CreateWithdrawal::new("btc", 7, dec("1")).note("same_day_rtc");
    assert_not_sent(&client.send(with_note).await.unwrap_err(), &["note"]);
    for bad in ["", " ", "x\ry", &"n".repeat(257)] {
        let request = CreateWithdrawal::new("zar", 7, dec("1")).note(bad);
        assert_not_sent(&client.send(request).await.unwrap_err(), &["note"]);
    }
    assert_not_sent(&client.send(CreateWithdrawal::new("btc", 7, dec("-1"))).await.unwrap_err(), &["amount"]);
    let list = ListWithdrawals::new().currency("").rid("a\nb").limit(101).page(0);
    assert_not_sent(&client.send(list).await.unwrap_err(), &["currency", "rid", "limit", "page"]);
    assert_not_sent(&client.send(GetWithdrawQuote::new("../x")).await.unwrap_err(), &["currency"]);
    assert_not_sent(&client.send(GetWithdrawQuote::lightning("")).await.unwrap_err(), &["bolt"]);
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
    // Exactly 256 characters, of any kind, arrive as they are.
    let longest = "é".repeat(256);
    client.send(CreateWithdrawal::new("zar", 7, dec("1")).note(longest.as_str())).await.unwrap();
    let sent = server.received_requests().await.unwrap().pop().unwrap();
    assert_eq!(sent.body_json::<Value>().unwrap()["note"], longest);
}

#[tokio::test]
async fn a_one_time_code_is_for_the_older_version_and_only_for_it() {
    let (sandbox, current, to) = exchange().await;
    let request = || CreateWithdrawal::new("btc", to, dec("0.5"));
    let error = current.send(request().otp("123456")).await.unwrap_err();
    assert_not_sent(&error, &["otp"]);
    let older = older_client(&sandbox, "taker");
    let error = older.send(request()).await.unwrap_err();
    assert_not_sent(&error, &["otp"]);
    assert!(error.to_string().contains("needs a one-time code"), "{error}");
    for bad in ["", "12345", "123456789", "12345x", "１２３４５６"] {
        assert_not_sent(&older.send(request().otp(bad)).await.unwrap_err(), &["otp"]);
    }
    let quoted = request().otp("123456").quote(quote("btc", "0.1", 4_000_000_000_000));
    assert_not_sent(&older.send(quoted).await.unwrap_err(), &["quote_id"]);
    assert_not_sent(&older.send(GetWithdrawQuote::new("btc")).await.unwrap_err(), &["GetWithdrawQuote"]);
    let list = current.send(ListInstantDepositMethods::new()).await.unwrap_err();
    assert_not_sent(&list, &["ListInstantDepositMethods"]);
    assert!(current.send(ListWithdrawals::new()).await.unwrap().is_empty(), "nothing was created");

    let sandbox = Sandbox::builder().profile(Profile::Legacy).start().await.unwrap();
    let older = older_client(&sandbox, "taker");
    let to = sandbox.control().add_beneficiary("taker").unwrap();
    sandbox.control().set_one_time_code("taker", "004217").unwrap();
    let request = |otp: &str| CreateWithdrawal::new("btc", to, dec("0.5")).otp(otp);
    let made = older.send(request("004217")).await.unwrap();
    assert_eq!(made.details().unwrap().confirmations, None, "it says N/A");
    let error = older.send(request("004218")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Refused, Outcome::Refused));
    assert!(
        error.has_code("account.withdraw.invalid_otp") && error.hint().unwrap().contains("authenticator")
    );
    let methods = older.send(ListInstantDepositMethods::new()).await.unwrap();
    let kinds: Vec<_> = methods.iter().filter_map(|method| method.kind.clone()).collect();
    assert_eq!(kinds, [InstantMethodType::Voucher, InstantMethodType::InstantEft]);
    assert!(methods[0].id.as_str().parse::<u64>().is_ok(), "a voucher is redeemed by a whole number");
}

#[tokio::test]
async fn methods_to_withdraw_have_their_limits() {
    let (sandbox, client, to) = exchange().await;
    client.send(CreateWithdrawal::new("btc", to, dec("4"))).await.unwrap();
    let methods = client.send(ListWithdrawMethods::new()).await.unwrap();
    let bitcoin = methods.iter().find(|method| method.kind == Some(MethodType::Crypto)).unwrap();
    let left = bitcoin.remaining_limits.as_ref().unwrap();
    assert_eq!((left.transaction_max, left.day), (Some(dec("10")), Some(dec("6"))));
    assert_eq!((bitcoin.max_amount, bitcoin.verified), (Some(dec("6")), Some(true)));
    let error = client.send(CreateWithdrawal::new("btc", to, dec("7"))).await.unwrap_err();
    assert!(
        error.has_code("sandbox.withdraw.over_limit") && error.hint().unwrap().contains("remaining_limits")
    );
    sandbox.control().set_verification_level("taker", 1).unwrap();
    let methods = client.send(ListWithdrawMethods::new()).await.unwrap();
    let bank = methods.iter().find(|method| method.kind == Some(MethodType::Bank)).unwrap();
    assert_eq!((bank.verified, bank.max_amount), (Some(false), Some(dec("0"))));
}

fn cut(kind: FaultKind) -> Fault {
    Fault::next(kind).on("POST", "/account/withdraws")
}

#[tokio::test]
async fn after_an_unknown_outcome_the_candidates_are_reported() {
    let (sandbox, client, to) = exchange().await;
    let btc: CurrencyId = "btc".parse().unwrap();
    // Others, which must not be taken for it: an older one, another amount, another currency.
    client.send(CreateWithdrawal::new("btc", to, dec("0.5"))).await.unwrap();
    sandbox.control().advance_clock(10 * MINUTE_MS);
    let client = crate::until(|| async {
        let sent = client.send(CreateWithdrawal::new("btc", to, dec("0.6"))).await;
        sent.ok().map(|_| client.clone())
    })
    .await;
    let eth = coin_beneficiary(&client, "eth", ETH_ADDRESS).await;
    client.send(CreateWithdrawal::new("eth", &eth, dec("0.5"))).await.unwrap();

    let request = CreateWithdrawal::new("btc", to, dec("0.5"));
    let search = request.search(client.now()).unwrap();
    sandbox.control().inject(cut(FaultKind::ResetBeforeApply));
    let error = client.send(request.clone()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    assert!(!error.is_safe_to_retry());
    let found = search.find(&client).await.unwrap();
    assert!(found.candidates.is_empty() && found.unreadable.is_empty(), "{found:?}");
    assert_eq!(found.rows, 2, "those of the currency were compared");

    sandbox.control().inject(cut(FaultKind::ResetAfterApply));
    let error = client.send(request.clone()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    let found = search.find(&client).await.unwrap();
    let [candidate] = &found.candidates[..] else { panic!("{found:?}") };
    assert_eq!((candidate.withdrawal.amount, candidate.has_time), (dec("0.5"), true));
    assert_eq!((candidate.same_destination, candidate.same_note), (None, None), "nothing is guessed");
    assert!(
        found.from < candidate.withdrawal.created_at.unwrap()
            && candidate.withdrawal.created_at.unwrap() < found.to
    );

    let address = candidate.withdrawal.rid.as_ref().unwrap().expose().clone();
    let with_rid = |rid: &str| search.clone().rid(rid);
    let compared =
        async |search: FindWithdrawal| search.find(&client).await.unwrap().candidates[0].same_destination;
    assert_eq!(compared(with_rid(&address)).await, Some(true));
    assert_eq!(compared(with_rid(&format!("{}?dt=7", address.to_uppercase()))).await, Some(true));
    assert_eq!(compared(with_rid("elsewhere")).await, Some(false));

    // The same withdrawal twice: both are told.
    client.send(request.clone()).await.unwrap();
    assert_eq!(request.find(&client, client.now()).await.unwrap().candidates.len(), 2);
    let malformed = CreateWithdrawal::new("btc", "..", dec("1")).find(&client, client.now()).await;
    assert_eq!(malformed.unwrap_err().outcome(), Outcome::NotSent);
    let later = client.now().checked_add(Duration::from_secs(600)).unwrap();
    let elsewhere = FindWithdrawal::new(btc, dec("0.5"), later);
    assert!(elsewhere.find(&client).await.unwrap().candidates.is_empty(), "outside of the time");
}

fn row(id: u64, created_at: i64) -> Value {
    json!({"id": id, "currency": "zar", "amount": "1000", "state": "accepted", "created_at": created_at, "rid": "7", "note": "rent"})
}

#[tokio::test]
async fn a_search_reads_no_further_than_it_must_and_says_what_it_compared() {
    let sent_at = 1_700_000_000;
    let search = || {
        let request = CreateWithdrawal::new("zar", 7, dec("1000.00")).note("rent");
        request.search(Timestamp::from_unix_seconds(sent_at).unwrap()).unwrap()
    };
    let server = async |pages: [Vec<Value>; 2]| {
        let server = MockServer::start().await;
        for (number, page) in (1..).zip(pages) {
            let answer = ResponseTemplate::new(200).insert_header("total", "200").set_body_json(page);
            Mock::given(query_param("page", number.to_string())).respond_with(answer).mount(&server).await;
        }
        server
    };
    let client = |server: &MockServer| {
        let credentials = Credentials::new("sandbox_x", "y").unwrap();
        Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials).build().unwrap()
    };
    // Newest first, and the first page ends before the time: the second page is not needed.
    let newest_first: Vec<_> =
        (0..100).map(|n| row(200 - n, sent_at + 60 - i64::try_from(n).unwrap())).collect();
    let older: Vec<_> = (0..100).map(|n| row(100 - n, sent_at - 100)).collect();
    let sorted = server([newest_first.clone(), older.clone()]).await;
    let found = search().find(&client(&sorted)).await.unwrap();
    assert_eq!((found.rows, sorted.received_requests().await.unwrap().len()), (100, 1));
    // 60 seconds before the end of the page to 5 seconds before it was sent.
    assert_eq!(found.candidates.len(), 66);
    let first = &found.candidates[0];
    assert_eq!(
        (first.same_destination, first.same_note),
        (Some(true), Some(true)),
        "the number is the beneficiary's"
    );
    // Not sorted, although the last row of the first page is an old one: everything is read.
    let mut upside_down = newest_first;
    upside_down.reverse();
    upside_down[99] = row(900, sent_at - 200);
    let unsorted = server([upside_down, older]).await;
    assert_eq!(search().find(&client(&unsorted)).await.unwrap().rows, 200);

    // A row that cannot be read, and one without a time, are reported.
    let mut odd = vec![row(3, sent_at), json!({"id": "x"})];
    odd[0].as_object_mut().unwrap().remove("created_at");
    odd[0]["rid"] = json!("12");
    odd[0]["note"] = json!("other");
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(odd)).mount(&server).await;
    let found = search().find(&client(&server)).await.unwrap();
    assert_eq!(found.unreadable.len(), 1);
    let [candidate] = &found.candidates[..] else { panic!("{found:?}") };
    assert_eq!(
        (candidate.has_time, candidate.same_destination, candidate.same_note),
        (false, Some(false), Some(false))
    );
    // The history may show the amount without the fee.
    let net = |id: u64, amount: &str| {
        let mut row = row(id, sent_at);
        (row["amount"], row["fee"]) = (json!(amount), json!("8"));
        row
    };
    let server = MockServer::start().await;
    let rows = json!([net(4, "992"), net(3, "1000"), net(2, "1008"), net(1, "8")]);
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(rows)).mount(&server).await;
    let found = search().find(&client(&server)).await.unwrap();
    let amounts: Vec<_> = found.candidates.iter().map(|one| one.withdrawal.amount).collect();
    assert_eq!(amounts, [dec("992"), dec("1000")]);
    assert!(
        CreateWithdrawal::new("zar", "..", dec("1"))
            .search(Timestamp::from_unix_seconds(0).unwrap())
            .is_none()
    );
}

#[tokio::test]
async fn a_withdrawal_is_asked_for_until_it_is_final() {
    let server = MockServer::start().await;
    let state = |state: &str| {
        let mut row = row(5, 1_700_000_000);
        row["state"] = json!(state);
        Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(json!([row])))
    };
    state("processing").up_to_n_times(2).mount(&server).await;
    state("succeed").mount(&server).await;
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let client = Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials);
    let polling = Polling::within(Duration::from_secs(30)).pauses(Duration::ZERO, Duration::ZERO);
    let follow = FollowWithdrawal::new(WithdrawalId::new(5));
    let seen = follow.until_final(&client.build().unwrap(), polling).await.unwrap();
    assert!(matches!(&seen, FollowedWithdrawal::Final(row) if row.state.is_success()), "{seen:?}");
    assert_eq!(server.received_requests().await.unwrap().len(), 3);
}

async fn answered(status: u16, body: &str) -> Result<Option<WithdrawalId>, Error> {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_string(body);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let client = Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials);
    let request = CreateWithdrawal::new("zar", 7, dec("1000")).note("rent");
    client.build().unwrap().send(request).await.map(|made| made.id())
}

#[tokio::test]
async fn the_answer_may_be_a_withdrawal_or_nothing() {
    let row = row(5, 1_700_000_000);
    for body in ["", " \n", "null", "{}", "[]", "\"ok\"", "{\"message\":\"created\"}", "[1,2]"] {
        assert_eq!(answered(201, body).await.unwrap(), None, "{body}");
    }
    assert_eq!(answered(201, &row.to_string()).await.unwrap(), Some(WithdrawalId::new(5)));
    assert_eq!(answered(200, &json!([row]).to_string()).await.unwrap(), Some(WithdrawalId::new(5)));
    let mut net = row.clone();
    (net["amount"], net["fee"]) = (json!("992"), json!("8"));
    assert!(answered(201, &net.to_string()).await.unwrap().is_some(), "the amount without the fee");
    for (field, other) in [("currency", "btc"), ("amount", "999.99"), ("note", "other")] {
        let mut row = row.clone();
        row[field] = json!(other);
        let error = answered(201, &row.to_string()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Mismatch, Outcome::Unknown), "{field}");
        assert!(error.to_string().contains(field), "{error}");
    }
    for body in ["<html>", "{\"errors\":[\"a.b\"]}", "{\"error\":\"no\"}", "{"] {
        let error = answered(200, body).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Decode, Outcome::Unknown), "{body}");
    }
    let mut rejected = row;
    rejected["state"] = json!("rejected");
    let error = answered(201, &rejected.to_string()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Refused, Outcome::Refused));
}

#[tokio::test]
async fn a_filter_that_the_server_ignores_is_noticed() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!([row(5, 1_700_000_000)]));
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let client =
        Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials).build().unwrap();
    let all = ListWithdrawals::new;
    client.send(all().currency("zar").state("accepted").rid("7")).await.unwrap();
    for (request, field) in
        [(all().currency("btc"), "currency"), (all().state("succeed"), "state"), (all().rid("8"), "rid")]
    {
        let error = client.send(request).await.unwrap_err();
        assert!(error.kind() == Kind::Mismatch && error.to_string().contains(field), "{error}");
    }
    let server = MockServer::start().await;
    let quote = json!([{"id": 9, "currency": "eth", "fee": 1, "expires_at": 1_700_000_000}]);
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_json(quote)).mount(&server).await;
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let client =
        Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials).build().unwrap();
    assert_eq!(client.send(GetWithdrawQuote::new("eth")).await.unwrap().id.as_str(), "9", "in a list of one");
    assert_eq!(client.send(GetWithdrawQuote::new("btc")).await.unwrap_err().kind(), Kind::Mismatch);
}

#[tokio::test]
async fn refusals_have_their_codes_and_hints() {
    let (sandbox, client, to) = exchange().await;
    let refused = async |request: CreateWithdrawal, code: &str, hint: &str| {
        let error = client.send(request).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Refused, Outcome::Refused), "{error}");
        assert!(error.has_code(code) && error.hint().is_some_and(|text| text.contains(hint)), "{error}");
    };
    let withdraw = |currency: &str, amount: &str| CreateWithdrawal::new(currency, to, dec(amount));
    refused(withdraw("btc", "101"), "account.withdraw.insufficient_balance", "available").await;
    refused(withdraw("btc", "0.0001"), "account.withdraw.invalid_amount", "min_withdraw_amount").await;
    refused(withdraw("doge", "1"), "account.currency.doesnt_exist", "ListCurrencies").await;
    let nobody = CreateWithdrawal::new("btc", 99_999, dec("1"));
    refused(nobody, "account.beneficiary.doesnt_exist", "beneficiaries").await;
    let pending = sandbox.control().add_pending_beneficiary("taker", "1234").unwrap();
    let pending = CreateWithdrawal::new("btc", pending, dec("1"));
    refused(pending, "account.beneficiary.invalid_state_for_withdrawal", "activate").await;
    let used = client.send(GetWithdrawQuote::new("btc")).await.unwrap();
    client.send(withdraw("btc", "1").quote(&used)).await.unwrap();
    refused(withdraw("btc", "1").quote(&used), "sandbox.withdraw.quote_doesnt_exist", "GetWithdrawQuote")
        .await;
    sandbox.control().restrict("taker", Some(capecrypto_sandbox::Restriction::NoTwoFactor)).unwrap();
    let error = client.send(withdraw("btc", "1")).await.unwrap_err();
    assert!(error.is_auth() && error.has_code("authz.disabled_2fa"), "{error}");
}

#[test]
fn the_amount_is_sent_digit_for_digit() {
    let request = CreateWithdrawal::new("btc", 7, dec("0.10000000"));
    let sent = Prepared::new(&request, &Environment::live()).unwrap();
    let body: Value = serde_json::from_slice(&sent.body.unwrap()).unwrap();
    assert_eq!(body, json!({"beneficiary_id": 7, "currency": "btc", "amount": "0.10000000"}));
    let older = CreateWithdrawal::new("btc", 7, dec("1")).otp("004217");
    let sent = Prepared::new(&older, &Environment::legacy()).unwrap();
    assert_eq!(sent.path, "/api/v2/trade/account/withdraws");
    let body: Value = serde_json::from_slice(&sent.body.unwrap()).unwrap();
    assert_eq!(body["otp"], "004217", "zeros at the start stay");
}

#[tokio::test]
async fn without_verification_each_way_of_money_is_refused_with_a_hint() {
    let (sandbox, client, to) = exchange().await;
    let bank = BankAccount::new("Jane");
    let method = CreateBeneficiary::fiat("zar", "Savings", bank).withdraw_method_id(7);
    let error = client.send(method).await.unwrap_err();
    assert!(error.hint().unwrap().contains("ListWithdrawMethods"), "{error}");
    sandbox.control().set_verification_level("taker", 0).unwrap();
    let refused = [
        client.send(CreateWithdrawal::new("btc", to, dec("1"))).await.unwrap_err(),
        client.send(CreateLightningInvoice::new(Sats::new(5))).await.unwrap_err(),
    ];
    for (error, code) in
        refused.iter().zip(["account.withdraw.not_permitted", "account.deposit.not_permitted"])
    {
        assert_eq!((error.status(), error.outcome()), (Some(403), Outcome::Refused), "{error}");
        assert!(error.has_code(code) && error.hint().unwrap().contains("verification"), "{error}");
    }
}
