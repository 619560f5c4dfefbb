//! A small partner API: accounts with balances, conversions, transfers, nonces, and faults on request.

use bytes::Bytes;
use capecrypto_models::{Decimal, decimal};
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The connection breaks before anything is done.
    LostBefore,
    /// It is done, and the answer is lost.
    LostAfter,
    /// It is done, and answered with this status.
    StatusAfter(u16),
    /// Nothing is done, and this status is answered.
    StatusBefore(u16),
    /// The program is killed before anything is done.
    KillBefore,
    /// The program is killed when it is done.
    KillAfter,
}

/// Decides about a request by its method and path.
pub(crate) type Plan = Box<dyn FnMut(&str, &str) -> Fault + Send>;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) conversions: Vec<Value>,
    pub(crate) transfers: Vec<Value>,
    pub(crate) balances: BTreeMap<String, Decimal>,
    /// Method, path, and nonce of each request.
    pub(crate) requests: Vec<(String, String, String)>,
    nonces: HashSet<String>,
}

pub(crate) struct Fake {
    pub(crate) origin: String,
    pub(crate) state: Arc<Mutex<State>>,
    pub(crate) plan: Arc<Mutex<Plan>>,
    /// Told when the program is to be killed.
    pub(crate) kill: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn dec(value: &Value) -> Decimal {
    decimal::parse(value.as_str().unwrap()).unwrap()
}

impl State {
    fn answer(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let parts: Vec<&str> = path.trim_start_matches("/api/v1/").split('/').collect();
        match (method, parts.as_slice()) {
            ("GET", ["accounts", _, "balances"]) => {
                let row = |(code, amount): (&String, &Decimal)| json!({"code": code, "balances": amount.to_string()});
                (200, json!({ "balances": self.balances.iter().map(row).collect::<Vec<_>>() }))
            }
            ("POST", ["accounts", _, "conversions"]) => self.convert(body),
            ("POST", ["accounts", account, "transfers"]) => self.transfer(account, body),
            ("GET", ["recon", "transfers", id]) => {
                match self.transfers.iter().find(|transfer| transfer["external_id"] == *id) {
                    Some(transfer) => (200, transfer.clone()),
                    None => (404, json!({"code": "PA030", "message": "no such transfer"})),
                }
            }
            _ => (404, json!({"message": "no such call"})),
        }
    }

    fn convert(&mut self, body: &Value) -> (u16, Value) {
        let (buy, sell) = body["pair"].as_str().unwrap().split_once('-').unwrap();
        let (bought, sold) = (dec(&body["buy_amount"]), dec(&body["sell_amount"]));
        if self.balances.get(sell).is_none_or(|balance| *balance < sold) {
            return (400, json!({"code": "PA002", "message": "not enough"}));
        }
        *self.balances.get_mut(sell).unwrap() -= sold;
        *self.balances.entry(buy.to_owned()).or_default() += bought;
        let id = format!("00000000-0000-4000-8000-{:012x}", self.conversions.len());
        self.conversions.push(json!({"id": id, "symbol": buy, "bought": bought.to_string(), "used": false}));
        (200, json!({"transaction_id": id, "status": "SUCCESS"}))
    }

    fn transfer(&mut self, account: &str, body: &Value) -> (u16, Value) {
        let refused = |code: &str| (400, json!({"code": code, "message": "refused"}));
        if self.transfers.iter().any(|transfer| transfer["external_id"] == body["external_id"]) {
            return refused("PA029");
        }
        let amount = dec(&body["amount"]);
        if !body["conversion_id"].is_null() {
            let Some(conversion) =
                self.conversions.iter_mut().find(|conversion| conversion["id"] == body["conversion_id"])
            else {
                return refused("PA031");
            };
            if conversion["used"] == true {
                return refused("PA029");
            }
            if amount > dec(&conversion["bought"]) {
                return refused("PA032");
            }
            conversion["used"] = true.into();
        }
        let id = format!("00000000-0000-4000-9000-{:012x}", self.transfers.len());
        let mut transfer = json!({
            "transfer_id": id, "instructed_amount": body["amount"], "customer_fee": "0", "actual_amount": body["amount"],
            "symbol": body["symbol"], "direction": body["direction"], "external_id": body["external_id"],
            "created_at": 1_633_445_162, "status": "SUCCESS", "transfer_by": "PARTNER",
            "instruction_id": "00000000-0000-4000-a000-000000000000", "account_id": account,
        });
        if !body["conversion_id"].is_null() {
            transfer["conversion_id"] = body["conversion_id"].clone();
        }
        self.transfers.push(transfer.clone());
        (200, transfer)
    }
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let mut state = State::default();
        for (code, amount) in [("BTC", 10), ("EUR", 100_000), ("USDT", 100_000)] {
            state.balances.insert(code.to_owned(), Decimal::from(amount));
        }
        let state = Arc::new(Mutex::new(state));
        let plan: Arc<Mutex<Plan>> = Arc::new(Mutex::new(Box::new(|_, _| Fault::None)));
        let kill = Arc::new(Notify::new());
        let served = (state.clone(), plan.clone(), kill.clone());
        let task = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let served = served.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| serve(served.clone(), request));
                    let _closed = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Self { origin, state, plan, kill, task }
    }

    pub(crate) fn plan(&self, plan: impl FnMut(&str, &str) -> Fault + Send + 'static) {
        *self.plan.lock().unwrap() = Box::new(plan);
    }

    /// How many conversions and transfers there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.conversions.len(), state.transfers.len())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

type Served = (Arc<Mutex<State>>, Arc<Mutex<Plan>>, Arc<Notify>);

async fn serve(
    (state, plan, kill): Served,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, String> {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let nonce = request.headers()["access-nonce"].to_str().unwrap().to_owned();
    let body = request.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    let fault = (plan.lock().unwrap())(&method, &path);
    state.lock().unwrap().requests.push((method.clone(), path.clone(), nonce.clone()));
    match fault {
        Fault::LostBefore => return Err("lost".to_owned()),
        Fault::StatusBefore(status) => return Ok(answer(status, String::new())),
        Fault::KillBefore => {
            kill.notify_one();
            return std::future::pending().await;
        }
        _ => {}
    }
    let (status, answered) = {
        let mut state = state.lock().unwrap();
        if state.nonces.insert(nonce) {
            state.answer(&method, &path, &body)
        } else {
            (409, json!({"message": "the nonce was used before"}))
        }
    };
    match fault {
        Fault::LostAfter => Err("lost".to_owned()),
        Fault::StatusAfter(status) => Ok(answer(status, String::new())),
        Fault::KillAfter => {
            kill.notify_one();
            std::future::pending().await
        }
        _ => Ok(answer(status, answered.to_string())),
    }
}

fn answer(status: u16, body: String) -> Response<Full<Bytes>> {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(Full::from(body)).unwrap()
}
