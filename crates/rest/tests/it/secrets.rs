//! Canaries: no error and no log holds a secret.

use crate::calls::{CreateOrder, ListOrders, client, get};
use std::{
    fmt::Write,
    sync::{Arc, Mutex},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

/// Writes down every span and event of every crate, at every level.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<String>>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0, "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Recorder {
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

#[tokio::test]
async fn neither_errors_nor_logs_show_keys_queries_or_bodies() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let mut printed = String::new();
    for (status, body) in [
        (200, r#"{"id":"canary-body"}"#),
        (422, r#"{"errors":["market.order.create_error"],"pin":"canary-body"}"#),
        (422, r#"{"canary-body":1}"#),
        (422, r#"{"errors":["voucher canary-body of Jane Canary is used","canary-body","a.1234567890123"]}"#),
        (500, "canary-body"),
        (302, "canary-body"),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status)
            .set_body_string(body)
            .insert_header("location", "http://canary-host/");
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let client = client(&server);
        let request = ListOrders { market: Some("canary-query".to_owned()), ..ListOrders::default() };
        let errors = [
            client.send(request).await.unwrap_err(),
            client.send(CreateOrder::new()).await.unwrap_err(),
            client.acting_as("canary-uid").send(get("canary-id")).await.unwrap_err(),
        ];
        let key = &server.received_requests().await.unwrap()[0].headers["x-auth-signature"].clone();
        for error in errors {
            write!(printed, "{error} {error:?} {error:#?} {client:?}").unwrap();
            let mut cause: Option<&dyn std::error::Error> = Some(&error);
            while let Some(error) = cause {
                write!(printed, "{error} {error:?}").unwrap();
                cause = error.source();
            }
        }
        assert!(!printed.contains(key.to_str().unwrap()));
    }
    assert!(!printed.to_lowercase().contains("canary") && !printed.contains("1234567890123"), "{printed}");
    let logged = recorder.0.lock().unwrap().clone();
    assert!(
        logged.contains("span call")
            && logged.contains("call=\"CreateOrder\"")
            && logged.contains("outcome="),
        "{logged}"
    );
    assert!(!logged.contains("canary-secret") && !logged.contains("canary-body"), "{logged}");
    let ours: Vec<_> = logged.lines().filter(|line| line.contains("canary")).collect();
    assert!(ours.is_empty(), "{ours:?}");
}

#[tokio::test]
async fn a_broken_connection_shows_no_url() {
    let client = crate::calls::client_at("http://127.0.0.1:9");
    let request = ListOrders { market: Some("canary-query".to_owned()), ..ListOrders::default() };
    let error = client.send(request).await.unwrap_err();
    let mut printed = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(deeper) = cause {
        write!(printed, "{deeper} {deeper:?}").unwrap();
        cause = deeper.source();
    }
    assert!(!printed.contains("canary"), "{printed}");
}
