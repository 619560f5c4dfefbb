//! Receives webhooks and books each payment once. `cargo run -p capecrypto-webhook --example webhook_receiver`
//!
//! Without options it shows itself: it starts the local exchange, lets it send events, and prints what was booked. With
//! `--listen` it is a server, and its secret comes from the environment:
//!
//! ```sh
//! WEBHOOK_SECRET=… cargo run -p capecrypto-webhook --example webhook_receiver -- --listen 127.0.0.1:8081
//! ```
//!
//! `--sqlite FILE` (webhooks.db) or `--postgres URL` chooses the store. With PostgreSQL, several of these can run at once.

// An example prints its results.
#![allow(clippy::print_stdout)]

use capecrypto_auth::{Credentials, Environment};
use capecrypto_merchant::{account_webhook::CreateWebhook, forms::WebhookSettings};
use capecrypto_rest::Client;
use capecrypto_sandbox::{Sandbox, WebhookFault, WebhookState};
use capecrypto_webhook::{
    Handler, Inbox, Incoming, Notice, PostgresError, PostgresStore, Receiver, SqliteError, SqliteStore,
    Transaction, Verifier, WebhookEvent,
    rusqlite::{self, Connection},
    testing,
};
use std::{error::Error, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

const USAGE: &str = "usage: webhook_receiver [--listen ADDRESS:PORT] [--sqlite FILE | --postgres URL]";

/// The table of the shop, in the same database as the inbox.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS booked (
    key       TEXT PRIMARY KEY,
    event     TEXT NOT NULL,
    reference TEXT,
    what      TEXT NOT NULL
)";

/// Writes a row for each event. The row and the end of the event are kept together, or not at all.
struct Books;

impl Handler<SqliteStore> for Books {
    type Error = SqliteError;

    async fn handle(
        &self,
        incoming: Incoming,
        transaction: &mut Transaction<'_, SqliteStore>,
    ) -> Result<(), SqliteError> {
        let row = row(&incoming);
        let insert = "INSERT INTO booked VALUES (?1, ?2, ?3, ?4)";
        transaction.run(move |file| file.execute(insert, row)).await?;
        Ok(())
    }
}

impl Handler<PostgresStore> for Books {
    type Error = PostgresError;

    async fn handle(
        &self,
        incoming: Incoming,
        transaction: &mut Transaction<'_, PostgresStore>,
    ) -> Result<(), PostgresError> {
        let (key, event, reference, what) = row(&incoming);
        let insert = "INSERT INTO booked VALUES ($1, $2, $3, $4)";
        transaction.client().await?.execute(insert, &[&key, &event, &reference, &what]).await?;
        Ok(())
    }
}

/// What is booked: the key and the name of the event, its payment reference, and what to do.
fn row(incoming: &Incoming) -> (String, String, Option<String>, String) {
    let event = &incoming.event;
    let what = match event {
        WebhookEvent::DepositMatched(paid) => format!("{} {} came", paid.amount, paid.currency),
        WebhookEvent::Completed(paid) => format!("ship it: deposit {} is done", paid.deposit_id),
        WebhookEvent::Failed(_) => {
            "ask a person: the money is there, and what was to follow has failed".to_owned()
        }
        WebhookEvent::DuplicateDeposit(further) => {
            format!("give back {} {}, or book it to the customer", further.amount, further.currency)
        }
        // Of a deposit, or of a newer version of the exchange. It is kept, so that nothing is lost.
        _ => "look at it".to_owned(),
    };
    let reference = event.reference().map(str::to_owned);
    (incoming.key.to_string(), event.name().to_owned(), reference, what)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse(std::env::args().skip(1))?;
    let Some(listen) = options.listen else { return show().await };
    let secret = std::env::var("WEBHOOK_SECRET").map_err(|_| "set WEBHOOK_SECRET to the webhook's secret")?;
    let verifier = Verifier::hmac("WEBHOOK_SECRET", secret)?;
    let receiver = match options.postgres {
        Some(url) => {
            let store = PostgresStore::connect(&url, "webhooks")?;
            store.migrate().await?;
            store.pool().get().await?.batch_execute(TABLE).await?;
            Receiver::new(verifier, Inbox::new(store), Books)
        }
        None => {
            let store = SqliteStore::open(&options.sqlite).await?;
            store.run(|file| file.execute_batch(TABLE)).await?;
            Receiver::new(verifier, Inbox::new(store), Books)
        }
    };
    let listener = TcpListener::bind(listen).await?;
    println!("send webhooks to http://{}/webhooks", listener.local_addr()?);
    serve(listener, receiver).await
}

