//! Measures a receiver over loopback: signed deliveries a second, each with an effect in the transaction of the store. The
//! figures belong to the machine, so they have no bar, but no event may be missed or booked twice.

use capecrypto_models::{DepositId, Timestamp};
use capecrypto_webhook::{
    Handler, Inbox, Incoming, PostgresError, PostgresStore, Receiver, SqliteError, SqliteStore, Transaction,
    Verifier, testing,
};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use tokio::{net::TcpListener, runtime::Runtime};

const SECRET: &str = "a_secret_of_32_letters_and_digits";
/// Different events.
const EVENTS: usize = 4_000;
/// Connections of the exchange.
const AT_ONCE: usize = 16;
const SCHEMA: &str = "capecrypto_bench";
const DATABASE: &str = "CAPECRYPTO_TEST_DATABASE_URL";
const TABLE: &str = "CREATE TABLE IF NOT EXISTS booked (key TEXT NOT NULL)";

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/PERFORMANCE.md");
const BEGIN: &str = "<!-- receiver: written by `capecrypto-bench receiver --write` -->\n";
const END: &str = "<!-- receiver: end -->";

/// Writes one row for each event.
struct Books;

impl Handler<SqliteStore> for Books {
    type Error = SqliteError;

    async fn handle(
        &self,
        incoming: Incoming,
        transaction: &mut Transaction<'_, SqliteStore>,
    ) -> Result<(), SqliteError> {
        let key = incoming.key.to_string();
        transaction.run(move |file| file.execute("INSERT INTO booked VALUES (?1)", [key])).await?;
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
        let insert = format!("INSERT INTO {SCHEMA}.booked VALUES ($1)");
        transaction.client().await?.execute(&insert, &[&incoming.key.as_str()]).await?;
        Ok(())
    }
}

/// The process of a receiver: prints its address, and serves until its standard input ends.
pub fn serve(store: &str) -> Option<()> {
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let verifier = Verifier::hmac("only", SECRET).expect("a valid secret");
        let receiver = match store.strip_prefix("postgres:") {
            Some(address) => {
                Receiver::new(verifier, Inbox::new(PostgresStore::connect(address, SCHEMA).ok()?), Books)
            }
            None => Receiver::new(verifier, Inbox::new(SqliteStore::open(store).await.ok()?), Books),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{}", listener.local_addr().expect("it is bound"));
        let app = axum::Router::new().route("/", axum::routing::post(receiver));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let end = tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop));
        end.await.ok()
    })
}

/// A receiver in a process of its own, which ends with this value.
struct Served {
    process: Child,
    url: String,
}

impl Served {
    fn start(store: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program has a path"))
            .args(["receive", store])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started again");
        let mut line = String::new();
        let output = process.stdout.take().expect("it is piped");
        BufReader::new(output).read_line(&mut line).expect("it prints its address");
        Self { process, url: format!("http://{}/", line.trim()) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ended = self.process.wait();
    }
}

/// Sends each event once to each receiver, to all of them at about the same time, and again until it is answered 200. Answers the
/// time until the last answer.
fn deliver(receivers: &[Served]) -> Duration {
    // The samples have a time of the past, at which an event is too old to be handled.
    let now = i64::try_from(crate::by_hand::now_ms()).expect("a time of our days");
    let now = Timestamp::from_unix_millis(now).expect("a time of our days");
    let deliveries: Vec<_> = (0..EVENTS)
        .map(|event| {
            let deposit = DepositId::new(event as u64 + 1);
            let delivery = testing::completed()
                .at(now)
                .reference(&format!("PAY-{event:06}"))
                .deposit(deposit)
                .signed(SECRET);
            (delivery.headers(), delivery.body)
        })
        .collect();
    let (deliveries, next) = (&deliveries, &AtomicUsize::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let http = crate::by_hand::http().build().expect("the settings are sound");
        let start = Instant::now();
        let senders = (0..AT_ONCE).map(|_| async {
            while let Some((headers, body)) = deliveries.get(next.fetch_add(1, Ordering::Relaxed)) {
                let to_all = receivers.iter().map(|receiver| async {
                    loop {
                        let request = http.post(&receiver.url).headers(headers.clone()).body(body.clone());
                        let answer = request.send().await.expect("the receiver answers");
                        match answer.status().as_u16() {
                            200 => break,
                            503 => tokio::time::sleep(Duration::from_millis(1)).await,
                            other => panic!("answered {other}"),
                        }
                    }
                });
                futures_util::future::join_all(to_all).await;
            }
        });
        futures_util::future::join_all(senders).await;
        start.elapsed()
    })
}

