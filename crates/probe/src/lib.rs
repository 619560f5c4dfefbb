#![doc = include_str!("../README.md")]
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "its functions fail tests by panicking"
)]

mod canary;
mod partner;
mod samples;
mod seed;

pub use partner::{Connect, PartnerSeed};
pub use samples::{Samples, time};
pub use seed::{Seed, client, older_client, seeded};

use capecrypto_auth::Environment;
use capecrypto_rest::{
    Bytes, Call, Client, Endpoint, Error, Form, FromResponse, Head, Kind, PartContent, Prepared, Repeat,
};
use capecrypto_sandbox::{Profile, Sandbox};
use capecrypto_testkit::{Covered, Finding, Fixtures, Only, Sent, Spec, probe};
use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;
use std::{fmt, pin::Pin};

type Sending<T> = Pin<Box<dyn Future<Output = T>>>;
type AllSamples = Box<dyn Fn(Client) -> Sending<Vec<Error>>>;
type Failing = Box<dyn Fn(Client) -> Sending<Option<Error>>>;
/// Makes a client for one of the two environments.
type MakeClient = fn(&Sandbox, &str) -> Client;
type Asking = Box<dyn Fn(Client, &Seed) -> Sending<Result<Answered, Error>>>;
/// Status, headers and body of an answer.
type Answered = (u16, HeaderMap, Bytes);

/// Checks the calls of a crate against the specification and the local exchange.
pub struct Probe {
    spec: Spec,
    fixtures: Fixtures,
    findings: Vec<Finding>,
    seen: Vec<String>,
    calls: Vec<Call>,
    /// Sends the samples of each call to an exchange; whether that is the older one.
    sending: Vec<(bool, AllSamples)>,
    /// For each call: its id, the sensitive values of a sample, a function that makes a client for it, and one that sends that
    /// sample and gives the error.
    failing: Vec<(String, Vec<String>, MakeClient, Failing)>,
    /// For each call: its id, whether only the older exchange has it, and a function that sends it to an exchange in the state
    /// of a [`Seed`].
    asking: Vec<(String, bool, Asking)>,
    /// For each call: what Cabital's side of the sandbox is asked.
    partner: Vec<partner::Asked>,
}

impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe").field("seen", &self.seen).finish_non_exhaustive()
    }
}

