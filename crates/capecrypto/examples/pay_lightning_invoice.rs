//! One account makes a lightning invoice, another one pays it. `cargo run --example pay_lightning_invoice`.
//!
//! The exchange runs in this process. With the real one, leave out the lines with `sandbox`.

// An example prints its results.
#![allow(clippy::print_stdout)]

use capecrypto::{
    Cape, Credentials, Environment, Outcome,
    account::{CreateLightningInvoice, GetBalance, GetWithdrawQuote, ListWithdrawals, PayLightning},
    dec,
    models::Sats,
};
use capecrypto_sandbox::Sandbox;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let sign_in = |name: &str| -> Result<Cape, Box<dyn Error>> {
        let keys = sandbox.account(name).ok_or("the sandbox has no such account")?;
        let credentials = Credentials::new(&keys.api_key, &keys.secret)?;
        Ok(Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?)
    };
    let (shop, customer) = (sign_in("merchant")?, sign_in("taker")?);
    let before = shop.send(GetBalance::new("btc")).await?;

    // The shop asks for 25,000 satoshi. The invoice is valid for an hour.
    let price = Sats::new(25_000);
    let invoice = shop.send(CreateLightningInvoice::new(price).description("Rooibos, 1 kg")).await?;
    let bolt = invoice.bolt.expose();
    println!("invoice over {} ({} BTC)", invoice.amount, invoice.amount.to_btc());

    // A wrong amount is refused before anything is sent: the invoice's own text says what it costs.
    let wrong = customer.send(PayLightning::invoice(bolt.as_str(), Sats::new(2_500_000))).await;
    let refused = wrong.err().ok_or("a wrong amount was sent")?;
    println!("{refused}");
    if refused.outcome() != Outcome::NotSent {
        return Err("a wrong amount was sent".into());
    }

    // What does it cost? Then it is paid, once.
    let quote = customer.send(GetWithdrawQuote::lightning(bolt.as_str())).await?;
    println!("the fee is {} BTC", quote.fee);
    let payment = PayLightning::invoice(bolt.as_str(), price).quote(quote);
    let sent_at = customer.now();
    match customer.send(payment.clone()).await {
        Ok(accepted) => println!("accepted for {}, not paid yet", accepted.amount),
        // The search says which withdrawal it may be. Do not pay another invoice before you know.
        Err(error) if error.outcome() == Outcome::Unknown => {
            let found = payment.find(&customer, sent_at).await?;
            return Err(format!("{error}; it may be one of {:?}", found.candidates).into());
        }
        Err(error) => return Err(format!("nothing was paid: {error}").into()),
    }

    // "Accepted" is not "paid": the withdrawals tell how it ended. The exchange's clock is moved instead of waiting.
    sandbox.control().advance_clock(60_000);
    let paid = customer.send(ListWithdrawals::new().currency("btc")).await?;
    let paid = paid.first().ok_or("the payment is not in the history")?;
    println!("withdrawal {} over {} BTC is {}", paid.id, paid.amount, paid.state);

    let after = shop.send(GetBalance::new("btc")).await?;
    println!("the shop had {} BTC and has {} BTC", before.total(), after.total());
    if !paid.state.is_success() || after.total() != before.total() + dec!(0.00025) {
        return Err("the shop does not have the money".into());
    }
    Ok(())
}
