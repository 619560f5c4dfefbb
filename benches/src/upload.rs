//! Measures the upload of a document.

use crate::{
    by_hand::{self, KEY, SECRET, Signer},
    counting,
    measure::{self, Bar, Candidate, Plan, compare, report, verdict},
    rest::Server,
};
use bytes::Bytes;
use capecrypto_auth::Environment;
use capecrypto_merchant::documents::UploadCustomerDocument;
use capecrypto_models::Upload;
use capecrypto_rest::{Client, upload};
use reqwest::multipart::{Form, Part};
use std::{
    io::Cursor,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::runtime::Runtime;

const PLAN: Plan = Plan { rounds: 41, calls: 4 };
/// Bytes of the document: the most that the exchange takes.
const SIZE: usize = 10 << 20;
/// The highest allowed time from memory, in multiples of bare reqwest: at least 0.9 of its throughput.
const AT_MOST: f64 = 1.0 / 0.9;
/// The highest allowed number of bytes that an upload needs at one time beside those of the document, in MiB.
const AT_MOST_MIB: f64 = 1.0;

/// Where the document comes from.
#[derive(Clone, Copy)]
enum Source {
    Memory,
    Disk,
    Reader,
}

pub fn run() -> bool {
    let server = Server::start();
    measure::pin(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let path = std::env::temp_dir().join(format!("capecrypto-bench-{}.pdf", std::process::id()));
    let mut document = vec![7; SIZE];
    document[..8].copy_from_slice(b"%PDF-1.7");
    std::fs::write(&path, &document).expect("the folder for temporary files can be written");
    let document = Bytes::from(document);
    let sdk = |from| sdk(&server, &runtime, document.clone(), path.clone(), from);
    let candidates = [
        Candidate { name: "reqwest", run: bare(&server, &runtime, document.clone()) },
        Candidate { name: "sdk", run: sdk(Source::Memory) },
        Candidate { name: "sdk, from the disk", run: sdk(Source::Disk) },
        Candidate { name: "sdk, from a reader", run: sdk(Source::Reader) },
    ];
    let measured = compare(PLAN, candidates);
    let mut all_ok = report("upload: 10 MiB", &measured, &[Bar::wall("sdk", AT_MOST)]);
    for (name, from) in [("memory", Source::Memory), ("the disk", Source::Disk), ("a reader", Source::Reader)]
    {
        let mut once = sdk(from);
        // The first call opens the connection.
        once(1);
        let ((), counted) = counting::count(|| once(1));
        let peak = counted.peak as f64 / f64::from(1 << 20);
        println!("  at one time, from {name}: {}", verdict(peak, AT_MOST_MIB, "MiB", &mut all_ok));
    }
    std::fs::remove_file(&path).expect("the file can be removed");
    all_ok
}

/// By hand: a form with the document as one piece.
fn bare<'a>(server: &Server, runtime: &'a Runtime, document: Bytes) -> Box<dyn FnMut(u32) + 'a> {
    let http = by_hand::http().build().expect("the settings are sound");
    let signer = Signer::new(KEY, SECRET);
    let mut nonce = by_hand::now_ms();
    let url = format!("{}/api/v2/verification/customers/documents", server.origin);
    Box::new(move |uploads| {
        runtime.block_on(async {
            for _ in 0..uploads {
                nonce += 1;
                let part = Part::stream_with_length(document.clone(), SIZE as u64).file_name("bill.pdf");
                let part = part.mime_str("application/pdf").expect("it is a media type");
                let form = Form::new().part("upload", part).text("doc_type", "Bank Statement");
                let mut request = http.post(&url).multipart(form.text("uid", "CCT1234567"));
                for (name, value) in signer.headers(nonce) {
                    request = request.header(name, value);
                }
                let response = request.send().await.expect("the server answers");
                assert!(response.status().is_success(), "{}", response.status());
                response.bytes().await.expect("the answer is complete");
            }
        });
    })
}

fn sdk<'a>(
    server: &Server,
    runtime: &'a Runtime,
    document: Bytes,
    path: PathBuf,
    from: Source,
) -> Box<dyn FnMut(u32) + 'a> {
    let (clock, time) = capecrypto_auth::Clock::manual(by_hand::now_ms());
    let environment = Environment::local(&server.origin).expect("the server is on this machine");
    let client = Client::builder(environment).credentials(by_hand::credentials()).clock(clock).build();
    let client = client.expect("the settings are sound");
    Box::new(move |uploads| {
        runtime.block_on(async {
            for _ in 0..uploads {
                time.advance(Duration::from_millis(1));
                let upload = make(&document, &path, from).await;
                let request = UploadCustomerDocument::business("CCT1234567", "Bank Statement", upload);
                client.send_with_progress(request, |_, _| ()).await.expect("the server answers");
            }
        });
    })
}

async fn make(document: &Bytes, path: &Path, from: Source) -> Upload {
    let (name, kind) = ("bill.pdf", "application/pdf");
    match from {
        Source::Memory => Upload::new(name, kind, document.clone()),
        Source::Disk => upload::file(path).await.expect("the file is there"),
        Source::Reader => {
            let reader = Cursor::new(document.clone());
            upload::reader(name, kind, SIZE as u64, reader).await.expect("it is in memory")
        }
    }
}