/// A section of a crate: its module, as `x-sdk` names it, and what shows its calls.
pub type Section = (&'static str, fn(&mut Probe));

impl Probe {
    /// Makes a probe for these sections.
    pub fn of(sections: &[Section]) -> Self {
        Self::with(Spec::cape(), Fixtures::cape(), sections)
    }

    /// The same for the sections of Cabital's client. Its calls are sent to Cabital's side of the sandbox:
    /// [`partner_answers`](Self::partner_answers) and [`send_partner_samples`](Self::send_partner_samples).
    pub fn cabital(sections: &[Section]) -> Self {
        Self::with(Spec::cabital(), Fixtures::cabital(), sections)
    }

    fn with(spec: Spec, fixtures: Fixtures, sections: &[Section]) -> Self {
        let mut modules: Vec<&str> = sections.iter().map(|(module, _)| *module).collect();
        modules.dedup();
        let mut probe = Self {
            spec: spec.of(&modules),
            fixtures,
            findings: Vec::new(),
            seen: Vec::new(),
            calls: Vec::new(),
            sending: Vec::new(),
            failing: Vec::new(),
            asking: Vec::new(),
            partner: Vec::new(),
        };
        for (_, show) in sections {
            show(&mut probe);
        }
        probe
    }

    /// Adds a call.
    pub fn call<E: Endpoint + Samples + fmt::Debug + 'static>(&mut self)
    where
        E::Response: Serialize + fmt::Debug,
    {
        let Call { service, method, signed, repeat, paged, form, .. } = E::CALL;
        let path = &in_spec(E::CALL.path);
        self.calls.push(E::CALL);
        let found = self.spec.find(service.name(), method.as_str(), path);
        // `findings` reports a call that the specification does not have.
        let Some(id) = found.map(|operation| operation.id.clone()) else { return };
        let is_older = found.is_some_and(|operation| operation.only == Some(Only::Legacy));
        let environment = if is_older { Environment::legacy() } else { Environment::live() };
        let (mut smallest, fullest) =
            (sent_to(&E::smallest(), &environment), sent_to(&E::fullest(), &environment));
        let older = E::older().map(|older| sent_to(&older, &Environment::legacy()));
        let refused = Prepared::new(&E::fullest(), &Environment::legacy()).err();
        let refused = refused.map(|refused| refused.all()[0].argument.clone());
        without(&mut smallest, E::MADE);
        let others: Vec<_> =
            E::alternatives().iter().map(|other| (sent(other), format!("{other:?}"))).collect();
        let with_others = others.iter().fold(fullest.clone(), |all, (other, _)| joined(all, other));
        let read = |body: &[u8]| {
            let answer = E::Response::from_response(&head(), &body.to_vec().into())
                .map_err(|error| error.to_string())?;
            // A list leaves out the rows that cannot be read; here every row must be read.
            if let [row, ..] = answer.unreadable() {
                return Err(row.to_string());
            }
            serde_json::to_value(answer).map_err(|error| error.to_string())
        };
        let operation = self.spec.operation(&id);
        if let Some(operation) = operation {
            let shown = format!("{:?}", E::fullest());
            self.findings.extend(probe::request_hidden(operation, &fullest, &shown));
            for (other, shown) in &others {
                self.findings.extend(probe::request_hidden(operation, other, shown));
                self.findings.extend(probe::request_form(&self.spec, &id, other));
            }
            if let Some(sample) = &older {
                self.findings.extend(probe::request_hidden(operation, sample, &format!("{:?}", E::older())));
            }
            let parameters = operation.parameters.iter().filter(|parameter| parameter.schema.sensitive);
            for parameter in parameters.filter(|parameter| !E::CALL.hides(&parameter.name)) {
                self.findings.extend(probe::unrecorded(&parameter.schema, &id, &|_| false));
            }
        }
        if let Some(schema) = operation.and_then(|call| call.response.as_ref()) {
            self.findings.extend(probe::unrecorded(schema, &id, &|name| E::CALL.hides(name)));
            for fixture in self.fixtures.received(&id) {
                let Ok(value) = fixture.json() else { continue };
                let Ok(answer) = E::Response::from_response(&head(), &fixture.text.clone().into()) else {
                    continue;
                };
                let shown = format!("{answer:?}");
                self.findings.extend(probe::hidden(schema, &format!("{id}: answer"), &value, &shown));
            }
        }
        let name = std::any::type_name::<E>();
        let found = [
            probe::only(&self.spec, &id, refused),
            probe::paged(&self.spec, &id, paged),
            probe::described(&self.spec, &id, name, signed, repeat == Repeat::Safely),
            probe::same_key(&self.spec, &id, repeat == Repeat::SameKey),
            probe::request(&self.spec, &id, &smallest, &with_others),
            probe::older_request(&self.spec, &id, older.as_ref()),
            probe::response(&self.spec, &self.fixtures, &id, &read),
        ];
        self.findings.extend(found.into_iter().flatten());
        let ask: Asking = match form {
            // For a form, the body of the answer is not checked.
            Form::Multipart => Box::new(|client, seed| {
                let request = E::answered(seed);
                Box::pin(async move {
                    let reply = client.reply(request).await?;
                    Ok((reply.status, reply.headers, Bytes::new()))
                })
            }),
            _ => Box::new(|client, seed| {
                let request =
                    by_hand(&client, Prepared::new(&E::answered(seed), client.environment()).unwrap());
                Box::pin(async move {
                    request.send().await.map(|reply| (reply.status, reply.headers, reply.body))
                })
            }),
        };
        let make: MakeClient = if is_older { older_client } else { client };
        let mut fail = |sample: &Sent, make: MakeClient, send: Failing| {
            let secrets = self.spec.operation(&id).map(|operation| probe::secrets(operation, sample));
            let secrets = secrets.into_iter().flatten().map(|(_, value)| value).collect();
            self.failing.push((id.clone(), secrets, make, send));
        };
        fail(
            &fullest,
            make,
            Box::new(|client| Box::pin(async move { client.send(E::fullest()).await.err() })),
        );
        if let Some(sample) = &older {
            fail(
                sample,
                older_client,
                Box::new(|client| {
                    Box::pin(async move { client.send(E::older().unwrap_or_else(E::fullest)).await.err() })
                }),
            );
        }
        self.asking.push((id.clone(), is_older, ask));
        self.partner.push(partner::Asked::of::<E>(id.clone()));
        self.seen.push(id);
        self.sending.push((
            is_older,
            Box::new(|client| {
                Box::pin(async move {
                    let mut errors = Vec::new();
                    for sample in [E::smallest(), E::fullest()].into_iter().chain(E::alternatives()) {
                        errors.extend(client.send(sample).await.err());
                    }
                    errors
                })
            }),
        ));
        if older.is_some() {
            self.sending.push((
                true,
                Box::new(|client| {
                    Box::pin(async move {
                        match E::older() {
                            Some(older) => client.send(older).await.err().into_iter().collect(),
                            None => Vec::new(),
                        }
                    })
                }),
            ));
        }
    }

    /// Adds the export of a list, which is answered with a table. It may send only parameters of the list.
    pub fn export<E: Endpoint + Samples>(&mut self) {
        let Call { service, method, path, .. } = E::CALL;
        let Some(operation) = self.spec.find(service.name(), method.as_str(), path) else { return };
        if let Some(schema) = &operation.response {
            self.findings.extend(probe::unrecorded(schema, &operation.id, &|name| E::CALL.hides(name)));
        }
        for sample in [E::smallest(), E::fullest()] {
            self.findings.extend(probe::part_of(&self.spec, &operation.id, &sent(&sample)));
        }
    }

    /// Checks what the calls are, send and read.
    pub fn findings(&self, who: &str) -> Vec<Finding> {
        let calls =
            self.calls.iter().map(|call| (call.service.name(), call.method.as_str(), in_spec(call.path)));
        let mut findings = probe::calls(&self.spec, probe::Who::Client(who), calls);
        findings.extend(self.findings.iter().cloned());
        findings.extend(probe::covered(&self.spec, Covered::Responses, &self.seen));
        findings.extend(probe::covered(&self.spec, Covered::Requests, &self.seen));
        findings
    }

    /// Checks what the local exchange answers, in a state in which it has a full row for each call.
    pub async fn answers(&self) -> Vec<Finding> {
        let (sandbox, client, seed) = seeded().await;
        // A call of the older exchange alone needs no seed so far.
        let older_sandbox = older_exchange().await;
        let older = older_client(&older_sandbox, Seed::ACCOUNT);
        let mut findings = Vec::new();
        for (call, is_older, ask) in &self.asking {
            let answer = ask(if *is_older { older.clone() } else { client.clone() }, &seed).await;
            let (status, headers, body) = answer.unwrap_or_else(|error| panic!("{call}: {error}"));
            let headers = headers.keys().map(http::HeaderName::as_str);
            findings.extend(probe::answer(&self.spec, call, status, headers, &body));
        }
        sandbox.shutdown().await;
        older_sandbox.shutdown().await;
        let asked = self.asking.iter().map(|(call, _, _)| call);
        findings.extend(probe::covered(&self.spec, Covered::Answers, asked));
        findings
    }

    /// Sends each call that has sensitive arguments, lets it fail in several ways, and checks that neither the errors nor the
    /// log show one of them. The answers repeat the arguments.
    ///
    /// # Panics
    /// If an argument is shown, or if no call has one.
    pub async fn keeps_secrets(&self) {
        let mut checked = 0;
        for (call, secrets, make, send) in self.failing.iter().filter(|(_, secrets, ..)| !secrets.is_empty())
        {
            let target = canary::Target {
                client: &|sandbox| make(sandbox, "merchant"),
                inject: |sandbox, fault| sandbox.control().inject(fault),
                secret: |sandbox| sandbox.account("merchant").unwrap().secret,
            };
            canary::check(call, secrets, &target, send.as_ref()).await;
            checked += 1;
        }
        assert!(checked > 0, "no call has a sensitive argument, so nothing was checked");
    }

    /// Sends both samples of each call to a new exchange. Each must be understood: it succeeds, or the exchange refuses it with
    /// its own code, for example because an order does not exist.
    ///
    /// # Panics
    /// If a sample is not understood.
    pub async fn send_samples(&self) {
        let (sandbox, older_sandbox) = (Sandbox::start().await.unwrap(), older_exchange().await);
        let client = client(&sandbox, Seed::ACCOUNT);
        let older = older_client(&older_sandbox, Seed::ACCOUNT);
        for (is_older, send) in &self.sending {
            for error in send(if *is_older { older.clone() } else { client.clone() }).await {
                let own = matches!(error.kind(), Kind::NotFound | Kind::Refused) && !error.codes().is_empty();
                assert!(
                    own,
                    "{error}\n    fix: the handler in crates/sandbox/src/api, or the model that reads the answer"
                );
                let missing = error.codes().iter().find(|code| code.contains("missing_"));
                assert_eq!(missing, None, "the sandbox did not find a parameter that was sent: {error}");
            }
        }
        sandbox.shutdown().await;
        older_sandbox.shutdown().await;
    }
}

/// A path as the specification writes it: without the mark of a part that may be left out.
fn in_spec(path: &str) -> String {
    path.replace("?}", "}")
}

async fn older_exchange() -> Sandbox {
    Sandbox::builder().profile(Profile::Legacy).start().await.unwrap()
}

/// The head of an answer, without headers: reading the body does not need them.
fn head() -> Head {
    Head::new(200, HeaderMap::new())
}

/// The same request as a raw call, whose answer gives the body.
fn by_hand(client: &Client, prepared: Prepared) -> capecrypto_rest::RawRequest {
    let mut request = client.raw(prepared.call.method.into(), prepared.path);
    for (key, value) in form_urlencoded::parse(prepared.query.as_bytes()) {
        request = request.query(&key, &value);
    }
    match prepared.body {
        Some(body) => request.json(&serde_json::from_slice::<Value>(&body).unwrap()),
        None => request,
    }
}

/// What a request sends to the current environment. The fields of a form become fields of the body.
pub fn sent<E: Endpoint>(request: &E) -> Sent {
    sent_to(request, &Environment::live())
}

fn sent_to<E: Endpoint>(request: &E, environment: &Environment) -> Sent {
    let prepared = Prepared::new(request, environment).unwrap();
    let prefix = environment.path(prepared.call.service);
    let field = |content| match content {
        PartContent::Text(text) => Value::from(text),
        PartContent::File(file) => Value::from(file.name()),
        other => panic!("the probe does not know {other:?}"),
    };
    let form = prepared.form.into_iter().map(|part| (part.name.to_owned(), field(part.content)));
    let form = (prepared.call.form == Form::Multipart).then(|| form.collect());
    Sent {
        method: prepared.call.method.to_string(),
        service: prepared.call.service.name().to_owned(),
        path: prepared.path.strip_prefix(prefix).unwrap().to_owned(),
        query: form_urlencoded::parse(prepared.query.as_bytes()).into_owned().collect(),
        body: prepared.body.map(|body| serde_json::from_slice(&body).unwrap()).or(form),
    }
}

/// Adds the parameters that only the other sample has.
fn joined(mut sample: Sent, other: &Sent) -> Sent {
    let is_new = |(key, _): &&(String, String)| !sample.query.iter().any(|(known, _)| known == key);
    let query: Vec<_> = other.query.iter().filter(is_new).cloned().collect();
    sample.query.extend(query);
    if let (Some(Value::Object(body)), Some(Value::Object(more))) = (&mut sample.body, &other.body) {
        for (key, value) in more {
            body.entry(key).or_insert_with(|| value.clone());
        }
    }
    sample
}

/// Removes the parameters that the request made by itself.
pub fn without(sent: &mut Sent, made: &[&str]) {
    for name in made {
        let body = sent.body.as_mut().and_then(Value::as_object_mut);
        assert!(body.is_some_and(|body| body.remove(*name).is_some()), "{name} was not made");
    }
}