/// One row of the results.
struct Measured {
    name: String,
    events: f64,
    deliveries: f64,
    booked: usize,
}

impl Measured {
    fn new(name: &str, receivers: usize, took: Duration, booked: usize) -> Self {
        let events = EVENTS as f64 / took.as_secs_f64();
        Self { name: name.to_owned(), events, deliveries: events * receivers as f64, booked }
    }
}

fn sqlite() -> Measured {
    let folder = std::env::temp_dir().join(format!("capecrypto-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    let path = folder.join("webhooks.db");
    let path = path.to_str().expect("the path is text");
    let runtime = Runtime::new().expect("a runtime");
    let store = runtime.block_on(async {
        let store = SqliteStore::open(path).await.expect("a new file");
        store.run(|file| file.execute_batch(TABLE)).await.expect("a new table");
        store
    });
    let receivers = [Served::start(path)];
    let took = deliver(&receivers);
    drop(receivers);
    let count = store.run(|file| file.query_row("SELECT count(*) FROM booked", [], |row| row.get(0)));
    let booked: i64 = runtime.block_on(count).expect("the table can be read");
    fs::remove_dir_all(&folder).expect("the folder can be removed");
    Measured::new("SQLite, one process", 1, took, booked as usize)
}

fn postgres(address: &str, processes: usize) -> Measured {
    let runtime = Runtime::new().expect("a runtime");
    let store = PostgresStore::connect(address, SCHEMA).expect("a valid address");
    let run = |sql: String| {
        runtime.block_on(async {
            let client = store.pool().get().await.expect("PostgreSQL answers");
            client.simple_query(&sql).await.expect("it is allowed")
        })
    };
    let drop_schema = format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE");
    run(drop_schema.clone());
    runtime.block_on(store.migrate()).expect("new tables");
    run(TABLE.replace("booked", &format!("{SCHEMA}.booked")));
    let receivers: Vec<_> = (0..processes).map(|_| Served::start(&format!("postgres:{address}"))).collect();
    let took = deliver(&receivers);
    drop(receivers);
    let booked: i64 = runtime.block_on(async {
        let client = store.pool().get().await.expect("PostgreSQL answers");
        let count = format!("SELECT count(*) FROM {SCHEMA}.booked");
        client.query_one(&count, &[]).await.expect("the table can be read").get(0)
    });
    run(drop_schema);
    let name = if processes == 1 {
        "PostgreSQL, one process"
    } else {
        "PostgreSQL, two processes, each event to both"
    };
    Measured::new(name, processes, took, booked as usize)
}

/// Measures, prints, and writes the results into the document if that is asked for. False if an event was missed or booked twice.
pub fn run(write: bool) -> bool {
    let mut measured = vec![sqlite()];
    match std::env::var(DATABASE) {
        Ok(address) => measured.extend([1, 2].map(|processes| postgres(&address, processes))),
        Err(_) => println!("PostgreSQL is left out: set {DATABASE}"),
    }
    let mut table = String::from(
        "| store and receivers | events a second | deliveries a second | booked |\n| --- | --- | --- | --- |\n",
    );
    for Measured { name, events, deliveries, booked } in &measured {
        table += &format!("| {name} | {events:.0} | {deliveries:.0} | {booked} of {EVENTS} |\n");
    }
    println!("\nreceiver: axum over loopback, one transaction an event, {AT_ONCE} connections\n{table}");
    if write {
        replace(Path::new(DOCUMENT), &format!("{}\n{table}", machine()));
    }
    measured.iter().all(|row| row.booked == EVENTS)
}

/// What the figures belong to.
fn machine() -> String {
    let read = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(key).map(str::to_owned));
        line.map_or("unknown".to_owned(), |line| line.trim_start_matches([':', ' ', '\t']).to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    let now = jiff::Timestamp::now().to_string();
    let now = now.split('T').next().unwrap_or("unknown");
    format!(
        "{now}, {} with {cores} cores, load average {load} at the end, {EVENTS} events, {AT_ONCE} connections.\n",
        read("/proc/cpuinfo", "model name"),
    )
}

/// Replaces the part of the document between the marks.
fn replace(path: &Path, part: &str) {
    let text = fs::read_to_string(path).expect("the document can be read");
    let (before, rest) = text.split_once(BEGIN).expect("the document has the first mark");
    let (_, after) = rest.split_once(END).expect("the document has the last mark");
    fs::write(path, format!("{before}{BEGIN}\n{part}\n{END}{after}")).expect("the document can be written");
}
