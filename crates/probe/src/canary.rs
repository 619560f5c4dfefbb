//! Lets calls fail, and searches errors and log for their sensitive arguments.

use capecrypto_rest::{Client, Error};
use capecrypto_sandbox::{Fault, FaultKind, Sandbox};
use std::{
    error::Error as _,
    fmt::{Debug, Write},
    pin::Pin,
    sync::{Arc, Mutex},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Sends a call and gives its error.
type Send = dyn Fn(Client) -> Pin<Box<dyn Future<Output = Option<Error>>>>;

/// Where a call is sent.
pub(crate) struct Target<'a> {
    /// Makes a client.
    pub(crate) client: &'a dyn Fn(&Sandbox) -> Client,
    /// Lets the next call fail.
    pub(crate) inject: fn(&Sandbox, Fault),
    /// The secret that the client signs with.
    pub(crate) secret: fn(&Sandbox) -> String,
}

/// Fails if an error of the call, or a line of the log, shows one of the secrets, or the one that signs.
pub(crate) async fn check(call: &str, secrets: &[String], target: &Target<'_>, send: &Send) {
    let log = Log::default();
    let sandbox = Sandbox::start().await.unwrap();
    let mut secrets = secrets.to_vec();
    secrets.push((target.secret)(&sandbox));
    let mut printed = String::new();
    {
        let _guard = tracing::subscriber::set_default(log.clone());
        for fault in faults(&secrets) {
            (target.inject)(&sandbox, Fault::next(fault));
            // A new client each time, so that no failure has an effect on the next one.
            let error = send((target.client)(&sandbox)).await;
            let Some(error) = error else { continue };
            write!(printed, "{error} {error:?} {error:#?}").unwrap();
            let mut cause = error.source();
            while let Some(error) = cause {
                write!(printed, " {error} {error:?}").unwrap();
                cause = error.source();
            }
        }
    }
    sandbox.shutdown().await;
    let logged = log.0.lock().unwrap().clone();
    assert!(
        logged.contains("span call") && !printed.is_empty(),
        "{call}: nothing was sent, or nothing failed"
    );
    for secret in &secrets {
        assert!(!printed.contains(secret), "{call}: an error shows {secret:?}: {printed}");
        let line = logged.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{call}: the log shows {secret:?}");
    }
}

/// Answers that quote the secrets, and a broken connection.
fn faults(secrets: &[String]) -> Vec<FaultKind> {
    let all = serde_json::Value::from(secrets).to_string();
    let bodies = [
        (200, all.clone()),
        (200, format!(r#"{{"id":{all}}}"#)),
        (422, format!(r#"{{"errors":{all}}}"#)),
        (422, format!(r#"{{"errors":["market.order.create_error"],"seen":{all}}}"#)),
        (422, format!(r#"{{"error":{{"message":{all}}}}}"#)),
        (400, format!(r#"{{"code":"PA007","message":{all}}}"#)),
        (400, format!(r#"{{"code":"PA007","message":"no {}"}}"#, secrets.join(" and "))),
        (500, all),
    ];
    let answers = bodies.map(|(status, body)| FaultKind::Answer {
        status,
        body,
        content_type: Some("application/json".to_owned()),
    });
    answers.into_iter().chain([FaultKind::ResetBeforeApply]).collect()
}

/// Writes down every span and event of every crate, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0, "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut text = self.0.lock().unwrap();
        writeln!(text, "span {}", attributes.metadata().name()).unwrap();
        attributes.record(&mut Fields(&mut text));
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut Fields(&mut self.0.lock().unwrap()));
    }
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        event.record(&mut Fields(&mut self.0.lock().unwrap()));
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
