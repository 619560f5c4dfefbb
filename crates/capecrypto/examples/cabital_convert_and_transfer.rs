//! A customer's bitcoin becomes dollars at the partner, once: `cargo run --example cabital_convert_and_transfer`.
//!
//! Cabital's side runs in this process. With a real one, leave out the lines with `sandbox`. `docs/CABITAL.md` explains each step.

// An example prints its results.
#![allow(clippy::print_stdout)]

use capecrypto::{
    Credentials,
    cabital::{
        Cabital, ConvertAndTransfer, Hosts,
        accounts::{GetAccountDetail, ListBalances},
        conversions::Conversion,
        convert_and_transfer::{Done, TransferDone, unfinished},
        models::ExternalId,
        partner::{GetConfig, GetQuote, GetReconciliation},
    },
    dec,
    rest::FileIntentLog,
};
use capecrypto_sandbox::Sandbox;
use std::{error::Error, sync::Arc};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let access = sandbox.cabital();
    let account = access.account_id.as_str();

    // The log outlives the process: after a crash it tells how far the work came.
    let folder = std::env::temp_dir().join(format!("cabital-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let log = Arc::new(FileIntentLog::at(folder.join("intents.jsonl"))?);
    let cabital = Cabital::builder(Hosts::at(&access.origin, &access.link_origin)?)
        .credentials(Credentials::new(&access.access_key, &access.secret)?)
        .intent_log(log)
        .build()?;

    // May this account do it? Is the pair offered?
    let detail = cabital.send(GetAccountDetail::new(account)).await?;
    println!("the account is {:?}", detail.status);
    if !cabital.send(GetConfig::new()).await?.converts(&"BTC-USDT".parse()?) {
        return Err("the pair is not offered".into());
    }
    let before = cabital.send(ListBalances::new(account)).await?;

    // A quote lives some seconds. One that is too old is refused here, before anything is sent.
    let quote = cabital.send(GetQuote::new("BTC-USDT")).await?;
    println!("1 BTC costs {} USDT, for the next {} s", quote.quote, quote.time_left(cabital.now()).as_secs());

    // 100 USDT are bought, and moved to the partner. How much bitcoin that costs follows from the quote, cut off at its last
    // digit. The id is yours: keep it in your database before you begin.
    let id = ExternalId::random();
    let conversion = Conversion::buy(("USDT", dec!(100)), &quote);
    let work = ConvertAndTransfer::new(account, conversion, &id).otp("123456");
    match work.run(&cabital).await {
        Done::Transferred(transfer) => println!("transfer {} is {}", transfer.id(), transfer.status()),
        Done::Nothing(error) => return Err(format!("nothing was done: {error}").into()),
        other => return Err(format!("{other:?}: run it again with the id {id}").into()),
    }

    // Again, as after a crash: nothing is converted and nothing is moved a second time.
    let again = work.run(&cabital).await;
    let Done::Transferred(TransferDone::Found(found)) = again else {
        return Err(format!("{again:?}").into());
    };
    println!("a second run has found it: {}", found.transfer_id);

    // The books.
    let booked = cabital.send(GetReconciliation::new(id.as_str())).await?;
    let after = cabital.send(ListBalances::new(account)).await?;
    for symbol in ["BTC", "USDT"] {
        let code = symbol.parse()?;
        let [before, after] = [&before, &after].map(|balances| balances.of(&code).unwrap_or_default());
        println!("{symbol}: {before} before, {after} after");
    }
    let left = unfinished(&cabital).await?;
    std::fs::remove_dir_all(&folder)?;
    if booked.transfer_id != found.transfer_id || !left.is_empty() {
        return Err("the books do not agree".into());
    }
    Ok(())
}
