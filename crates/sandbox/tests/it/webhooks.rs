//! Webhooks over real sockets: a receiver on this machine gets what the exchange sends.

use crate::{
    client::{Exchange, in_time},
    growth::Temporary,
};
use capecrypto_sandbox::{
    AttemptEnd, AttemptReason, ControlError, Sandbox, WebhookDelivery, WebhookFault, WebhookState,
};
use capecrypto_webhook::Verifier;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::{TcpListener, TcpStream};

/// A request that a receiver got.
#[derive(Debug, Clone)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Whether the client's crate trusts it.
    fn is_signed(&self) -> bool {
        let verifier = Verifier::hmac("now", "my_secret_key").unwrap();
        let values = self.headers.get_all("x-auth-webhook").iter().map(HeaderValue::as_bytes);
        verifier.authenticate(values, &self.body).is_ok()
    }
}

/// A receiver on a port of its own. It answers with the planned statuses, then with 200.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<Got>>>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook?shop=1", listener.local_addr().unwrap());
        let receiver = Self { url, got: Arc::default(), statuses: Arc::default() };
        let serving = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        receiver
    }

    async fn serve(self, stream: TcpStream) {
        let answer = async |request: Request<Incoming>| {
            let (head, body) = request.into_parts();
            assert_eq!(head.method, "POST");
            let body = body.collect().await.unwrap().to_bytes();
            let path = head.uri.to_string();
            self.got.lock().unwrap().push(Got { path, headers: head.headers, body });
            let status = self.statuses.lock().unwrap().pop_front().unwrap_or(200);
            let mut response = Response::new(Full::new(Bytes::from_static(b"thank you")));
            *response.status_mut() = status.try_into().unwrap();
            // It must not be followed.
            response.headers_mut().insert("location", "/elsewhere".parse().unwrap());
            Ok::<_, Infallible>(response)
        };
        // Fails if the sender goes away, which some tests do.
        let _gone = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
    }

    pub(crate) fn answer_next(&self, statuses: impl IntoIterator<Item = u16>) {
        self.statuses.lock().unwrap().extend(statuses);
    }

    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    fn paid(&self) -> Vec<String> {
        let reference =
            |got: &Got| serde_json::from_slice::<Value>(&got.body).unwrap()["reference"].to_string();
        self.got().iter().map(reference).collect()
    }
}

const EVENT: &str = "payment_reference.completed";

impl Exchange {
    /// Sets the webhook of an account.
    pub(crate) async fn hook(&self, name: &str, url: &str, protocol: &str) {
        let settings = json!({"url": url, "secret": "my_secret_key", "protocol": protocol});
        self.try_put(name, &settings).await;
    }