async fn serve(listener: TcpListener, receiver: Receiver) -> Result<(), Box<dyn Error>> {
    let receiver = receiver.on(tell);
    let app = axum::Router::new().route("/webhooks", axum::routing::post(receiver));
    Ok(axum::serve(listener, app).await?)
}

/// What a person or a dashboard should see.
fn tell(notice: Notice<'_>) {
    match notice {
        Notice::Rejected(why) => println!("refused: {why}"),
        Notice::Duplicate { key } => println!("again, and not handled again: {key}"),
        Notice::Finished { key, .. } => println!("booked: {key}"),
        Notice::Stale { key, .. } => println!("too old, look it up: {key}"),
        Notice::Dead { key } => println!("has failed too often: {key}"),
        _ => {}
    }
}

/// Starts the local exchange, lets it send events to this program, and compares what was booked.
async fn show() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("webhook_receiver-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let store = SqliteStore::open(folder.join("webhooks.db")).await?;
    store.run(|file| file.execute_batch(TABLE)).await?;
    let receiver = Receiver::new(Verifier::hmac("demo", SECRET)?, Inbox::new(store.clone()), Books);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/webhooks", listener.local_addr()?);
    tokio::spawn(async move {
        if let Err(error) = serve(listener, receiver).await {
            println!("{error}");
        }
    });

    // A merchant tells the exchange where its webhooks go, and how they are signed.
    let sandbox = Sandbox::start().await?;
    let keys = sandbox.account("merchant").ok_or("the sandbox has no account merchant")?;
    let environment = Environment::local(sandbox.origin())?;
    let client =
        Client::builder(environment).credentials(Credentials::new(&keys.api_key, &keys.secret)?).build()?;
    client.send(CreateWebhook::new(WebhookSettings::hmac(url, SECRET))).await?;

    // One event comes as it should, one twice at once, and the first delivery of one with another body than was signed. That one
    // is refused; the exchange repeats it after 30 seconds of its clock.
    let control = sandbox.control();
    let send = |sample: testing::Sample| {
        let WebhookEvent::Completed(paid) = sample.event()? else { return Err("another event".into()) };
        let fields = serde_json::to_string(&paid)?;
        Ok::<_, Box<dyn Error>>(control.send_event("merchant", "payment_reference.completed", &fields)?)
    };
    let sample = |reference| testing::completed().reference(reference).at(client.now());
    send(sample("PAY-ONCE"))?;
    control.disturb_webhooks(None, WebhookFault::Twice, 1);
    send(sample("PAY-TWICE"))?;
    control.disturb_webhooks(None, WebhookFault::OtherBody, 1);
    let changed = send(sample("PAY-CHANGED"))?;
    wait_for(|| control.webhooks(changed - 1).iter().any(|delivery| delivery.next_at_ms.is_some())).await?;
    control.advance_clock(31_000);
    wait_for(|| control.webhooks(0).iter().all(|delivery| delivery.state == WebhookState::Delivered)).await?;

    let booked = store.run(rows).await?;
    for (reference, what) in &booked {
        println!("{reference}: {what}");
    }
    std::fs::remove_dir_all(&folder)?;
    let references: Vec<&str> = booked.iter().map(|(reference, _)| reference.as_str()).collect();
    if references != ["PAY-CHANGED", "PAY-ONCE", "PAY-TWICE"] {
        return Err("a payment was lost, or booked twice".into());
    }
    Ok(())
}

fn rows(file: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut select = file.prepare("SELECT reference, what FROM booked ORDER BY reference")?;
    select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Waits until this is so, at most ten seconds.
async fn wait_for(done: impl Fn() -> bool) -> Result<(), &'static str> {
    for _ in 0..500 {
        if done() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err("nothing happened for ten seconds")
}

/// The secret of the demonstration.
const SECRET: &str = "0f2d3c9f1b7a4e58";

/// The command line.
struct Options {
    listen: Option<SocketAddr>,
    sqlite: String,
    postgres: Option<String>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self { listen: None, sqlite: "webhooks.db".to_owned(), postgres: None };
        while let Some(option) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("{option} needs a value\n{USAGE}"))?;
            match option.as_str() {
                "--listen" => {
                    let address = value.parse();
                    options.listen =
                        Some(address.map_err(|_| format!("--listen: not an address with a port\n{USAGE}"))?);
                }
                "--sqlite" => options.sqlite = value,
                "--postgres" => options.postgres = Some(value),
                _ => return Err(format!("there is no option {option}\n{USAGE}")),
            }
        }
        Ok(options)
    }
}
