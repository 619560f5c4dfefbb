//! Measures the export of a long history to a file.

use crate::{
    by_hand::{self, KEY, SECRET, Signer},
    counting,
    measure::{self, Bar, Candidate, Clock, Plan, compare_all_threads, report, verdict},
    rest::{Server, TABLE_ROWS},
};
use capecrypto_auth::Environment;
use capecrypto_exchange::account::{ExportTransactions, ListTransactions};
use capecrypto_rest::Client;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{io::AsyncWriteExt, runtime::Runtime};

const PLAN: Plan = Plan { rounds: 41, calls: 1 };
/// The highest allowed CPU time of the export, in multiples of copying the same body to a file.
const AT_MOST: f64 = 1.20;
/// The highest allowed number of bytes that the export needs at one time, in MiB.
const AT_MOST_MIB: f64 = 8.0;

pub fn run() -> bool {
    let server = Server::start();
    measure::pin(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = std::env::temp_dir().join(format!("capecrypto-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    let by_hand = folder.join("by-hand.csv");
    let sdk = folder.join("sdk.csv");
    let mut all_ok = true;
    let candidates = [
        Candidate { name: "reqwest to a file", run: bare(&server, &runtime, by_hand) },
        Candidate { name: "sdk", run: export(&server, &runtime, sdk.clone(), false) },
        Candidate { name: "sdk, all columns", run: export(&server, &runtime, sdk.clone(), true) },
    ];
    let measured = compare_all_threads(PLAN, candidates);
    let bars =
        ["sdk", "sdk, all columns"].map(|candidate| Bar { candidate, clock: Clock::Cpu, at_most: AT_MOST });
    all_ok &= report(&format!("csv: {TABLE_ROWS} rows to a file"), &measured, &bars);
    let mut once = export(&server, &runtime, sdk, false);
    let ((), counted) = counting::count(|| once(1));
    let peak = counted.peak as f64 / f64::from(1 << 20);
    println!("  at one time: {}", verdict(peak, AT_MOST_MIB, "MiB", &mut all_ok));
    drop(once);
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
    all_ok
}

/// By hand: each piece of the body goes to the file, which is on the disk at the end.
fn bare<'a>(server: &Server, runtime: &'a Runtime, path: PathBuf) -> Box<dyn FnMut(u32) + 'a> {
    let http = by_hand::http().build().expect("the settings are sound");
    let signer = Signer::new(KEY, SECRET);
    let mut nonce = by_hand::now_ms();
    let url = format!("{}/api/v2/atlas/account/transactions", server.origin);
    Box::new(move |exports| {
        runtime.block_on(async {
            for _ in 0..exports {
                nonce += 1;
                let mut request = http.get(&url).header("accept", "text/csv");
                for (name, value) in signer.headers(nonce) {
                    request = request.header(name, value);
                }
                copy(request, &path).await;
            }
        });
    })
}

async fn copy(request: reqwest::RequestBuilder, path: &Path) {
    let mut response = request.send().await.expect("the server answers");
    assert!(response.status().is_success(), "{}", response.status());
    let mut file = tokio::fs::File::create(path).await.expect("the file can be written");
    while let Some(piece) = response.chunk().await.expect("the answer is complete") {
        file.write_all(&piece).await.expect("the disk has room");
    }
    file.sync_all().await.expect("the disk has room");
}

fn export<'a>(
    server: &Server,
    runtime: &'a Runtime,
    path: PathBuf,
    all_columns: bool,
) -> Box<dyn FnMut(u32) + 'a> {
    let (clock, time) = capecrypto_auth::Clock::manual(by_hand::now_ms());
    let environment = Environment::local(&server.origin).expect("the server is on this machine");
    let client = Client::builder(environment).credentials(by_hand::credentials()).clock(clock).build();
    let client = client.expect("the settings are sound");
    Box::new(move |exports| {
        runtime.block_on(async {
            for _ in 0..exports {
                time.advance(Duration::from_millis(1));
                let mut table = client.tables([ExportTransactions::of(ListTransactions::new())]);
                if all_columns {
                    table = table.keep("voucher_pin").keep("change_voucher_pin");
                }
                let joined = table.save(&path).await.expect("the server answers");
                assert_eq!(joined.rows, TABLE_ROWS as u64);
            }
        });
    })
}
