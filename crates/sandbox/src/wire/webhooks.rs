//! Sends the webhooks that are due, several at a time, and reports the end of each attempt.

use crate::{
    base::config::Config,
    client::{self, Answer, Limits, NoAnswer},
    exchange::webhooks::{
        delivery::{AttemptEnd, Outgoing, Request},
        signature::HEADER,
    },
    host::Host,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::sync::Arc;
use tokio::task::JoinSet;

/// How many attempts are on their way at most.
const AT_ONCE: usize = 16;
/// How much of an answer is read; it is thrown away.
const MOST_OF_ANSWER: usize = 64 * 1024;

/// Sends what is due until the host stops. Attempts that are on their way then are not reported.
pub(crate) async fn run(host: Arc<Host>) {
    let mut attempts = JoinSet::new();
    loop {
        while attempts.len() < AT_ONCE {
            let Some(outgoing) = host.next_attempt() else { break };
            attempts.spawn(attempt(Arc::clone(&host), outgoing));
        }
        tokio::select! {
            () = host.stopped() => return,
            () = host.attempt_is_due(), if attempts.len() < AT_ONCE => {}
            Some(_) = attempts.join_next() => {}
        }
    }
}

async fn attempt(host: Arc<Host>, outgoing: Outgoing) {
    let Outgoing { delivery, attempt, request, .. } = outgoing;
    let end = match post(&host, request).await {
        Ok(Answer { status, .. }) => AttemptEnd::Status(status.as_u16()),
        Err(NoAnswer::NotMade(why)) => AttemptEnd::NotMade(why),
        Err(NoAnswer::Failed(why)) => AttemptEnd::Failed(why),
    };
    host.end_attempt(delivery, attempt, end);
}

async fn post(host: &Host, request: Request) -> Result<Answer, NoAnswer> {
    let Request { url, header, body } = request;
    let headers = headers(header.as_deref()).ok_or_else(|| {
        NoAnswer::NotMade(
            "the secret has a character that a header cannot have; set another secret".to_owned(),
        )
    })?;
    let Config { webhook_hosts: hosts, webhook_timeout, .. } = &host.config;
    let limits = Limits { hosts, most: MOST_OF_ANSWER, longest: *webhook_timeout };
    client::send(Method::POST, &url, headers, body.into(), limits).await
}

/// The headers of a delivery; `None` if the value cannot be sent.
pub(crate) fn headers(value: Option<&str>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(value) = value {
        let mut value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(HEADER.as_bytes()).ok()?, value);
    }
    Some(headers)
}
