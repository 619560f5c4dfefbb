//! One account asks for bitcoin over the lightning network, another one pays: `cargo run --example pay_invoice`.
//!
//! The exchange runs in this process. With the real one, leave out the lines with `sandbox`.

// An example prints its results.
#![allow(clippy::print_stdout)]

use capecrypto::{
    Cape, Credentials, Environment, Outcome,
    account::{CreateLightningInvoice, GetWithdrawQuote, ListWithdrawals, PayLightning},
    models::{Bolt11, Sats},
};
use capecrypto_sandbox::Sandbox;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let (payee, payer) = (cape(&sandbox, "maker")?, cape(&sandbox, "taker")?);

    // The payee makes an invoice. Its text is given to the payer; it can be paid for an hour.
    let invoice = payee.send(CreateLightningInvoice::new(Sats::new(2_500)).description("Rooibos")).await?;
    let text: Bolt11 = invoice.invoice()?;

    // The payer reads the amount from the text itself. Another amount would be refused before anything is sent.
    let amount = text.amount()?.ok_or("the invoice leaves the amount to the payer")?;
    let quote = payer.send(GetWithdrawQuote::lightning(text.clone())).await?;
    println!("{amount}, and a fee of {} {}", quote.fee, quote.currency);

    // `search` knows what to look for if the answer is lost. Keep the invoice where it survives a crash.
    let payment = PayLightning::invoice(text, amount).quote(quote);
    let search = payment.search(payer.now()).ok_or("an argument cannot be sent")?;
    match payer.send(payment).await {
        Ok(accepted) => println!("accepted: {:?}", accepted.state),
        // It may be on its way: look for it, and do not pay another invoice for the same thing.
        Err(error) if error.outcome() == Outcome::Unknown => {
            for found in search.find(&payer).await?.candidates {
                println!("perhaps {}: same invoice {:?}", found.withdrawal.id, found.same_destination);
            }
        }
        Err(error) => return Err(error.into()),
    }

    // Accepted is not paid: the list of withdrawals tells how it ended.
    sandbox.control().advance_clock(60_000);
    let withdrawals = payer.send(ListWithdrawals::new().currency("btc").limit(1)).await?;
    let paid = withdrawals.first().ok_or("there is no withdrawal")?;
    println!("withdrawal {}: {} btc, {}", paid.id, paid.amount, paid.state);
    sandbox.shutdown().await;
    Ok(())
}

fn cape(sandbox: &Sandbox, name: &str) -> Result<Cape, Box<dyn Error>> {
    let keys = sandbox.account(name).ok_or("the sandbox has no such account")?;
    let credentials = Credentials::new(&keys.api_key, &keys.secret)?;
    Ok(Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?)
}
