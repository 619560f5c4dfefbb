//! The handshake of a websocket, with the client's settings for proxy, TLS and DNS.

use crate::{
    Call, Client, Error, Kind, Method, Outcome, Upgraded, body,
    connection::RequestBody,
    motion::Motion,
    outgoing::{Content, Outgoing},
    prepare,
    transport::{self, Attempt, Trace},
};
use capecrypto_auth::Service;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::pin::pin;
use tokio::time::Instant;

/// A handshake that [`Client::upgrade`] makes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Upgrade {
    /// The service to connect to.
    pub service: Service,
    /// Path below the service's path, such as `/public`.
    pub path: &'static str,
    /// Query string, exactly as it is sent in the request line.
    pub query: String,
    /// Whether it is signed.
    pub signed: bool,
    /// Headers of the protocol to upgrade to.
    pub headers: Vec<(&'static str, String)>,
}

impl Upgrade {
    /// A handshake without query, signature and headers.
    pub fn new(service: Service, path: &'static str) -> Self {
        Self { service, path, query: String::new(), signed: false, headers: Vec::new() }
    }
}

/// An accepted handshake.
struct Opened {
    headers: HeaderMap,
    connection: Upgraded,
    attempts: u32,
}

impl Trace for Opened {
    fn trace(&self) -> (u16, u32) {
        (101, self.attempts)
    }
}

impl Client {
    /// Makes a handshake, and returns the answer's headers and the open connection.
    ///
    /// If the exchange refuses the nonce, the handshake is signed again and repeated once. Any other retry is left to the
    /// caller, who knows how often it was tried before. The query is sent as it is.
    ///
    /// # Errors
    /// As [`send`](Self::send); an answer other than `101` is an error with its status and codes.
    pub async fn upgrade(&self, upgrade: &Upgrade) -> Result<(HeaderMap, Upgraded), Error> {
        let mut call = Call::new("upgrade", upgrade.service, Method::Get, upgrade.path);
        call.signed = upgrade.signed;
        let path = format!("{}{}", self.environment().path(upgrade.service), upgrade.path);
        let path_and_query = prepare::join(path, &upgrade.query);
        let acting_as = self.acting_for(call)?;
        self.shared.check_runtime(call)?;
        if self.shared.replays() {
            let what = "a recording cannot replay a websocket; test against capecrypto-sandbox, which runs in the same process";
            return Err(Error::new(Kind::NotRecorded, Outcome::NotSent, what).with_call(call));
        }
        let outgoing = Outgoing {
            call,
            path_and_query,
            content: Content::Nothing,
            acting_as,
            hint: |_| None,
            idempotent: true,
            same_key: false,
            urgent: false,
            secrets: Vec::new(),
        };
        let work = pin!(self.handshake_with_retry(&outgoing, upgrade));
        transport::traced(call, work).await.map(|Opened { headers, connection, .. }| (headers, connection))
    }

    async fn handshake_with_retry(&self, outgoing: &Outgoing, upgrade: &Upgrade) -> Result<Opened, Error> {
        let mut attempts = 1;
        loop {
            match self.handshake(outgoing, upgrade).await {
                Attempt::Success((headers, connection)) => {
                    return Ok(Opened { headers, connection, attempts });
                }
                Attempt::Expired(_) if attempts == 1 => attempts += 1,
                Attempt::Expired(error) | Attempt::Failed(error) => {
                    return Err(self.shared.add_context(error, outgoing).with_attempts(attempts));
                }
            }
        }
    }

    async fn handshake(&self, outgoing: &Outgoing, upgrade: &Upgrade) -> Attempt<(HeaderMap, Upgraded)> {
        let mut headers = HeaderMap::new();
        if upgrade.signed {
            match self.shared.sign(outgoing).await {
                Ok(signed) => headers = signed,
                Err(error) => return Attempt::Failed(error),
            }
        }
        for (name, value) in &upgrade.headers {
            match (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
                (Ok(name), Ok(value)) => headers.insert(name, value),
                _ => return Attempt::Failed(Error::config(format!("the header {name} cannot be sent"))),
            };
        }
        let limit = self.shared.timeouts.connect + self.shared.timeouts.connect;
        match tokio::time::timeout(limit, self.shake_hands(outgoing, headers)).await {
            Ok(attempt) => attempt,
            Err(_) => Attempt::Failed(Error::new(
                Kind::Timeout,
                Outcome::Unknown,
                "no answer to the handshake in time; check the network and the address of the stream",
            )),
        }
    }

    async fn shake_hands(&self, outgoing: &Outgoing, headers: HeaderMap) -> Attempt<(HeaderMap, Upgraded)> {
        let sent = Instant::now();
        let sockets = &self.shared.sockets;
        let request =
            sockets.request(http::Method::GET, &outgoing.path_and_query, headers, RequestBody::empty());
        let answered = match request {
            Ok(request) => sockets.upgrade(request).await,
            Err(error) => Err(error),
        };
        let (head, answer) = match answered {
            Ok((head, Ok(connection))) => return Attempt::Success((head.headers, connection)),
            Ok((head, Err(answer))) => (head, answer),
            Err(error) => return Attempt::Failed(error),
        };
        let came = self.shared.came(sent, Instant::now());
        let status = head.status;
        let body = match body::read(answer, status, &Motion::new()).await {
            Ok(body) => body,
            Err(error) => return Attempt::Failed(error.with_status(status)),
        };
        if (200..300).contains(&status) {
            let error = Error::answer(Kind::Unexpected, Outcome::Unknown, status, Vec::new(), body);
            return Attempt::Failed(error);
        }
        self.shared.classify(outgoing, &head, &body, came)
    }
}
