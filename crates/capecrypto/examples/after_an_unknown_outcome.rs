//! An order is placed and its answer is lost: how to find out what happened to it.
//! `cargo run --example after_an_unknown_outcome`.
//!
//! The exchange runs in this process, and loses the answer on purpose. The rest is what a program does with the real
//! one: it never sends the order again, but looks for it by its custom order id.

// An example prints its results.
#![allow(clippy::print_stdout)]

use capecrypto::{Cape, Credentials, Environment, Order, Outcome, Side, Timestamp, dec, trading};
use capecrypto_sandbox::{Fault, FaultKind, Sandbox};
use std::{error::Error, time::Duration};

/// How often to look for the order before it counts as not placed, and the pause in between: together more than the five
/// seconds for which the exchange accepts a nonce. What has not reached it by then is refused.
const LOOKS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let keys = sandbox.account("maker").ok_or("the sandbox has no account maker")?;
    let credentials = Credentials::new(&keys.api_key, &keys.secret)?;
    let cape = Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?;

    // The exchange carries the order out and closes the connection before it answers.
    sandbox.control().inject(Fault::next(FaultKind::ResetAfterApply).on("POST", "/market/orders"));

    // Every order has a custom order id. It is known before the order is sent: keep `order.name()` where it survives a crash.
    // (A `FileIntentLog` does that for each write.)
    let order = trading::CreateOrder::limit("btczar", Side::Buy, dec!(0.001), dec!(800_000));
    let error = match cape.send(order.clone()).await {
        Ok(order) => {
            println!("{:?} was placed", order.id);
            return Ok(());
        }
        Err(error) => error,
    };
    println!("{error}");
    match error.outcome() {
        Outcome::Unknown => {}
        // Nothing was done. Try again only if the cause is gone and the price is still right.
        outcome => {
            println!("{outcome:?}; another try is safe: {}", error.is_safe_to_retry());
            return Ok(());
        }
    }
    // The client has noted when it was sent. With a `FileIntentLog` the note survives a crash.
    let open = cape.intents().open().await?;
    let intent =
        open.iter().find(|intent| Some(intent.id()) == error.intent()).ok_or("there is no intent")?;
    let note = match find(&cape, &order, intent.at()).await? {
        Some(order) => format!("the order is there: {:?}, {}", order.id, order.state),
        None => "the order was not placed; the stream would tell if it came later".to_owned(),
    };
    println!("{note}");
    cape.intents().close(intent.id(), &note).await?;
    Ok(())
}

/// Looks for an order by its custom order id several times: a server can be slow to show it.
async fn find(
    cape: &Cape,
    order: &trading::CreateOrder,
    sent_at: Timestamp,
) -> Result<Option<Order>, Box<dyn Error>> {
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let found = order.find(cape, sent_at).await?;
        if let Some(order) = found.items.into_iter().next() {
            return Ok(Some(order));
        }
        // A row that could not be read might be this order.
        if let Some(row) = found.unreadable.first() {
            return Err(format!("a row of the list cannot be read: {row}").into());
        }
    }
    Ok(None)
}
