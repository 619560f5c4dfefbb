//! Measures a page of orders from the sandbox, for an account with many orders.

use crate::{
    by_hand::{self, Signer},
    measure::{self, median, verdict},
};
use capecrypto_sandbox::{Account, Sandbox};
use futures_util::future::join_all;
use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

const FEW: u32 = 1_000;
const MANY: u32 = 100_000;
/// The highest allowed median time of a page of the account with many orders, in milliseconds.
const AT_MOST_MS: f64 = 0.5;
const PAGES: u32 = 300;
/// The number of tasks that create orders at the same time.
const CREATORS: u32 = 16;

pub fn run() -> bool {
    let (tell, told) = mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = std::thread::spawn(move || {
        measure::pin(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let sandbox = Sandbox::start().await.expect("a port is free");
            let account = |name| sandbox.account(name).expect("the demo account exists");
            let door = (sandbox.origin().to_owned(), account("taker"), account("maker"));
            tell.send(door).expect("the client waits");
            let _dropped_is_the_same = stopped.await;
            sandbox.shutdown().await;
        });
    });
    let (origin, few, many) = told.recv().expect("the sandbox has started");
    measure::pin(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let all_ok = runtime.block_on(measure_pages(&origin, &few, &many));
    drop(stop);
    server.join().expect("the sandbox ends without a panic");
    all_ok
}

async fn measure_pages(origin: &str, few: &Account, many: &Account) -> bool {
    let (few, many) = (Caller::new(origin, few), Caller::new(origin, many));
    let start = Instant::now();
    few.fill(FEW).await;
    many.fill(MANY).await;
    println!("\nsandbox-page: GET /market/orders?limit=100");
    println!("  filled in {:.1} s", start.elapsed().as_secs_f64());
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..PAGES {
        of_few.push(few.page().await.as_secs_f64() * 1e3);
        of_many.push(many.page().await.as_secs_f64() * 1e3);
    }
    assert!(few.has(FEW).await && many.has(MANY).await, "every order is there");
    let mut all_ok = true;
    let (of_few, of_many) = (median(of_few), median(of_many));
    let bar = verdict(of_many, AT_MOST_MS, "ms", &mut all_ok);
    println!("  {FEW:>7} orders: median {of_few:.2} ms");
    println!("  {MANY:>7} orders: median {of_many:.2} ms  {bar}");
    all_ok
}

struct Caller {
    http: reqwest::Client,
    signer: Signer,
    orders: String,
}

impl Caller {
    fn new(origin: &str, account: &Account) -> Self {
        Self {
            http: by_hand::http().build().expect("the settings are sound"),
            signer: Signer::new(&account.api_key, &account.secret),
            orders: format!("{origin}/api/v2/atlas/market/orders"),
        }
    }

    fn signed(&self, mut request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        for (name, value) in self.signer.headers(by_hand::now_ms()) {
            request = request.header(name, value);
        }
        request
    }

    /// Places sell orders that rest in the book, at a thousand prices.
    async fn fill(&self, count: u32) {
        join_all((0..CREATORS).map(|first| async move {
            for number in (first..count).step_by(CREATORS as usize) {
                let price = 90 + number % 1_000 / 100;
                let cents = number % 100;
                let body = format!(
                    r#"{{"market":"xrpzar","side":"sell","ord_type":"limit","volume":"1","price":"{price}.{cents:02}"}}"#
                );
                while !self.create(&body).await {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }))
        .await;
    }

    /// Places an order; false if the matching engine is overloaded at the moment.
    async fn create(&self, body: &str) -> bool {
        let request = self.http.post(&self.orders).header("content-type", "application/json");
        let answer = self.signed(request.body(body.to_owned())).send().await.expect("the sandbox answers");
        let status = answer.status();
        let text = answer.text().await.expect("the answer is complete");
        assert!(status.is_success() || status.as_u16() == 503, "{status}: {text}");
        status.is_success()
    }

    /// Whether the account has exactly this many orders.
    async fn has(&self, count: u32) -> bool {
        let mut last = Vec::new();
        for page in [count, count + 1] {
            let request = self.signed(self.http.get(format!("{}?limit=1&page={page}", self.orders)));
            let answer = request.send().await.expect("the sandbox answers");
            last.push(answer.text().await.expect("the answer is complete") == "[]");
        }
        last == [false, true]
    }

    /// The time of one page, from sending to the last byte; nothing is decoded.
    async fn page(&self) -> Duration {
        let request = self.signed(self.http.get(format!("{}?limit=100", self.orders)));
        let start = Instant::now();
        let answer = request.send().await.expect("the sandbox answers");
        let status = answer.status();
        let body = answer.bytes().await.expect("the answer is complete");
        let time = start.elapsed();
        assert!(status.is_success() && body.len() > 10_000, "{status}, {} bytes", body.len());
        time
    }
}
