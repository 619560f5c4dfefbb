//! The server for the calls. It is a separate process, so that its time and instructions are not counted.

use crate::{measure, transactions};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, header, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    cell::OnceCell,
    convert::Infallible,
    fmt::Write as _,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    rc::Rc,
    time::{Duration, UNIX_EPOCH},
};

/// Rows of the list.
pub const ROWS: usize = 1_000;
/// Rows of the table of transactions.
pub const TABLE_ROWS: usize = 100_000;
/// The custom order id in the request and in the answer.
pub const CUSTOM_ORDER_ID: &str = "302b0494-1a06-4089-846c-0c6b13f1b661";

/// A running server; dropping it ends the server.
pub struct Server {
    child: Child,
    pub origin: String,
}

impl Server {
    /// Starts this program once more, as a server.
    pub fn start() -> Self {
        let program = std::env::current_exe().expect("the system knows this program");
        let mut child = Command::new(program)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program can be started");
        let mut origin = String::new();
        let stdout = child.stdout.take().expect("the output is piped");
        BufReader::new(stdout).read_line(&mut origin).expect("the server says where it is");
        Self { child, origin: origin.trim().to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server ends when its standard input ends.
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}

/// Serves until the input ends.
pub fn serve() {
    measure::pin(1);
    std::thread::spawn(|| {
        let _ended = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("http://{}", listener.local_addr().expect("an address"));
        let answers = Rc::new(Answers::new());
        loop {
            let Ok((socket, _)) = listener.accept().await else { continue };
            let _unset_is_slower_only = socket.set_nodelay(true);
            let answers = answers.clone();
            tokio::task::spawn_local(async move {
                let service = service_fn(|request| answer(answers.clone(), request));
                let _closed = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
}

struct Answers {
    balance: Bytes,
    order: Bytes,
    orders: Bytes,
    /// Made when it is asked for, because most topics do not ask.
    table: OnceCell<Bytes>,
}

impl Answers {
    fn new() -> Self {
        let mut orders = String::from("[");
        for number in 0..ROWS {
            if number > 0 {
                orders.push(',');
            }
            orders.push_str(&order(173_757 + number));
        }
        orders.push(']');
        Self {
            balance: r#"{"currency":"zar","balance":"9200.0","locked":"800.0"}"#.into(),
            order: order(173_757).into(),
            orders: orders.into(),
            table: OnceCell::new(),
        }
    }
}

/// An order as the exchange's documents show it in a list.
fn order(id: usize) -> String {
    let mut text = String::new();
    let _never_fails = write!(
        text,
        r#"{{"id":{id},"uuid":"7e86a4fa-fcae-4953-b9bc-{id:012x}","custom_order_id":"{CUSTOM_ORDER_ID}","side":"sell","ord_type":"limit","post_only":false,"price":"{}.5","avg_price":"0.0","state":"wait","market":"btczar","created_at":"2023-12-08T08:46:59+01:00","updated_at":"2023-12-08T08:47:01+01:00","origin_volume":"0.00125","remaining_volume":"0.00125","executed_volume":"0.0","trades_count":0}}"#,
        800_000 + id % 1_000
    );
    text
}

async fn answer(
    answers: Rc<Answers>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, mut body) = request.into_parts();
    // Not kept: a document is large.
    while let Some(Ok(_)) = body.frame().await {}
    let mut kind = "application/json";
    let (status, body) = match (head.method.as_str(), head.uri.path()) {
        ("GET", path) if path.ends_with("/account/balances/zar") => (200, &answers.balance),
        ("POST", path) if path.ends_with("/market/orders") => (201, &answers.order),
        ("GET", path) if path.ends_with("/market/orders") => (200, &answers.orders),
        ("POST", path) if path.ends_with("/customers/documents") => (200, &answers.balance),
        ("GET", path) if path.ends_with("/account/transactions") => {
            kind = "text/csv";
            (200, answers.table.get_or_init(|| transactions::table(TABLE_ROWS).into()))
        }
        _ => (404, &answers.balance),
    };
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        .header("total", "1000")
        .header("page", "1")
        .header("per-page", "1000");
    // The client's clock is ahead of ours (see `sdk`). With our own date the client would correct its clock.
    let nonce = head.headers.get("x-auth-nonce").and_then(|nonce| nonce.to_str().ok()?.parse().ok());
    if let Some(nonce) = nonce {
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(nonce));
        response = response.header(header::DATE, date);
    }
    Ok(response.body(Full::new(body.clone())).expect("the head is well formed"))
}
