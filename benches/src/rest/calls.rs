//! The same three calls, by hand and through the SDK.

use super::server::CUSTOM_ORDER_ID;
use crate::by_hand::{self, KEY, SECRET, Signer};
use capecrypto_auth::{Clock, Environment};
use capecrypto_exchange::{
    account::GetBalance,
    trading::{CreateOrder, ListOrders},
};
use capecrypto_models::Side;
use capecrypto_rest::{Client, Endpoint};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{hint::black_box, time::Duration};
use tokio::runtime::Runtime;

/// The kind of call.
#[derive(Clone, Copy)]
pub enum Call {
    Get,
    Post,
    List,
}

impl Call {
    pub const ALL: [Self; 3] = [Self::Get, Self::Post, Self::List];

    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::List => "list",
        }
    }
}

/// The candidate that makes the call.
#[derive(Clone, Copy)]
pub enum Who {
    /// reqwest, signing by hand, plain structs. The base.
    Bare,
    /// The same with deadlines, which every real client needs.
    Deadlines,
    /// The SDK.
    Sdk,
}

impl Who {
    pub const ALL: [Self; 3] = [Self::Bare, Self::Deadlines, Self::Sdk];

    pub fn name(self) -> &'static str {
        match self {
            Self::Bare => "reqwest",
            Self::Deadlines => "reqwest-with-deadlines",
            Self::Sdk => "sdk",
        }
    }
}

/// A function that makes this many calls, one after the other, on one connection.
pub fn caller<'a>(call: Call, who: Who, origin: &str, runtime: &'a Runtime) -> Box<dyn FnMut(u32) + 'a> {
    match who {
        Who::Bare => bare(call, by_hand::http(), origin, runtime),
        Who::Deadlines => {
            let http = by_hand::http().connect_timeout(Duration::from_secs(5));
            bare(call, http.timeout(Duration::from_secs(15)), origin, runtime)
        }
        Who::Sdk => sdk(call, origin, runtime),
    }
}

/// The SDK's candidate. A nonce is a time in milliseconds and may be used only once, so the SDK's clock moves forward by one
/// millisecond with each call.
fn sdk<'a>(call: Call, origin: &str, runtime: &'a Runtime) -> Box<dyn FnMut(u32) + 'a> {
    let (clock, time) = Clock::manual(by_hand::now_ms());
    let environment = Environment::local(origin).expect("the server is on this machine");
    let client = Client::builder(environment).credentials(by_hand::credentials()).clock(clock).build();
    let client = client.expect("the settings are sound");
    let (volume, price) = (Decimal::new(125, 5), Decimal::new(8_007_575, 1));
    Box::new(move |calls| {
        runtime.block_on(async {
            for _ in 0..calls {
                time.advance(Duration::from_millis(1));
                match call {
                    Call::Get => send(&client, GetBalance::new("zar")).await,
                    Call::Post => {
                        let order = CreateOrder::limit("btczar", Side::Sell, volume, price);
                        send(&client, order.custom_order_id(CUSTOM_ORDER_ID)).await;
                    }
                    Call::List => send(&client, ListOrders::new().limit(1_000)).await,
                }
            }
        });
    })
}

async fn send<E: Endpoint>(client: &Client, request: E) {
    black_box(client.send(request).await.expect("the server answers"));
}

#[derive(Serialize)]
struct NewOrder<'a> {
    market: &'a str,
    side: &'a str,
    volume: Decimal,
    ord_type: &'a str,
    price: Decimal,
    custom_order_id: &'a str,
}

#[allow(dead_code, reason = "only decoding is measured")]
#[derive(Deserialize)]
struct PlainBalance {
    currency: String,
    balance: Decimal,
    locked: Decimal,
}

#[allow(dead_code, reason = "only decoding is measured")]
#[derive(Deserialize)]
struct PlainOrder {
    id: u64,
    uuid: String,
    custom_order_id: Option<String>,
    market: String,
    side: String,
    ord_type: String,
    post_only: Option<bool>,
    price: Option<Decimal>,
    avg_price: Option<Decimal>,
    state: String,
    created_at: jiff::Timestamp,
    updated_at: jiff::Timestamp,
    origin_volume: Decimal,
    remaining_volume: Decimal,
    executed_volume: Decimal,
    trades_count: Option<u64>,
}

fn bare<'a>(
    call: Call,
    http: reqwest::ClientBuilder,
    origin: &str,
    runtime: &'a Runtime,
) -> Box<dyn FnMut(u32) + 'a> {
    let http = http.build().expect("the settings are sound");
    let signer = Signer::new(KEY, SECRET);
    let mut nonce = by_hand::now_ms();
    let base = format!("{origin}/api/v2/atlas");
    Box::new(move |calls| {
        runtime.block_on(async {
            for _ in 0..calls {
                nonce += 1;
                match call {
                    Call::Get => {
                        let request = http.get(format!("{base}/account/balances/{}", "zar"));
                        fetch::<PlainBalance>(&signer, nonce, request).await;
                    }
                    Call::Post => {
                        let order = NewOrder {
                            market: "btczar",
                            side: "sell",
                            volume: Decimal::new(125, 5),
                            ord_type: "limit",
                            price: Decimal::new(8_007_575, 1),
                            custom_order_id: CUSTOM_ORDER_ID,
                        };
                        let body = serde_json::to_vec(&order).expect("an order can be written");
                        let request = http.post(format!("{base}/market/orders")).body(body);
                        let request = request.header("content-type", "application/json");
                        fetch::<PlainOrder>(&signer, nonce, request).await;
                    }
                    Call::List => {
                        let request = http.get(format!("{base}/market/orders?limit={}", 1_000));
                        fetch::<Vec<PlainOrder>>(&signer, nonce, request).await;
                    }
                }
            }
        });
    })
}

async fn fetch<T: DeserializeOwned>(signer: &Signer, nonce: u64, mut request: reqwest::RequestBuilder) {
    for (name, value) in signer.headers(nonce) {
        request = request.header(name, value);
    }
    let response = request.header("accept", "application/json").send().await.expect("the server answers");
    assert!(response.status().is_success(), "{}", response.status());
    let body = response.bytes().await.expect("the answer is complete");
    black_box(serde_json::from_slice::<T>(&body).expect("the answer fits"));
}
