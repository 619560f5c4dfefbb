//! All trades of an account as CSV on standard output: `cargo run --example export_trades > trades.csv`.
//!
//! It reads these environment variables: `CAPE_ENVIRONMENT` (`live` when it is not set), `CAPE_API_KEY` and `CAPE_API_SECRET`. Without
//! a key it starts a local exchange, trades there, and exports that.

// An example prints its results.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use capecrypto::{Cape, Credentials, Environment, Side, dec, trading};
use capecrypto_sandbox::Sandbox;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (cape, _sandbox) = match Credentials::from_env() {
        Ok(credentials) => (Cape::builder(Environment::from_env()?).credentials(credentials).build()?, None),
        Err(reason) => {
            eprintln!("{reason}; exporting from a local exchange");
            let (cape, sandbox) = local().await?;
            (cape, Some(sandbox))
        }
    };
    println!("id,time,market,side,price,amount,total,fee,fee_currency,order");
    let mut trades = cape.items(trading::ListTrades::new());
    let mut count = 0;
    while let Some(trade) = trades.try_next().await? {
        // Decimals are written as the exchange sent them: nothing passes through a float.
        println!(
            "{},{},{},{},{},{},{},{},{},{}",
            trade.id,
            trade.created_at,
            trade.market,
            text(trade.side.as_ref()),
            trade.price,
            trade.amount,
            text(trade.total),
            text(trade.fee_amount),
            text(trade.fee_currency.as_ref()),
            text(trade.order_id),
        );
        count += 1;
    }
    eprintln!("{count} trades");
    // Rows that could not be read are missing above: an export that leaves them out must say so.
    match trades.unreadable() {
        [] => Ok(()),
        [first, ..] => Err(format!("some rows could not be read, the first: {first}").into()),
    }
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A local exchange with a few trades.
async fn local() -> Result<(Cape, Sandbox), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let sign_in = |name: &str| -> Result<Cape, Box<dyn Error>> {
        let keys = sandbox.account(name).ok_or("the sandbox has no such account")?;
        let credentials = Credentials::new(&keys.api_key, &keys.secret)?;
        Ok(Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?)
    };
    let (maker, taker) = (sign_in("maker")?, sign_in("taker")?);
    for price in [dec!(840_000), dec!(841_000.5), dec!(842_000)] {
        maker.send(trading::CreateOrder::limit("btczar", Side::Sell, dec!(0.001), price)).await?;
        taker.send(trading::CreateOrder::limit("btczar", Side::Buy, dec!(0.001), price)).await?;
    }
    // Orders are carried out just after they are accepted, so wait for the trades.
    while taker.send(trading::ListTrades::new()).await?.len() < 3 {
        tokio::task::yield_now().await;
    }
    Ok((taker, sandbox))
}
