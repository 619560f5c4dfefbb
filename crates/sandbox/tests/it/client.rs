//! A small client: signed HTTP calls and websockets. The caller can set every header.

use capecrypto_sandbox::{Account, Builder, Control, Profile, Sandbox};
use capecrypto_testkit::{Fault, Spec, assert_no_findings, probe};
use futures_util::{SinkExt, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::Sha256;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    future::Future,
    sync::LazyLock,
    time::{Duration, Instant},
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, client::IntoClientRequest},
};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const API: &str = "/api/v2/atlas";

/// An answer of the server.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status and codes as one text, such as `422 code,code`.
    #[track_caller]
    pub(crate) fn refusal(&self) -> String {
        let errors = &self.json()["errors"];
        let codes = errors.as_array().unwrap_or_else(|| panic!("{self:?}"));
        let codes: Vec<_> = codes.iter().map(|code| code.as_str().unwrap()).collect();
        format!("{} {}", self.status, codes.join(","))
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }
}

/// Holds an answer of the current version against the spec, whatever the test is about.
fn as_described(method: &str, target: &str, answer: &Answer) {
    static SPEC: LazyLock<Spec> = LazyLock::new(Spec::cape);
    let path = target.split('?').next().unwrap_or_default();
    let path = [API, "/api/v2/persona", "/api/v2/verification", "/api/v2"]
        .into_iter()
        .find_map(|prefix| path.strip_prefix(prefix));
    let Some(path) = path else { return };
    // Where two paths fit, the one without parameters is meant.
    let fits = |template: &str| {
        let (wanted, given) = (template.split('/'), path.split('/'));
        wanted.clone().count() == given.clone().count()
            && wanted.zip(given).all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
    };
    let calls = SPEC.operations.iter().filter(|call| call.method == method && fits(&call.path));
    let Some(call) = calls.min_by_key(|call| call.path.matches('{').count()) else { return };
    let is_json = answer.headers.get("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    match answer.status {
        200..300 if is_json => {
            let headers = answer.headers.keys().map(String::as_str);
            let mut findings = probe::answer(&SPEC, &call.id, answer.status, headers, answer.text.as_bytes());
            findings.retain(|finding| finding.fault != Fault::ProvesNothing);
            assert_no_findings(findings);
        }
        // A path that is no call at all is answered with a bare text.
        400..500 if answer.text.starts_with('{') => {
            assert!(call.answer(answer.status).is_some(), "{}: the spec does not say: {answer:?}", call.id);
        }
        _ => {}
    }
}

/// A sandbox and calls to it.
pub(crate) struct Exchange {
    pub(crate) sandbox: Sandbox,
    pub(crate) control: Control,
}

impl Exchange {
    pub(crate) async fn start() -> Self {
        Self::with(Sandbox::builder()).await
    }

    pub(crate) async fn with(builder: Builder) -> Self {
        let sandbox = builder.start().await.unwrap();
        let control = sandbox.control();
        Self { sandbox, control }
    }

    /// The three headers, signed with the exchange's time.
    pub(crate) fn signed(&self, name: &str) -> Vec<(String, String)> {
        sign(&self.sandbox.account(name).unwrap(), &self.control.now_ms().to_string())
    }

    /// A public GET; the path has no prefix.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", &format!("{API}{path}"), &[], b"").await.unwrap()
    }

    /// A signed GET.
    pub(crate) async fn get_as(&self, name: &str, path: &str) -> Answer {
        self.send("GET", &format!("{API}{path}"), &self.signed(name), b"").await.unwrap()
    }

    /// A signed POST with a JSON body.
    pub(crate) async fn post_as(&self, name: &str, path: &str, body: &Value) -> Answer {
        self.try_post(name, path, body).await.unwrap()
    }

    /// A signed POST; an error if the connection breaks.
    pub(crate) async fn try_post(&self, name: &str, path: &str, body: &Value) -> Result<Answer, String> {
        let mut headers = self.signed(name);
        headers.push(("Content-Type".into(), "application/json;charset=utf-8".into()));
        self.send("POST", &format!("{API}{path}"), &headers, body.to_string().as_bytes()).await
    }

    /// Any request, on a new connection.
    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Answer, String> {
        let answer = request(&self.sandbox.address().to_string(), method, target, headers, body).await?;
        if self.sandbox.profile() == Profile::Docs {
            as_described(method, target, &answer);
        }
        Ok(answer)
    }

    /// Places an order, which must be accepted, and waits until it is no longer `pending`. Returns its id.
    pub(crate) async fn place(&self, name: &str, order: Value) -> u64 {
        let id = self.post_as(name, "/market/orders", &order).await.expect(201)["id"].as_u64().unwrap();
        self.order_in(name, id, |state| state != "pending").await;
        id
    }

    /// Polls an order until it has a wanted state.
    pub(crate) async fn order_in(&self, name: &str, id: u64, wanted: impl Fn(&str) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let order = self.get_as(name, &format!("/market/orders/{id}")).await.expect(200);
            if wanted(order["state"].as_str().unwrap()) {
                return order;
            }
            assert!(started.elapsed() < PATIENCE, "still {order}");
            tokio::task::yield_now().await;
        }
    }

    /// An account's balance of a currency: available, locked.
    pub(crate) async fn balance(&self, name: &str, currency: &str) -> (String, String) {
        let balance = self.get_as(name, &format!("/account/balances/{currency}")).await.expect(200);
        assert_eq!(balance["currency"], currency);
        (text(&balance["balance"]), text(&balance["locked"]))
    }

    /// Opens a websocket; the path is without `/api/v2`. The error is the answer to a refused handshake.
    pub(crate) async fn socket(&self, path: &str, headers: &[(String, String)]) -> Result<Socket, Answer> {
        let url = format!("ws://{}/api/v2{path}", self.sandbox.address());
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(self.sandbox.address()).await.unwrap();
        match in_time(tokio_tungstenite::client_async(request, stream)).await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(Error::Http(response)) => Err(Answer {
                status: response.status().as_u16(),
                headers: BTreeMap::new(),
                text: String::from_utf8(response.body().clone().unwrap_or_default()).unwrap(),
            }),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn public(&self, query: &str) -> Socket {
        self.socket(&format!("/websocket/public{query}"), &[]).await.unwrap()
    }

    pub(crate) async fn private(&self, name: &str, query: &str) -> Socket {
        self.socket(&format!("/websocket/private{query}"), &self.signed(name)).await.unwrap()
    }
}

