//! The tables of several requests as one: what is written, when it is tried again, and what is left after an error.

use crate::{
    calls::{ReadTable, client, client_at},
    folder::Folder,
};
use capecrypto_auth::Environment;
use capecrypto_rest::{Client, Error, Joined, Kind, Outcome};
use std::{
    fs,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

/// A server that gives these answers, one after the other, and then the last one again.
async fn answering(answers: Vec<ResponseTemplate>) -> (MockServer, Arc<AtomicUsize>) {
    let server = MockServer::start().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let next = move |_: &Request| {
        let place = count.fetch_add(1, Ordering::SeqCst);
        answers.get(place).or(answers.last()).unwrap().clone()
    };
    Mock::given(any()).respond_with(next).mount(&server).await;
    (server, asked)
}

fn csv(text: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(text.into(), "text/csv")
}

fn requests(count: usize) -> impl Iterator<Item = ReadTable> + Send {
    (0..count).map(|_| ReadTable::default())
}

/// A server that writes these bytes to each connection after it has read a request, and closes it.
async fn raw(answer: Vec<u8>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let _read = socket.read(&mut [0; 4_096]).await;
            let _closed = socket.write_all(&answer).await;
        }
    });
    (origin, asked)
}

async fn written(client: &Client, count: usize) -> (Result<Joined, Error>, String) {
    let mut out = Vec::new();
    let joined = client.tables(requests(count)).write_to(&mut out).await;
    (joined, String::from_utf8(out).unwrap())
}

#[tokio::test]
async fn answers_become_one_table_without_secret_columns() {
    let first = "id,voucher_pin,note\n1,canary,\"two\nlines\"\n";
    let answers =
        vec![csv(first), csv("id,voucher_pin,note\n"), csv("id,voucher_pin,note\r\n2,canary,b\r\n")];
    let (server, _) = answering(answers).await;
    let (joined, out) = written(&client(&server), 3).await;
    let joined = joined.unwrap();
    assert_eq!(out, "id,note\n1,\"two\nlines\"\n2,b\r\n");
    assert_eq!((joined.rows, joined.answers, joined.bytes), (2, 3, u64::try_from(out.len()).unwrap()));
    assert_eq!(
        (joined.columns.join(" "), joined.left_out.join(" ")),
        ("id note".into(), "voucher_pin".into())
    );
    assert_eq!(joined.last_row.as_deref(), Some(&b"2,b\r\n"[..]));
    assert!(!format!("{joined:?}").contains("2,b"));
    let (server, _) = answering(vec![csv(first)]).await;
    let mut out = Vec::new();
    let tables = client(&server).tables(requests(1)).keep("Voucher Pin");
    let joined = tables.write_to(&mut out).await.unwrap();
    assert_eq!((String::from_utf8(out).unwrap(), joined.left_out.len()), (first.to_owned(), 0));
    let (joined, out) = written(&client(&server), 0).await;
    assert_eq!((joined.unwrap().last_row, out), (None, String::new()));
}

/// A table that is larger than what is collected before it is written.
fn large(rows: usize) -> String {
    let row = format!("7,{},x\n", "a".repeat(100));
    format!("id,note,pin\n{}", row.repeat(rows))
}

#[tokio::test]
async fn an_answer_is_asked_for_again_only_while_none_of_its_rows_is_written() {
    let failed = || ResponseTemplate::new(500);
    let odd = || csv("id,note,pin\n1,2,3\n4,");
    let good = || csv("id,note,pin\n1,2,3\n");
    // A server error, and a small answer that is cut off.
    let (server, asked) = answering(vec![failed(), odd(), good(), odd(), failed(), good()]).await;
    let (joined, out) = written(&client(&server), 2).await;
    assert_eq!((joined.unwrap().rows, asked.load(Ordering::SeqCst)), (2, 6));
    assert_eq!(out, "id,note\n1,2\n1,2\n");
    // A large one that is cut off after its first rows were written.
    let cut = large(40_000) + "1,2";
    let (server, asked) = answering(vec![good(), csv(cut)]).await;
    let (joined, out) = written(&client(&server), 2).await;
    let error = joined.unwrap_err();
    assert_eq!((error.kind(), asked.load(Ordering::SeqCst)), (Kind::Interrupted, 2));
    assert!(out.ends_with("a\n") && out.len() > 500_000, "the output ends with a whole row");
    let rows = out.lines().count() - 1;
    let told = format!("this was answer 2, and {rows} rows had been written");
    assert!(error.to_string().contains(&told), "{error}");
}

