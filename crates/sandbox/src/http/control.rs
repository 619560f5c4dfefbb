//! The control door over HTTP: `/sandbox/…`, JSON, for programs on this machine only.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Method, Request, StatusCode, header};
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::params::Value;
use super::reply::Reply;
use crate::accounts::Restriction;
use crate::app::App;
use crate::control::{Control, ControlError};
use crate::errors::{self, Refusal};
use crate::faults::{Fault, FaultKind};
use crate::money::Parsed;

impl From<ControlError> for Refusal {
    fn from(error: ControlError) -> Self {
        Self::unprocessable(error.code())
    }
}

/// Serves one request of the door.
pub(crate) async fn serve(app: &Arc<App>, peer: SocketAddr, request: Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    // A browser names the page that asks; no page has business here, wherever it was loaded from.
    if !peer.ip().is_loopback() || head.headers.contains_key(header::ORIGIN) {
        return Refusal::Codes(StatusCode::FORBIDDEN, vec![errors::CONTROL_LOOPBACK_ONLY]).into();
    }
    let body = match super::read_body(body, &head.headers, super::MAX_BODY).await {
        Ok(body) => body,
        Err(refusal) => return refusal.into(),
    };
    let control = Control { app: Arc::clone(app) };
    let path = head.uri.path().strip_prefix("/sandbox").unwrap_or_default();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let answer = if head.method == Method::GET {
        get(&control, &segments)
    } else if head.method == Method::POST {
        post(&control, &segments, &body)
    } else {
        Err(Refusal::Method(vec!["GET", "POST"]))
    };
    answer.unwrap_or_else(Into::into)
}

fn get(control: &Control, segments: &[&str]) -> Result<Reply, Refusal> {
    match segments {
        ["ledger"] => Ok(Reply::ok(&control.ledger())),
        ["clock"] => Ok(Reply::ok(&json!({ "now_ms": control.now_ms() }))),
        _ => Err(Refusal::Plain(StatusCode::NOT_FOUND, "404 Not Found")),
    }
}

#[derive(Deserialize)]
struct Deposit {
    account: String,
    currency: String,
    /// Text or number, read digit for digit.
    amount: Box<serde_json::value::RawValue>,
}

#[derive(Deserialize)]
struct Owner {
    account: String,
}

#[derive(Deserialize)]
struct NewTransaction {
    account: String,
    transaction: Box<serde_json::value::RawValue>,
}

#[derive(Deserialize)]
struct AdvanceClock {
    advance_ms: i64,
}

#[derive(Deserialize)]
struct Restrict {
    account: String,
    restriction: Option<Restriction>,
}

#[derive(Deserialize)]
struct IncrementForm {
    nested: Option<bool>,
    zero_removals: Option<bool>,
}

#[derive(Deserialize)]
struct Publish {
    topic: Option<String>,
    frame: String,
}

#[derive(Deserialize)]
struct Matching {
    lose_pending_cancels: bool,
}

/// A fault; `kind` says which of the other fields count.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Answer,
    ResetBeforeApply,
    ResetAfterApply,
    Delay,
    DelayAfterApply,
}

#[derive(Deserialize)]
struct FaultRequest {
    kind: Kind,
    method: Option<String>,
    path: Option<String>,
    times: Option<u32>,
    status: Option<u16>,
    body: Option<String>,
    content_type: Option<String>,
    delay_ms: Option<u64>,
}

impl FaultRequest {
    fn fault(self) -> Result<Fault, Refusal> {
        let invalid = || Refusal::unprocessable(errors::CONTROL_INVALID);
        let kind = match self.kind {
            Kind::Answer => FaultKind::Answer {
                status: self.status.filter(|status| (200..600).contains(status)).ok_or_else(invalid)?,
                body: self.body.unwrap_or_default(),
                content_type: self.content_type,
            },
            Kind::ResetBeforeApply => FaultKind::ResetBeforeApply,
            Kind::ResetAfterApply => FaultKind::ResetAfterApply,
            Kind::Delay => FaultKind::Delay(self.delay_ms.ok_or_else(invalid)?),
            Kind::DelayAfterApply => FaultKind::DelayAfterApply(self.delay_ms.ok_or_else(invalid)?),
        };
        Ok(Fault { kind, method: self.method, path: self.path, times: self.times.unwrap_or(1) })
    }
}

fn post(control: &Control, segments: &[&str], body: &[u8]) -> Result<Reply, Refusal> {
    match segments {
        ["deposit"] => {
            let Deposit { account, currency, amount } = read(body)?;
            let Parsed::Exact(amount) = Value::from_json(&amount).as_decimal() else {
                return Err(ControlError::InvalidAmount.into());
            };
            control.deposit(&account, &currency, amount)?;
        }
        ["clock"] => {
            control.advance_clock(read::<AdvanceClock>(body)?.advance_ms);
            return Ok(Reply::ok(&json!({ "now_ms": control.now_ms() })));
        }
        ["restrict"] => {
            let Restrict { account, restriction } = read(body)?;
            control.restrict(&account, restriction)?;
        }
        ["beneficiaries"] => {
            let id = control.add_beneficiary(&read::<Owner>(body)?.account)?;
            return Ok(Reply::ok(&json!({ "id": id })));
        }
        ["transactions"] => {
            let NewTransaction { account, transaction } = read(body)?;
            return Ok(Reply::ok(&json!({ "id": control.add_transaction(&account, transaction.get())? })));
        }
        ["sockets", "drop"] => return Ok(Reply::ok(&json!({ "dropped": control.drop_sockets() }))),
        ["markets", market, "skip_increment"] => control.skip_increment(market)?,
        ["markets", market, "restart_engine"] => control.restart_engine(market)?,
        ["markets", market, "forget_snapshot"] => control.forget_snapshot(market)?,
        ["markets", market, "delete_unknown_level"] => control.delete_unknown_level(market)?,
        ["increments"] => {
            let IncrementForm { nested, zero_removals } = read(body)?;
            nested.into_iter().for_each(|nested| control.nested_increments(nested));
            zero_removals.into_iter().for_each(|zero| control.zero_removals(zero));
        }
        ["publish"] => {
            let Publish { topic, frame } = read(body)?;
            control.publish_raw(topic.as_deref(), &frame);
        }
        ["faults"] => control.inject(read::<FaultRequest>(body)?.fault()?),
        ["faults", "clear"] => control.clear_faults(),
        ["matching"] => control.lose_pending_cancels(read::<Matching>(body)?.lose_pending_cancels),
        ["matching", "pause"] => control.pause_matching(),
        ["matching", "resume"] => control.resume_matching(),
        _ => return Err(Refusal::Plain(StatusCode::NOT_FOUND, "404 Not Found")),
    }
    Ok(Reply::ok(&json!({ "ok": true })))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::unprocessable(errors::CONTROL_INVALID))
}
