//! What the partner is told, how it answers, and what is sent again.

use super::{Partner, hex, refusal};
use capecrypto_sandbox::cabital::{CallbackKind, CallbackState, ConnectionState, TransferDirection};
use capecrypto_sandbox::{ControlError, cabital::Callback};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, sync::mpsc};

/// A request that came to the partner.
#[derive(Debug)]
struct Told {
    method: String,
    target: String,
    headers: hyper::HeaderMap,
    body: String,
}

impl Told {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A partner's receiver that answers with the status that is set.
struct Receiver {
    url: String,
    status: Arc<AtomicU16>,
    told: mpsc::UnboundedReceiver<Told>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tell, told) = mpsc::unbounded_channel();
        let status = Arc::new(AtomicU16::new(200));
        let answer = Arc::clone(&status);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tell, answer) = (tell.clone(), Arc::clone(&answer));
                let service = service_fn(move |request: Request<Incoming>| {
                    let (tell, answer) = (tell.clone(), Arc::clone(&answer));
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.unwrap().to_bytes();
                        let _gone = tell.send(Told {
                            method: head.method.to_string(),
                            target: head.uri.to_string(),
                            headers: head.headers,
                            body: String::from_utf8(body.to_vec()).unwrap(),
                        });
                        let mut response = Response::new(Full::new(Bytes::new()));
                        *response.status_mut() = answer.load(Ordering::Relaxed).try_into().unwrap();
                        Ok::<_, std::convert::Infallible>(response)
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { url, status, told }
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    async fn next(&mut self) -> Told {
        crate::client::in_time(self.told.recv()).await.unwrap()
    }
}

impl Partner {
    /// Waits until the newest callback is as wanted.
    async fn callback(&self, wanted: impl Fn(&Callback) -> bool) -> Callback {
        let started = Instant::now();
        loop {
            let newest = self.cabital.callbacks(0).pop().unwrap();
            if wanted(&newest) {
                return newest;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "still {newest:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[track_caller]
    fn check_signature(&self, told: &Told) {
        let access = self.sandbox.cabital();
        assert_eq!(told.header("ACCESS-KEY"), access.access_key);
        assert_eq!(told.header("Content-Type"), "application/json");
        let (timestamp, nonce) = (told.header("ACCESS-TIMESTAMP"), told.header("ACCESS-NONCE"));
        assert!((timestamp.parse::<i64>().unwrap() - self.control.now_ms() / 1000).abs() <= 5);
        let text = format!("{timestamp}{}{nonce}{}{}", told.method, told.target, told.body);
        assert_eq!(told.header("ACCESS-SIGN"), hex(&access.secret, &text));
    }
}

#[tokio::test]
async fn a_customers_transfer_is_told_and_waits_for_the_result() {
    let (partner, mut receiver) = (Partner::start().await, Receiver::start().await);
    partner.cabital.set_callback_url(None, Some(&format!("{}/cabital?a=b", receiver.url))).unwrap();
    let account = partner.account.clone();
    let ask = |direction, amount| partner.cabital.customer_transfer(&account, "USDT", direction, amount);
    let id = ask(TransferDirection::Debit, Decimal::from(500)).unwrap();
    let told = receiver.next().await;
    assert_eq!((told.method.as_str(), told.target.as_str()), ("POST", "/cabital?a=b"));
    partner.check_signature(&told);
    let body = told.json();
    assert_eq!((&body["transfer_id"], &body["account_id"]), (&json!(id), &json!(account)));
    assert_eq!((&body["amount"], &body["symbol"]), (&json!("500"), &json!("USDT")));
    assert_eq!((&body["direction"], &body["status"]), (&json!("DEBIT"), &json!("PROCESSING")));
    let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["account_id", "amount", "created_at", "direction", "status", "symbol", "transfer_id"],
        "the fields of the documents' sample, and the account"
    );
    assert_eq!(partner.balance("USDT").await, "99500.000000");
    let path = partner.path(&format!("/transfers/{id}"));
    for (result, refused) in [
        (json!({"status": "PROCESSING"}), "400"),
        (json!({"status": "success"}), "400"),
        (json!({"status": "FAILED"}), "400"),
        (json!({"status": "CANCEL", "message": " "}), "400"),
        (json!({"status": "FAILED", "message": "x".repeat(151)}), "400"),
        (json!({"status": "SUCCESS", "data": []}), "400"),
        (json!({"message": "ok"}), "400"),
    ] {
        assert_eq!(refusal(&partner.put(&path, &result).await), refused, "{result}");
    }
    let read = async |path: &str| partner.get(path).await.expect(200)["status"].as_str().unwrap().to_owned();
    assert_eq!(read(&path).await, "PROCESSING");
    let done = json!({"status": "SUCCESS", "message": "ok", "data": {}});
    for _ in 0..2 {
        // A repetition is received too, and changes nothing.
        let answer = partner.put(&path, &done).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    }
    assert_eq!(refusal(&partner.put(&path, &json!({"status": "FAILED", "message": "no"})).await), "400");
    assert_eq!(read(&path).await, "SUCCESS");

    for (status, direction, balance) in [
        ("FAILED", TransferDirection::Debit, "99500.000000"),
        ("CANCEL", TransferDirection::Credit, "99500.000000"),
        ("SUCCESS", TransferDirection::Credit, "99540.000000"),
    ] {
        let id = ask(direction, Decimal::from(40)).unwrap();
        let path = partner.path(&format!("/transfers/{id}"));
        partner.put(&path, &json!({"status": status, "message": "x".repeat(150)})).await;
        assert_eq!(read(&path).await, status);
        assert_eq!(partner.balance("USDT").await, balance);
    }
    // What the partner itself asked for has no result to report.
    let own = json!({"amount": "50", "symbol": "USDT", "direction": "CREDIT"});
    let own = partner.transfer(&own).await.expect(200)["transfer_id"].as_str().unwrap().to_owned();
    assert_eq!(refusal(&partner.put(&partner.path(&format!("/transfers/{own}")), &done).await), "400");
    assert_eq!(refusal(&partner.put(&partner.path("/transfers/x"), &done).await), "404");
    assert_eq!(ask(TransferDirection::Debit, Decimal::from(1_000_000)), Err(ControlError::Cabital("PA002")));
    assert!(partner.cabital.ledger().sums_to_zero);
}

#[tokio::test]
async fn a_callback_is_sent_again_four_times_on_the_clock() {
    let (partner, mut receiver) = (Partner::start().await, Receiver::start().await);
    receiver.answer(500);
    partner.cabital.set_callback_url(Some(CallbackKind::Link), Some(&receiver.url)).unwrap();
    partner.cabital.set_state(&partner.account, ConnectionState::Unlinked).unwrap();
    let mut nonces = BTreeSet::new();
    let mut body = String::new();
    for (attempt, pause_ms) in (1..).zip([300_000, 3_600_000, 18_000_000, 64_800_000, 0]) {
        let told = receiver.next().await;
        partner.check_signature(&told);
        assert_eq!((told.method.as_str(), told.target.as_str()), ("PUT", "/"));
        assert!(nonces.insert(told.header("ACCESS-NONCE").to_owned()), "each attempt has its own nonce");
        assert!(attempt == 1 || told.body == body, "the body stays the same");
        body = told.body;
        let callback = partner.callback(|callback| callback.attempts == attempt).await;
        if pause_ms == 0 {
            assert_eq!((callback.state, callback.next_at_ms), (CallbackState::GivenUp, None));
            break;
        }
        assert_eq!(callback.state, CallbackState::Waiting);
        let wait_ms = callback.next_at_ms.unwrap() - partner.control.now_ms();
        assert!((wait_ms - pause_ms).abs() < 20_000, "{wait_ms} instead of {pause_ms}");
        partner.control.advance_clock(pause_ms - 30_000);
        assert!(receiver.told.try_recv().is_err(), "too early");
        partner.control.advance_clock(30_000);
    }
    partner.control.advance_clock(100 * 3_600_000);
    // The next callback arrives: nothing of the first one is left.
    receiver.answer(204);
    partner.cabital.set_state(&partner.account, ConnectionState::Linked).unwrap();
    let told = receiver.next().await.json();
    assert_eq!(told["staus"], "LINKED");
    assert!(told["data"]["valid_until"].as_i64().unwrap() > partner.control.now_ms() / 1000);
    let callback = partner.callback(|callback| callback.attempts == 1).await;
    assert_eq!((callback.number, callback.state), (2, CallbackState::Delivered));
    // Nobody listens there any more.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    partner.cabital.set_callback_url(None, Some(&format!("http://{gone}/x"))).unwrap();
    partner.cabital.set_state(&partner.account, ConnectionState::Unlinked).unwrap();
    let callback = partner.callback(|callback| callback.attempts == 1 && callback.number == 3).await;
    assert_eq!(callback.state, CallbackState::Waiting);
}

#[tokio::test]
async fn the_state_of_a_connection_is_told_in_the_documents_words() {
    let (partner, mut receiver) = (Partner::start().await, Receiver::start().await);
    for url in ["https://127.0.0.1/", "http://example.com/", "x"] {
        assert_eq!(partner.cabital.set_callback_url(None, Some(url)), Err(ControlError::NotLoopback));
    }
    let account = partner.cabital.add_account("john", ConnectionState::Initialized, false).unwrap();
    // Without a URL nothing is told.
    partner.cabital.set_state(&account, ConnectionState::Created).unwrap();
    assert!(partner.cabital.callbacks(0).is_empty());
    let url = format!("{}/account", receiver.url);
    partner.cabital.set_callback_url(Some(CallbackKind::Account), Some(&url)).unwrap();
    partner.cabital.set_state(&account, ConnectionState::Created).unwrap();
    let outcome = capecrypto_sandbox::cabital::MatchOutcome::Mismatch(vec!["dob".to_owned()]);
    partner.cabital.plan_match(&account, outcome).unwrap();
    let john = json!({"name": "John Doe", "id": "J1", "id_document": "ID", "dob": "19700101"});
    partner.put(&format!("/accounts/{account}/match"), &john).await.expect(200);
    let told = receiver.next().await;
    partner.check_signature(&told);
    assert_eq!((told.method.as_str(), told.target.as_str()), ("POST", "/account"));
    let body = told.json();
    assert_eq!((&body["account_uuid"], &body["user_ext_ref"]), (&json!(account), &json!("john")));
    assert_eq!((&body["staus"], &body["data"]), (&json!("MISMATCHED"), &json!({"mismatch_fields": ["dob"]})));
    let time = body["event_time"].as_str().unwrap();
    assert!(time.len() == 24 && time.ends_with('Z'), "{time}");
    assert!(told.body.starts_with(r#"{"account_uuid":"#), "in the order of the documents' sample");
    partner.cabital.set_state(&account, ConnectionState::Unlinked).unwrap();
    assert_eq!(receiver.next().await.json()["staus"], "UNLINKED");
    partner.cabital.set_callback_url(None, None).unwrap();
    partner.cabital.set_state(&account, ConnectionState::Created).unwrap();
    assert_eq!(partner.cabital.callbacks(0).len(), 2, "a state that does not change is not told");
}
