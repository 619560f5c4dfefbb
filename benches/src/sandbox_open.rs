//! Measures how long a sandbox with many markets takes to start.

use crate::measure::{median, verdict};
use capecrypto_sandbox::{Builder, Currency, Market, Sandbox};
use std::time::Instant;

const MARKETS: u32 = 1_000;
const ROUNDS: u32 = 15;
/// The highest allowed median time of `start`, in milliseconds.
const AT_MOST_MS: f64 = 100.0;

pub fn run() -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let times = (0..ROUNDS).map(|_| {
        let builder = builder();
        runtime.block_on(async {
            let start = Instant::now();
            let sandbox = builder.start().await.expect("a port is free");
            let took = start.elapsed();
            sandbox.shutdown().await;
            took.as_secs_f64() * 1e3
        })
    });
    let mut ok = true;
    println!("\nsandbox-open: a sandbox with {MARKETS} more markets starts");
    println!("  {}", verdict(median(times.collect()), AT_MOST_MS, "ms", &mut ok));
    ok
}

fn builder() -> Builder {
    (0..MARKETS).fold(Sandbox::builder(), |builder, number| {
        let coin = format!("c{number}");
        let market = Market::new(&format!("{coin}zar"), &coin, "zar").expect("a name of a market");
        builder.currency(Currency::coin(&coin).expect("a code")).market(market)
    })
}
