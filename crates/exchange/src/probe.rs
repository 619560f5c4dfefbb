//! Holds every call of this crate against the specification, `docs/api/cape.openapi.yaml`.

use crate::{
    account, public,
    trading::{self, CreateOrder},
};
use capecrypto_auth::{Credentials, Environment};
use capecrypto_models::{OrderId, Side, Timestamp, dec};
use capecrypto_rest::{
    Accept, Call, Client, Endpoint, Error, FromResponse, Head, Kind, Prepared, RawReply, Repeat,
};
use capecrypto_testkit::{
    Complaint, Covered, Fixtures, Sent, Spec, assert_no_complaints,
    probe::{self, Who},
};
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
    /// What an exchange in the state of the [`Seed`] answers with a full row.
    fn answered(_: &Seed) -> Self
    where
        Self: Sized,
    {
        Self::smallest()
    }
    /// Optional parameters that the request makes by itself where none is given.
    const MADE: &[&str] = &[];
}

/// Minutes after a certain time, for samples.
pub(crate) fn time(minutes: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000 + 60 * minutes).unwrap()
}

/// What the exchange was made to hold, so that no answer is empty.
pub(crate) struct Seed {
    /// An own limit order with a name and a fill; what is left of it rests in the book.
    pub(crate) filled: OrderId,
    /// An own beneficiary.
    pub(crate) beneficiary: u64,
    /// An own open order.
    pub(crate) to_cancel: OrderId,
}

pub(crate) struct Probe {
    spec: Spec,
    fixtures: Fixtures,
    complaints: Vec<Complaint>,
    seen: Vec<String>,
    /// Sends both samples of each call to an exchange.
    sending: Vec<TwoSamples>,
    /// Asks an exchange that was brought into a certain state: the call, its status and its body.
    asking: Vec<(String, Asking)>,
}

type Sending<T> = Pin<Box<dyn Future<Output = T>>>;
type TwoSamples = Box<dyn Fn(Client) -> Sending<Vec<Error>>>;
type Asking = Box<dyn Fn(Client, &Seed) -> Sending<Result<RawReply, Error>>>;

impl Probe {
    fn new() -> Self {
        let mut probe = Self {
            spec: Spec::cape(),
            fixtures: Fixtures::cape(),
            complaints: Vec::new(),
            seen: Vec::new(),
            sending: Vec::new(),
            asking: Vec::new(),
        };
        public::probe(&mut probe);
        trading::probe(&mut probe);
        account::probe(&mut probe);
        account::methods::probe(&mut probe);
        account::beneficiaries::probe(&mut probe);
        account::transactions::probe(&mut probe);
        probe
    }