#[tokio::test]
async fn a_download_that_is_cut_off_is_an_error_wherever_it_is_cut() {
    let text = "id,note,pin\n1,2,3\n4,5,6\n";
    let plain = |head: &str, body: &str| {
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\n{head}\r\n\r\n{body}").into_bytes()
    };
    let mut tests = Vec::new();
    for cut in 0..text.len() {
        let body = &text[..cut];
        let by_length = plain(&format!("content-length: {}", text.len()), body);
        let chunk = if cut == 0 { String::new() } else { format!("{cut:x}\r\n{body}\r\n") };
        let chunked = plain("transfer-encoding: chunked", &chunk);
        let to_the_end = plain("connection: close", body);
        for (answer, kind) in
            [(by_length, Kind::Interrupted), (chunked, Kind::Interrupted), (to_the_end, Kind::Unexpected)]
        {
            tests.push(tokio::spawn(async move {
                let (origin, _) = raw(answer).await;
                let folder = Folder::new();
                let path = folder.0.join("history.csv");
                let error = client_at(&origin).tables(requests(1)).save(&path).await.unwrap_err();
                assert_eq!(error.kind(), kind, "cut at {cut}: {error}");
                assert_eq!(folder.names(), Vec::<String>::new(), "cut at {cut}");
            }));
        }
    }
    for test in tests {
        test.await.unwrap();
    }
    let whole = plain("transfer-encoding: chunked", &format!("{:x}\r\n{text}\r\n0\r\n\r\n", text.len()));
    let (origin, _) = raw(whole).await;
    assert_eq!(written(&client_at(&origin), 1).await.1, "id,note\n1,2\n4,5\n");
    // The same for a single table, as it came.
    let (origin, asked) = raw(plain("connection: close", text)).await;
    let error = client_at(&origin).export(ReadTable::default(), &mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("does not tell its length"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_file_gets_its_name_when_it_is_whole() {
    let folder = Folder::new();
    let path = folder.0.join("history.csv");
    fs::write(&path, "old").unwrap();
    let (server, _) = answering(vec![csv("id,pin\n1,2\n"), csv("id,other\n1,2\n")]).await;
    let error = client(&server).tables(requests(2)).save(&path).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Mismatch);
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), folder.names().len()), ("old", 1));
    let (server, _) = answering(vec![csv(large(20_000))]).await;
    let joined = client(&server).tables(requests(2)).save(&path).await.unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!((joined.rows, joined.bytes), (40_000, u64::try_from(text.len()).unwrap()));
    assert_eq!((text.lines().count(), text.lines().next().unwrap()), (40_001, "id,note"));
    assert_eq!(folder.names(), ["history.csv"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_an_error_before_anything_is_sent() {
    let folder = Folder::new();
    let (server, asked) = answering(vec![csv("id\n1\n")]).await;
    for path in [folder.0.clone(), folder.0.join("missing/history.csv"), "..".into()] {
        let error = client(&server).tables(requests(1)).save(&path).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Output, "{error}");
    }
    assert_eq!((asked.load(Ordering::SeqCst), folder.names().len()), (0, 0));
}

#[tokio::test]
async fn a_dropped_export_leaves_nothing() {
    let folder = Folder::new();
    let path = folder.0.join("history.csv");
    // The server sends a large part and then nothing more.
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 100000000\r\n\r\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = client_at(&format!("http://{}", listener.local_addr().unwrap()));
    let target = path.clone();
    let export = tokio::spawn(async move { client.tables(requests(1)).save(target).await.is_ok() });
    let (mut socket, _) = listener.accept().await.unwrap();
    let _read = socket.read(&mut [0; 4_096]).await;
    socket.write_all((head.to_owned() + &large(60_000)).as_bytes()).await.unwrap();
    let soon = std::time::Duration::from_secs(10);
    let written = async {
        loop {
            let names = folder.names();
            if let [name] = names.as_slice()
                && fs::metadata(folder.0.join(name)).is_ok_and(|file| file.len() > 500_000)
            {
                break name.clone();
            }
            tokio::task::yield_now().await;
        }
    };
    let part = tokio::time::timeout(soon, written).await.expect("a part of the table is written");
    assert!(part.starts_with("history.csv.") && part.ends_with(".part"), "{part}");
    export.abort();
    assert!(export.await.unwrap_err().is_cancelled());
    // A write that was begun ends before its file is removed.
    let removed = async {
        while !folder.names().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(soon, removed).await.expect("the file is removed");
}

/// A writer that takes this many bytes and then fails.
struct Full(usize);

impl AsyncWrite for Full {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        let room = self.0.min(bytes.len());
        self.0 -= room;
        Poll::Ready(if room == 0 { Err(std::io::Error::other("the disk is full")) } else { Ok(room) })
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_writer_that_fails_ends_the_table() {
    let (server, asked) = answering(vec![csv("id\n1\n")]).await;
    let error = client(&server).tables(requests(2)).write_to(&mut Full(5)).await.unwrap_err();
    assert_eq!((error.kind(), asked.load(Ordering::SeqCst)), (Kind::Output, 2));
    assert!(error.to_string().contains("the disk is full; this was answer 2, and 1 rows"), "{error}");
}

#[tokio::test]
async fn refusals_and_missing_credentials_are_told_as_for_any_call() {
    let refusal =
        ResponseTemplate::new(422).set_body_raw(r#"{"errors":["account.x.y"]}"#, "application/json");
    let (server, _) = answering(vec![csv("id\n1\n"), refusal]).await;
    let (joined, out) = written(&client(&server), 2).await;
    let error = joined.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), out.as_str()), (Kind::Refused, Outcome::Refused, "id\n1\n"));
    let unsigned = Client::builder(Environment::local(&server.uri()).unwrap()).build().unwrap();
    assert_eq!(written(&unsigned, 1).await.0.unwrap_err().kind(), Kind::Config);
}
