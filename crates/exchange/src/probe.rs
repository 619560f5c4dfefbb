//! Holds every call of this crate against the specification, `docs/api/cape.openapi.yaml`.

use crate::{account, public, trading};
use capecrypto_auth::Environment;
use capecrypto_models::Timestamp;
use capecrypto_rest::{Call, Endpoint, FromResponse, Head, Prepared};
use capecrypto_testkit::{Complaint, Covered, Fixtures, Sent, Spec, assert_no_complaints, probe};
use serde::Serialize;

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
}

impl Probe {
    pub(crate) fn call<E: Endpoint + Samples>(&mut self)
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
        let (smallest, fullest) = (sent(&E::smallest()), sent(&E::fullest()));
        let read = |body: &[u8]| {
            let answer = E::Response::from_response(&head(), body).map_err(|error| error.to_string())?;
            serde_json::to_value(answer).map_err(|error| error.to_string())
        };
        self.complaints.extend(probe::described(&self.spec, &id, name, signed, idempotent));
        self.complaints.extend(probe::request(&self.spec, &id, &smallest, &fullest));
        self.complaints.extend(probe::response(&self.spec, &self.fixtures, &id, &read));
        self.seen.push(id);
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
    let calls = calls.iter().map(|call| (call.service, call.method, call.path));
    assert_no_complaints(probe::calls(&Spec::cape(), "crates/sandbox", calls));
}

#[test]
fn requests_and_answers_are_as_specified() {
    let mut probe =
        Probe { spec: Spec::cape(), fixtures: Fixtures::cape(), complaints: Vec::new(), seen: Vec::new() };
    public::probe(&mut probe);
    trading::probe(&mut probe);
    account::probe(&mut probe);
    probe.complaints.extend(probe::covered(&probe.spec, Covered::Responses, &probe.seen));
    probe.complaints.extend(probe::covered(&probe.spec, Covered::Requests, &probe.seen));
    probe.complaints.extend(probe::fixtures(&probe.spec, &probe.fixtures));
    assert_no_complaints(probe.complaints);
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
    let sample = sent(&sub_account);
    assert_no_complaints(probe::request_fixture(
        &spec,
        &fixtures,
        "create_order",
        "request_as_sub_account",
        &sample,
    ));
}