    pub(crate) fn call<E: Endpoint + Samples + 'static>(&mut self)
    where
        E::Response: Serialize,
    {
        let Call { service, method, path, signed, repeat, paged, .. } = E::CALL;
        let idempotent = repeat == Repeat::Safely;
        // A call that the specification does not have is `every_call_is_in_the_specification`'s to report.
        let Some(id) =
            self.spec.find(service.name(), method.as_str(), path).map(|operation| operation.id.clone())
        else {
            return;
        };
        let name = std::any::type_name::<E>();
        let (mut smallest, fullest) = (sent(&E::smallest()), sent(&E::fullest()));
        self.complaints.extend(probe::only(
            &self.spec,
            &id,
            Prepared::new(&E::fullest(), &legacy()).err().map(|refused| refused.all()[0].argument.clone()),
        ));
        without(&mut smallest, E::MADE);
        let read = |body: &[u8]| {
            let answer = E::Response::from_response(&head(), &body.to_vec().into())
                .map_err(|error| error.to_string())?;
            // A list shows its other rows; here each has to be read.
            if let [row, ..] = answer.unreadable() {
                return Err(row.to_string());
            }
            serde_json::to_value(answer).map_err(|error| error.to_string())
        };
        self.complaints.extend(probe::paged(&self.spec, &id, paged));
        self.complaints.extend(probe::described(&self.spec, &id, name, signed, idempotent));
        self.complaints.extend(probe::request(&self.spec, &id, &smallest, &fullest));
        self.complaints.extend(probe::response(&self.spec, &self.fixtures, &id, &read));
        self.asking.push((
            id.clone(),
            Box::new(|client, seed| {
                let prepared = Prepared::new(&E::answered(seed), client.environment()).unwrap();
                let method = prepared.call.method.into();
                let mut request = client.raw(method, prepared.path);
                for (key, value) in url::form_urlencoded::parse(prepared.query.as_bytes()) {
                    request = request.query(&key, &value);
                }
                if let Some(body) = prepared.body {
                    request = request.json(&serde_json::from_slice::<serde_json::Value>(&body).unwrap());
                }
                Box::pin(request.send())
            }),
        ));
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

impl Probe {
    /// The form of a call that is answered with a table: what it sends is a part of what the list sends.
    pub(crate) fn export<E: Endpoint + Samples>(&mut self) {
        let Call { service, method, path, .. } = E::CALL;
        let Some(operation) = self.spec.find(service.name(), method.as_str(), path) else { return };
        for sample in [E::smallest(), E::fullest()] {
            self.complaints.extend(probe::part_of(&self.spec, &operation.id, &sent(&sample)));
        }
    }
}

/// An answer without headers: what they hold is not needed to read the body.
fn head() -> Head {
    Head::new(200, http::HeaderMap::new())
}

/// The older environment, on paper.
fn legacy() -> Environment {
    Environment::legacy()
}

fn sent<E: Endpoint>(request: &E) -> Sent {
    let environment = Environment::live();
    let prepared = Prepared::new(request, &environment).unwrap();
    let prefix = environment.path(prepared.call.service);
    Sent {
        method: prepared.call.method.to_string(),
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
    let all = [
        public::CALLS,
        trading::CALLS,
        account::CALLS,
        account::methods::CALLS,
        account::beneficiaries::CALLS,
        account::transactions::CALLS,
    ];
    // A call that can be had as a table too stands there twice.
    all.into_iter().flatten().copied().filter(|call| call.accept == Accept::Json)
}

#[test]
fn every_call_is_in_the_specification() {
    let calls = all_calls().map(|call| (call.service.name(), call.method.as_str(), call.path));
    assert_no_complaints(probe::calls(&Spec::cape(), Who::Client("crates/exchange"), calls));
}

#[test]
fn the_sandbox_serves_the_same_calls() {
    let spec = Spec::cape();
    let served = capecrypto_sandbox::calls();
    let calls = served.iter().map(|call| (call.service, call.method, call.path));
    let mut complaints = probe::calls(&spec, Who::Server("crates/sandbox"), calls);
    for call in &served {
        let Some(operation) = spec.find(call.service, call.method, call.path) else { continue };
        // Codes of the sandbox's own are marked as such, and are not the exchange's.
        let codes = call.codes().into_iter().filter(|(_, code)| !code.starts_with("sandbox."));
        complaints.extend(probe::codes(&spec, &operation.id, codes));
        assert_eq!(operation.only.is_some(), call.only.is_some(), "x-only of {}", operation.id);
    }
    assert_no_complaints(complaints);
}

#[test]
fn every_call_says_how_it_may_be_refused() {
    assert_no_complaints(probe::statuses(&Spec::cape(), &[400, 405, 429, 500, 503], &[401, 403]));
    for operation in Spec::cape().operations {
        let acts = operation.parameters.iter().any(|parameter| parameter.name == "X-Auth-Subaccount-Uid");
        assert_eq!(
            acts, operation.signed,
            "{}: the parameter acting_as belongs to signed calls",
            operation.id
        );
    }
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

/// What the sandbox answers is what the specification says, key by key, with at least one full row in each list.
#[tokio::test]
async fn the_sandbox_answers_as_specified() {
    let sandbox = capecrypto_sandbox::Sandbox::start().await.unwrap();
    let client = |name| {
        let account = sandbox.account(name).unwrap();
        let credentials = Credentials::new(&account.api_key, &account.secret).unwrap();
        let client = Client::builder(Environment::local(sandbox.origin()).unwrap()).credentials(credentials);
        client.build().unwrap()
    };
    let (maker, taker) = (client("maker"), client("taker"));
    let order = |price| {
        let sell = CreateOrder::limit("btczar", Side::Sell, dec!(0.5), price);
        sell.custom_order_id("302b0494-1a06-4089-846c-0c6b13f1b661")
    };
    maker.send(trading::CancelOrders::everything()).await.unwrap();
    let filled = maker.send(order(dec!(700_000))).await.unwrap().id.unwrap();
    let to_cancel = maker.send(order(dec!(900_000))).await.unwrap().id.unwrap();
    taker.send(CreateOrder::limit("btczar", Side::Buy, dec!(0.1), dec!(500_000))).await.unwrap();
    // Without price and name, which this client's own orders always have: both are null in the answer.
    let nameless =
        serde_json::json!({"market": "btczar", "side": "sell", "volume": "0.01", "ord_type": "market"});
    maker.raw(http::Method::POST, "/api/v2/atlas/market/orders").json(&nameless).send().await.unwrap();
    maker.send(CreateOrder::limit("btczar", Side::Buy, dec!(0.1), dec!(600_000))).await.unwrap();
    taker.send(CreateOrder::market("btczar", Side::Buy, dec!(0.1))).await.unwrap();
    let row: serde_json::Map<_, _> = Fixtures::cape()
        .get("list_transactions", "composed")
        .and_then(|fixture| fixture.json().ok()?.as_array().cloned())
        .unwrap()
        .into_iter()
        .flat_map(|row| row.as_object().unwrap().clone())
        .collect();
    // One with every field that any has.
    sandbox.control().add_transaction("maker", &serde_json::Value::from(row).to_string()).unwrap();
    let beneficiary = sandbox.control().add_beneficiary("maker").unwrap();
    let seed = Seed { filled, beneficiary, to_cancel };
    let probe = Probe::new();
    let mut complaints = Vec::new();
    for (call, ask) in &probe.asking {
        let reply = ask(maker.clone(), &seed).await.unwrap_or_else(|error| panic!("{call}: {error}"));
        complaints.extend(probe::answer(&probe.spec, call, reply.status, &reply.body));
    }
    let asked = probe.asking.iter().map(|(call, _)| call);
    complaints.extend(probe::covered(&probe.spec, Covered::Answers, asked));
    assert_no_complaints(complaints);
}

#[test]
fn the_documents_own_requests_can_be_sent() {
    let spec = Spec::cape();
    let fixtures = Fixtures::cape();
    let sample = sent(&CreateOrder::fullest());
    assert_no_complaints(probe::request_fixture(&spec, &fixtures, "create_order", "request", &sample));
    let sub_account = CreateOrder::limit(
        "btczar",
        Side::Buy,
        capecrypto_models::Decimal::new(1, 5),
        capecrypto_models::Decimal::from(750_000),
    );
    let mut sample = sent(&sub_account);
    without(&mut sample, CreateOrder::MADE);
    assert_no_complaints(probe::request_fixture(
        &spec,
        &fixtures,
        "create_order",
        "request_as_sub_account",
        &sample,
    ));
}