    async fn try_put(&self, name: &str, settings: &Value) {
        let mut headers = self.signed(name);
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        let target = "/api/v2/persona/resource/users/webhook";
        let answer = self.send("PUT", target, &headers, settings.to_string().as_bytes()).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Sends an event of a payment reference to the merchant's webhook, and gives its number.
    pub(crate) fn tell(&self, reference: &str) -> u64 {
        let fields =
            format!(r#"{{"payment_reference_id": 7, "reference": "{reference}", "amount": "1.10"}}"#);
        self.control.send_event("merchant", EVENT, &fields).unwrap()
    }

    fn delivery(&self, number: u64) -> WebhookDelivery {
        self.control.webhooks(number - 1).remove(0)
    }

    /// Waits until a delivery is as wanted.
    async fn until(&self, number: u64, wanted: impl Fn(&WebhookDelivery) -> bool) -> WebhookDelivery {
        in_time(async {
            loop {
                let delivery = self.delivery(number);
                if wanted(&delivery) {
                    return delivery;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    pub(crate) async fn until_all_attempts_end(&self, number: u64, attempts: usize) -> WebhookDelivery {
        let ended = |delivery: &WebhookDelivery| {
            delivery.attempts.iter().filter(|attempt| attempt.end.is_some()).count() == attempts
        };
        self.until(number, ended).await
    }
}

#[tokio::test]
async fn a_delivery_is_signed_and_verified_by_the_client_s_crate() {
    let (exchange, receiver) = (Exchange::start().await, Receiver::start().await);
    exchange.hook("merchant", &receiver.url, "hmac").await;
    let number = exchange.tell("PAY-1");
    let delivery = exchange.until_all_attempts_end(number, 1).await;
    assert_eq!(delivery.state, WebhookState::Delivered);
    assert_eq!(delivery.attempts[0].end, Some(AttemptEnd::Status(200)));
    assert_eq!(delivery.receiver.as_ref().unwrap().account.as_deref(), Some("merchant"));
    let got = receiver.got().remove(0);
    assert_eq!(got.path, "/hook?shop=1");
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert!(got.header("user-agent").unwrap().starts_with("capecrypto-sandbox/"));
    assert_eq!(got.header("host").unwrap(), receiver.url.split('/').nth(2).unwrap());
    let body = r#"{"event":"payment_reference.completed","payment_reference_id":7,"reference":"PAY-1","amount":"1.10"}"#;
    assert_eq!(got.body, body);
    assert_eq!(delivery.body, body);
    assert!(got.is_signed());

    exchange.hook("merchant", &receiver.url, "plain_text").await;
    let number = exchange.tell("PAY-2");
    exchange.until_all_attempts_end(number, 1).await;
    assert_eq!(receiver.got()[1].header("x-auth-webhook"), Some("my_secret_key"));
    exchange.hook("merchant", &receiver.url, "none").await;
    let number = exchange.tell("PAY-3");
    exchange.until_all_attempts_end(number, 1).await;
    assert_eq!(receiver.got()[2].header("x-auth-webhook"), None);
    let log = format!("{:?}", exchange.control.webhooks(0));
    assert!(!log.contains("my_secret_key") && log.contains("PAY-3"));
}

#[tokio::test]
async fn a_receiver_that_refuses_is_tried_eight_times_on_the_exchange_s_clock() {
    let (exchange, receiver) = (Exchange::start().await, Receiver::start().await);
    receiver.answer_next([500, 404, 302, 300, 429, 503, 500, 500, 200]);
    exchange.hook("merchant", &receiver.url, "hmac").await;
    let number = exchange.tell("PAY-1");
    for attempts in 1..8 {
        let delivery = exchange.until_all_attempts_end(number, attempts).await;
        assert_eq!(delivery.state, WebhookState::Waiting);
        let wait_ms = delivery.next_at_ms.unwrap() - exchange.control.now_ms();
        exchange.control.advance_clock(wait_ms);
    }
    let delivery = exchange.until_all_attempts_end(number, 8).await;
    assert_eq!((delivery.state, delivery.next_at_ms), (WebhookState::GivenUp, None));
    let ended = delivery.attempts.iter().map(|attempt| attempt.ended_ms.unwrap());
    let gaps: Vec<i64> =
        ended.zip(delivery.attempts.iter().skip(1)).map(|(ended, next)| next.at_ms - ended).collect();
    assert_eq!(gaps, [30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000]);
    assert!(delivery.attempts.iter().skip(1).all(|attempt| attempt.reason == AttemptReason::Retry));
    let got = receiver.got();
    assert_eq!(got.len(), 8, "and no redirect was followed");
    assert!(got.iter().all(|one| one.path == got[0].path && one.body == got[0].body));
    exchange.control.advance_clock(100 * 3_600_000);
    exchange.control.send_webhook_again(number).unwrap();
    let delivery = exchange.until_all_attempts_end(number, 9).await;
    assert_eq!(
        (delivery.state, delivery.attempts[8].reason),
        (WebhookState::Delivered, AttemptReason::ByHand)
    );
    assert_eq!(exchange.control.send_webhook_again(9), Err(ControlError::UnknownDelivery));
}

#[tokio::test]
async fn nothing_is_sent_to_another_machine() {
    let exchange = Exchange::start().await;
    for (url, why) in [
        ("http://192.0.2.1:9/hook", "is not this machine"),
        ("http://receiver.example/hook", "is not this machine"),
        ("https://127.0.0.1:9/hook", "https needs TLS"),
    ] {
        exchange.hook("merchant", url, "hmac").await;
        let number = exchange.tell("PAY-1");
        let delivery = exchange.until_all_attempts_end(number, 1).await;
        assert_eq!((delivery.state, delivery.next_at_ms), (WebhookState::NotSent, None));
        let end = delivery.attempts[0].end.clone();
        assert!(matches!(&end, Some(AttemptEnd::NotMade(told)) if told.contains(why)), "{end:?}");
    }
    // A port where nobody listens is a failure like any other.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    exchange.hook("merchant", &format!("http://{closed}/"), "hmac").await;
    let number = exchange.tell("PAY-1");
    let delivery = exchange.until_all_attempts_end(number, 1).await;
    assert_eq!(delivery.state, WebhookState::Waiting);
    assert!(
        matches!(&delivery.attempts[0].end, Some(AttemptEnd::Failed(why)) if why.contains("cannot connect"))
    );
    // A host can be allowed, by its name.
    let receiver = Receiver::start().await;
    let exchange =
        Exchange::with(Sandbox::builder().webhook_host("Receiver.example").webhook_host("0.0.0.0")).await;
    exchange.hook("merchant", &receiver.url.replace("127.0.0.1", "0.0.0.0"), "hmac").await;
    let number = exchange.tell("PAY-1");
    assert_eq!(exchange.until_all_attempts_end(number, 1).await.state, WebhookState::Delivered);
}

#[tokio::test]
async fn faults_are_seen_by_the_receiver() {
    let (exchange, receiver) = (Exchange::start().await, Receiver::start().await);
    exchange.hook("merchant", &receiver.url, "hmac").await;
    exchange.control.disturb_webhooks(None, WebhookFault::OutOfOrder, 1);
    let (first, second) = (exchange.tell("PAY-1"), exchange.tell("PAY-2"));
    exchange.until_all_attempts_end(first, 1).await;
    exchange.until_all_attempts_end(second, 1).await;
    assert_eq!(receiver.paid(), ["\"PAY-2\"", "\"PAY-1\""]);
    exchange.control.disturb_webhooks(Some(EVENT), WebhookFault::Twice, 1);
    let twice = exchange.tell("PAY-3");
    exchange.until_all_attempts_end(twice, 2).await;
    assert_eq!(receiver.paid()[2..], ["\"PAY-3\"", "\"PAY-3\""]);
    exchange.control.disturb_webhooks(None, WebhookFault::Never, 1);
    exchange.control.disturb_webhooks(None, WebhookFault::Slow(3_600_000), 1);
    let (never, slow) = (exchange.tell("PAY-4"), exchange.tell("PAY-5"));
    assert_eq!(exchange.delivery(never).state, WebhookState::Dropped);
    assert_eq!(exchange.delivery(slow).attempts, []);
    exchange.control.advance_clock(3_600_000);
    exchange.until_all_attempts_end(slow, 1).await;
    assert_eq!(receiver.paid()[4..], ["\"PAY-5\""]);
    for fault in [WebhookFault::WrongSecret, WebhookFault::OtherBody] {
        receiver.answer_next([401]);
        exchange.control.disturb_webhooks(None, fault, 1);
        let forged = exchange.tell("PAY-6");
        exchange.until_all_attempts_end(forged, 1).await;
        let got = receiver.got().pop().unwrap();
        assert!(!got.is_signed(), "{fault:?}");
        exchange.control.advance_clock(30_000);
        exchange.until_all_attempts_end(forged, 2).await;
        let got = receiver.got().pop().unwrap();
        assert!(got.is_signed());
    }
    exchange.control.disturb_webhooks(None, WebhookFault::Never, 5);
    exchange.control.clear_faults();
    let number = exchange.tell("PAY-7");
    assert_eq!(exchange.until_all_attempts_end(number, 1).await.state, WebhookState::Delivered);
}

#[tokio::test]
async fn a_slow_receiver_does_not_hold_up_the_others() {
    let (exchange, receiver) = (Exchange::start().await, Receiver::start().await);
    // It accepts and never answers.
    let stuck = TcpListener::bind("127.0.0.1:0").await.unwrap();
    exchange.hook("aggregator", &format!("http://{}/", stuck.local_addr().unwrap()), "none").await;
    exchange.hook("merchant", &receiver.url, "none").await;
    for _ in 0..15 {
        exchange.control.send_event("aggregator", EVENT, "{}").unwrap();
    }
    let started = Instant::now();
    let number = exchange.tell("PAY-1");
    assert_eq!(exchange.until_all_attempts_end(number, 1).await.state, WebhookState::Delivered);
    assert!(started.elapsed().as_secs() < 9, "it waited for the others");
    assert!(exchange.control.webhooks(0)[..15].iter().all(|stuck| stuck.attempts[0].end.is_none()));

    let exchange = Exchange::with(Sandbox::builder().webhook_timeout(Duration::from_millis(100))).await;
    exchange.hook("merchant", &format!("http://{}/", stuck.local_addr().unwrap()), "none").await;
    let number = exchange.tell("PAY-1");
    let late = exchange.until_all_attempts_end(number, 1).await;
    assert_eq!(late.attempts[0].end, Some(AttemptEnd::Failed("no answer within 100ms".to_owned())));
    assert_eq!(late.state, WebhookState::Waiting);
}

#[tokio::test]
async fn the_door_does_the_same() {
    let (exchange, receiver) = (Exchange::start().await, Receiver::start().await);
    let door = async |method: &str, path: &str, body: Value| {
        let target = format!("/sandbox/{path}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        exchange.send(method, &target, &[], body.as_bytes()).await.unwrap()
    };
    let raw =
        r#"{"account":"merchant","event":"new.event","fields":{"z":"1.10", "a":[1, 2.50],"b":{"c d":null}}}"#;
    let sent = exchange.send("POST", "/sandbox/webhooks/send", &[], raw.as_bytes()).await.unwrap();
    assert_eq!(sent.expect(200), json!({"number": 1}));
    let log = door("GET", "webhooks/0", Value::Null).await.expect(200);
    assert_eq!(log[0]["state"], "no_receiver");
    assert_eq!(log[0]["body"], r#"{"event":"new.event","z":"1.10","a":[1,2.50],"b":{"c d":null}}"#);
    assert_eq!(log[0]["uid"], exchange.sandbox.account("merchant").unwrap().uid);
    assert_eq!(
        door("POST", "webhooks/1/again", Value::Null).await.refusal(),
        "422 sandbox.control.no_receiver"
    );
    let request = door("GET", "webhooks/1/request", Value::Null).await.expect(200);
    assert_eq!(request["headers"], json!([["Content-Type", "application/json"]]));

    exchange.hook("merchant", &receiver.url, "hmac").await;
    let fault = json!({"kind": "slow", "event": "new.event", "delay_ms": 60_000});
    door("POST", "webhooks/faults", fault).await.expect(200);
    let new = json!({"account": "merchant", "event": "new.event"});
    assert_eq!(door("POST", "webhooks/send", new).await.expect(200), json!({"number": 2}));
    let log = door("GET", "webhooks/1", Value::Null).await.expect(200);
    assert_eq!((&log[0]["fault"], &log[0]["attempts"]), (&json!({"slow": 60_000}), &json!([])));
    assert_eq!(log[0]["receiver"], json!({"account": "merchant", "url": receiver.url, "protocol": "hmac"}));
    door("POST", "webhooks/2/again", Value::Null).await.expect(200);
    exchange.until_all_attempts_end(2, 1).await;
    let log = door("GET", "webhooks/1", Value::Null).await.expect(200);
    assert_eq!((&log[0]["state"], &log[0]["attempts"][0]["status"]), (&json!("delivered"), &json!(200)));
    assert_eq!(log[0]["attempts"][0]["reason"], "by_hand");
    let request = door("GET", "webhooks/2/request", Value::Null).await.expect(200);
    let got = receiver.got().remove(0);
    assert_eq!(request["headers"][1], json!(["X-Auth-Webhook", got.header("x-auth-webhook")]));
    assert_eq!(
        (&request["url"], got.body),
        (&json!(receiver.url), Bytes::from_static(b"{\"event\":\"new.event\"}"))
    );

    for (path, body, code) in [
        ("webhooks/send", json!({"account": "nobody", "event": "x"}), "unknown_account"),
        ("webhooks/send", json!({"account": "merchant", "event": ""}), "invalid_event"),
        ("webhooks/send", json!({"account": "merchant", "event": "x", "fields": [1]}), "invalid_event"),
        (
            "webhooks/send",
            json!({"account": "merchant", "event": "x", "fields": {"event": 1}}),
            "invalid_event",
        ),
        ("webhooks/9/again", Value::Null, "unknown_delivery"),
        ("webhooks/x/again", Value::Null, "invalid_request"),
        ("webhooks/faults", json!({"kind": "slow"}), "invalid_request"),
    ] {
        assert_eq!(door("POST", path, body).await.refusal(), format!("422 sandbox.control.{code}"));
    }
    assert_eq!(
        door("GET", "webhooks/9/request", Value::Null).await.refusal(),
        "422 sandbox.control.unknown_delivery"
    );
}

#[tokio::test]
async fn a_replayed_record_sends_nothing() {
    let (file, receiver) = (Temporary::new("webhooks"), Receiver::start().await);
    let exchange = Exchange::with(Sandbox::builder().record(file.path())).await;
    exchange.hook("merchant", &receiver.url, "hmac").await;
    receiver.answer_next([200, 500]);
    let (delivered, waiting) = (exchange.tell("PAY-1"), exchange.tell("PAY-2"));
    exchange.until_all_attempts_end(delivered, 1).await;
    exchange.until_all_attempts_end(waiting, 1).await;
    let before = exchange.control.webhooks(0);
    exchange.sandbox.shutdown().await;

    let exchange = Exchange::with(Sandbox::builder().replay(file.path())).await;
    assert_eq!(exchange.control.webhooks(0), before);
    exchange.control.advance_clock(60_000);
    let number = before.iter().find(|one| one.state == WebhookState::Waiting).unwrap().number;
    let delivery = exchange.until_all_attempts_end(number, 2).await;
    assert!(
        matches!(&delivery.attempts[1].end, Some(AttemptEnd::NotMade(why)) if why.contains("replayed record"))
    );
    // What happens after the replay is sent.
    let new = exchange.tell("PAY-3");
    exchange.until_all_attempts_end(new, 1).await;
    assert_eq!(receiver.got().len(), 3);
    exchange.control.send_webhook_again(number).unwrap();
    assert_eq!(exchange.until_all_attempts_end(number, 3).await.state, WebhookState::Delivered);
}