/// A websocket from the client's side.
pub(crate) struct Socket(pub(crate) WebSocketStream<TcpStream>);

impl Socket {
    /// The next text frame; `None` if the connection ended without a close frame.
    pub(crate) async fn text(&mut self) -> Option<String> {
        loop {
            match in_time(self.0.next()).await {
                Some(Ok(Message::Text(text))) => return Some(text.to_string()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("{other:?} instead of a text"),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next frame's topic and body.
    pub(crate) async fn next(&mut self) -> (String, Value) {
        let text = self.text().await.expect("the connection ended");
        let frame: BTreeMap<String, Value> = serde_json::from_str(&text).expect(&text);
        assert_eq!(frame.len(), 1, "{text}");
        frame.into_iter().next().unwrap()
    }

    /// The next frame of that topic; others are skipped.
    pub(crate) async fn next_of(&mut self, topic: &str) -> Value {
        loop {
            let (got, body) = self.next().await;
            if got == topic {
                return body;
            }
        }
    }

    /// Sends a text without waiting for an answer.
    pub(crate) async fn send(&mut self, text: &str) {
        in_time(self.0.send(Message::text(text))).await.unwrap();
    }

    /// Sends a subscription request. Returns the frames before the confirmation, and the confirmed streams.
    pub(crate) async fn request(
        &mut self,
        event: &str,
        streams: &[&str],
    ) -> (Vec<(String, Value)>, Vec<String>) {
        self.send(&serde_json::json!({ "event": event, "streams": streams }).to_string()).await;
        self.until_confirmed().await
    }

    /// Everything up to the next confirmation, and the streams it names.
    pub(crate) async fn until_confirmed(&mut self) -> (Vec<(String, Value)>, Vec<String>) {
        let mut before = Vec::new();
        loop {
            let (topic, body) = self.next().await;
            match body["streams"].as_array() {
                Some(streams) if topic == "success" => return (before, streams.iter().map(text).collect()),
                _ => before.push((topic, body)),
            }
        }
    }

    /// The code of the close frame; `None` if the connection ended without one.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            match in_time(self.0.next()).await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }
}

/// Any request to an address, on a new connection.
pub(crate) async fn request(
    address: &str,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<Answer, String> {
    let work = async {
        let stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(target).header("Host", address);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers.iter().map(header).collect(),
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        })
    };
    in_time::<Result<_, String>>(work).await
}

/// The three headers for a nonce.
pub(crate) fn sign(account: &Account, nonce: &str) -> Vec<(String, String)> {
    let mut mac = Hmac::<Sha256>::new_from_slice(account.secret.as_bytes()).unwrap();
    mac.update(format!("{nonce}{}", account.api_key).as_bytes());
    let signature = mac.finalize().into_bytes().iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    [("X-Auth-Apikey", account.api_key.as_str()), ("X-Auth-Nonce", nonce), ("X-Auth-Signature", &signature)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// A limit order in btczar.
pub(crate) fn limit(side: &str, volume: &str, price: &str) -> Value {
    serde_json::json!({
        "market": "btczar", "side": side, "volume": volume, "ord_type": "limit", "price": price
    })
}

/// A market order in btczar.
pub(crate) fn market(side: &str, volume: &str) -> Value {
    serde_json::json!({ "market": "btczar", "side": side, "volume": volume, "ord_type": "market" })
}

#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not a text")).to_owned()
}

/// Waits for the result; the test fails if it takes too long.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("it took too long")
}
