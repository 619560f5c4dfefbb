//! Holds every call of this crate against the specification, `docs/api/cape.openapi.yaml`.

use crate::{account, public, trading};
use capecrypto_auth::{Credentials, Environment};
use capecrypto_models::Timestamp;
use capecrypto_rest::{Call, Client, Endpoint, Error, FromResponse, Head, Kind, Prepared};
use capecrypto_testkit::{Complaint, Covered, Fixtures, Sent, Spec, assert_no_complaints, probe};
use serde::Serialize;
use std::pin::Pin;

/// Two samples of a request, beside its type: the probe sends both on paper.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no samples for the check against the specification",
    note = "add `impl Samples for {Self}` to the `samples` module of its section's file"
)]
pub(crate) trait Samples {
    /// Only what is required.
    fn smallest() -> Self;
    /// Every parameter there is.
    fn fullest() -> Self;
    /// Optional parameters that the request makes by itself where none is given.
    const MADE: &[&str] = &[];
}

/// Minutes after a certain time, for samples.
pub(crate) fn time(minutes: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000 + 60 * minutes).unwrap()
}

pub(crate) struct Probe {
    spec: Spec,
    fixtures: Fixtures,
    complaints: Vec<Complaint>,
    seen: Vec<String>,
    /// Sends both samples of each call to an exchange.
    sending: Vec<Box<dyn Fn(Client) -> Sending>>,
}

type Sending = Pin<Box<dyn Future<Output = Vec<Error>>>>;

impl Probe {
    fn new() -> Self {
        let mut probe = Self {
            spec: Spec::cape(),
            fixtures: Fixtures::cape(),
            complaints: Vec::new(),
            seen: Vec::new(),
            sending: Vec::new(),
        };
        public::probe(&mut probe);
        trading::probe(&mut probe);
        account::probe(&mut probe);
        probe
    }

    pub(crate) fn call<E: Endpoint + Samples + 'static>(&mut self)
    where
        E::Response: Serialize,
    {
        let Call { service, method, path, signed, idempotent, .. } = E::CALL;
        // A call that the specification does not have is `every_call_is_in_the_specification`'s to report.
        let Some(id) = self.spec.find(service.name(), method, path).map(|operation| operation.id.clone())
        else {
            return;
        };
        let name = std::any::type_name::<E>();
        let (mut smallest, fullest) = (sent(&E::smallest()), sent(&E::fullest()));
        without(&mut smallest, E::MADE);
        let read = |body: &[u8]| {
            let answer = E::Response::from_response(&head(), body).map_err(|error| error.to_string())?;
            // A list shows its other rows; here each has to be read.
            if let [row, ..] = answer.unreadable() {
                return Err(row.to_string());
            }
            serde_json::to_value(answer).map_err(|error| error.to_string())
        };
        self.complaints.extend(probe::described(&self.spec, &id, name, signed, idempotent));
        self.complaints.extend(probe::request(&self.spec, &id, &smallest, &fullest));
        self.complaints.extend(probe::response(&self.spec, &self.fixtures, &id, &read));
        self.seen.push(id);
        self.sending.push(Box::new(|client| {
            Box::pin(async move {
                let mut errors = Vec::new();
                for sample in [E::smallest(), E::fullest()] {
                    errors.extend(client.send(sample).await.err());
                }
                errors
            })
        }));
    }
}

/// An answer without headers: what they hold is not needed to read the body.
fn head() -> Head {
    Head::new(200, http::HeaderMap::new())
}

fn sent<E: Endpoint>(request: &E) -> Sent {
    let environment = Environment::live();
    let prepared = Prepared::new(request, &environment).unwrap();
    let prefix = environment.path(prepared.call.service);
    Sent {
        method: prepared.call.method.to_owned(),
        service: prepared.call.service.name().to_owned(),
        path: prepared.path.strip_prefix(prefix).unwrap().to_owned(),
        query: url::form_urlencoded::parse(prepared.query.as_bytes()).into_owned().collect(),
        body: prepared.body.map(|body| serde_json::from_slice(&body).unwrap()),
    }
}

/// The same without what the request made by itself, which has to be there.
fn without(sent: &mut Sent, made: &[&str]) {
    for name in made {
        let body = sent.body.as_mut().and_then(serde_json::Value::as_object_mut);
        assert!(body.is_some_and(|body| body.remove(*name).is_some()), "{name} was not made");
    }
}

fn all_calls() -> impl Iterator<Item = Call> {
    [public::CALLS, trading::CALLS, account::CALLS].into_iter().flatten().copied()
}

#[test]
fn every_call_is_in_the_specification() {
    let calls = all_calls().map(|call| (call.service.name(), call.method, call.path));
    assert_no_complaints(probe::calls(&Spec::cape(), "crates/exchange", calls));
}

#[test]
fn the_sandbox_serves_the_same_calls() {
    let calls = capecrypto_sandbox::calls();
    // What only the older version serves, for clients other than ours, is not in the specification.
    let calls = calls.iter().filter(|call| call.only.is_none());
    let calls = calls.map(|call| (call.service, call.method, call.path));
    assert_no_complaints(probe::calls(&Spec::cape(), "crates/sandbox", calls));
}

#[test]
fn requests_and_answers_are_as_specified() {
    let mut probe = Probe::new();
    probe.complaints.extend(probe::covered(&probe.spec, Covered::Responses, &probe.seen));
    probe.complaints.extend(probe::covered(&probe.spec, Covered::Requests, &probe.seen));
    probe.complaints.extend(probe::fixtures(&probe.spec, &probe.fixtures));
    assert_no_complaints(probe.complaints);
}

/// What the sandbox answers can be read, or is a refusal in its own words: of an order that does not exist, say.
#[tokio::test]
async fn the_sandbox_understands_every_sample_and_is_understood() {
    let sandbox = capecrypto_sandbox::Sandbox::start().await.unwrap();
    let account = sandbox.account("maker").unwrap();
    let credentials = Credentials::new(&account.api_key, &account.secret).unwrap();
    let client = Client::builder(Environment::local(sandbox.origin()).unwrap()).credentials(credentials);
    let client = client.build().unwrap();
    let probe = Probe::new();
    assert_eq!(probe.sending.len(), all_calls().count());
    for send in &probe.sending {
        for error in send(client.clone()).await {
            let known = matches!(error.kind(), Kind::NotFound | Kind::Refused) && !error.codes().is_empty();
            assert!(
                known,
                "{error}\n    to mend: the handler in crates/sandbox/src/http, or the model that reads it"
            );
            let missing = error.codes().iter().find(|code| code.contains("missing_"));
            assert_eq!(missing, None, "the sandbox misses what was sent: {error}");
        }
    }
}

#[test]
fn the_documents_own_requests_can_be_sent() {
    let spec = Spec::cape();
    let fixtures = Fixtures::cape();
    let sample = sent(&trading::CreateOrder::fullest());
    assert_no_complaints(probe::request_fixture(&spec, &fixtures, "create_order", "request", &sample));
    let sub_account = trading::CreateOrder::limit(
        "btczar",
        capecrypto_models::Side::Buy,
        capecrypto_models::Decimal::new(1, 5),
        capecrypto_models::Decimal::from(750_000),
    );
    let mut sample = sent(&sub_account);
    without(&mut sample, trading::CreateOrder::MADE);
    assert_no_complaints(probe::request_fixture(
        &spec,
        &fixtures,
        "create_order",
        "request_as_sub_account",
        &sample,
    ));
}
