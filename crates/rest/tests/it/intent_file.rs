//! Intents in a file: what is in it and when, and what a crash leaves.

use crate::{
    calls::{CreateOrder, ORDER},
    folder::Folder,
    intents::{builder, open},
};
use capecrypto_rest::{FileIntentLog, IntentLog, IntentState, Outcome};
use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

impl Folder {
    fn log(&self) -> PathBuf {
        self.0.join("intents.jsonl")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.log()).unwrap()
    }
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A server whose answer to the n-th request has this status.
async fn answering(statuses: &'static [u16]) -> MockServer {
    let server = MockServer::start().await;
    let count = AtomicU32::new(0);
    let answer = move |_: &Request| {
        let place = count.fetch_add(1, Ordering::SeqCst) as usize;
        ResponseTemplate::new(statuses[place % statuses.len()]).set_body_raw(ORDER, "application/json")
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// A log in which the first of three intents is closed, the second is unknown, and the third is begun.
async fn with_three(folder: &Folder) -> String {
    let server = answering(&[201, 500]).await;
    let log = Arc::new(FileIntentLog::at(folder.log()).unwrap());
    let client = builder(&server.uri(), log).build().unwrap();
    client.send(CreateOrder::new()).await.unwrap();
    client.send(CreateOrder::new()).await.unwrap_err();
    let (call, listener) = stuck(folder, client).await;
    call.abort();
    let _aborted = call.await;
    drop(listener);
    folder.text()
}

/// Sends an order to a server that never answers.
async fn stuck(
    folder: &Folder,
    client: capecrypto_rest::Client,
) -> (tokio::task::JoinHandle<()>, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let log = client.intents().clone();
    let call = tokio::spawn(async move {
        let _never = builder(&origin, log).build().unwrap().send(CreateOrder::new()).await;
    });
    let _socket = listener.accept().await.unwrap();
    assert!(folder.text().contains("begin"));
    (call, listener)
}

#[tokio::test]
async fn an_intent_is_in_the_file_before_the_server_sees_a_byte() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let path = folder.log();
    let server = tokio::spawn(async move {
        let mut found = Vec::new();
        let (mut socket, _) = listener.accept().await.unwrap();
        for _ in 0..3 {
            let mut first = [0];
            socket.read_exact(&mut first).await.unwrap();
            found.push(fs::read_to_string(&path).unwrap());
            finish(&mut socket).await;
        }
        found
    });
    let log = Arc::new(FileIntentLog::at(folder.log()).unwrap());
    let client = builder(&origin, log).build().unwrap();
    for _ in 0..3 {
        client.send(CreateOrder::new()).await.unwrap();
    }
    for (number, seen) in server.await.unwrap().into_iter().enumerate() {
        let seen = lines(&seen);
        // The format, and a beginning and an end for each order before.
        assert_eq!(seen.len(), 1 + 2 * number + 1);
        let begun = &seen[2 * number + 1]["begin"];
        assert_eq!((&begun["call"], &begun["state"]), (&"CreateOrder".into(), &"begun".into()));
        assert_eq!(begun["arguments"][1], serde_json::json!(["volume", "0.00001"]));
    }
    let all = lines(&folder.text());
    assert_eq!(all.len(), 7);
    assert_eq!((&all[0]["format"], &all[6]["end"]["outcome"]), (&1.into(), &"confirmed".into()));
    assert!(open(&client).await.is_empty());
}

/// Reads the rest of a request and answers it.
async fn finish(socket: &mut TcpStream) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"}") {
        socket.read_buf(&mut seen).await.unwrap();
    }
    let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length";
    socket.write_all(format!("{head}: {}\r\n\r\n{ORDER}", ORDER.len()).as_bytes()).await.unwrap();
}

#[tokio::test]
async fn what_is_open_is_found_again_and_the_rest_is_dropped() {
    let folder = Folder::new();
    let before = lines(&with_three(&folder).await);
    assert_eq!(before.len(), 6, "a format, three beginnings, two ends");
    let log = FileIntentLog::at(folder.log()).unwrap();
    let found = log.open().await.unwrap();
    let states: Vec<_> = found.iter().map(capecrypto_rest::Intent::state).collect();
    assert_eq!(states, [IntentState::Unknown, IntentState::Begun]);
    assert_eq!(found[1].argument("market").as_deref(), Some("btczar"));
    assert_eq!(lines(&folder.text()).len(), 3, "what is closed is dropped when the log is opened");
    log.close(found[0].id(), "found as order 7").await.unwrap();
    assert!(folder.text().ends_with("\"note\":\"found as order 7\"}}\n"));
    assert!(log.close(found[0].id(), "").await.is_err());
    log.end(found[1].id(), Outcome::Refused).await.unwrap();
    drop(log);
    assert!(FileIntentLog::at(folder.log()).unwrap().open().await.unwrap().is_empty());
    assert_eq!(folder.text(), "{\"format\":1}\n");
}

#[tokio::test]
async fn a_last_line_cut_at_any_byte_is_dropped_and_no_other_line_is_lost() {
    let folder = Folder::new();
    let long = with_three(&folder).await;
    drop(FileIntentLog::at(folder.log()).unwrap());
    // The same without what is closed.
    let short = folder.text();
    for (text, count) in [(&long, 6), (&short, 3)] {
        assert_eq!(lines(text).len(), count);
        let last = text.trim_end().rfind('\n').unwrap() + 1;
        assert!(text[last..].starts_with("{\"begin\""));
        for cut in last..=text.len() {
            fs::write(folder.log(), &text[..cut]).unwrap();
            let log = FileIntentLog::at(folder.log()).unwrap();
            let open = log.open().await.unwrap();
            assert_eq!(open.len(), if cut == text.len() { 2 } else { 1 }, "cut at {cut}");
            assert_eq!(open[0].state(), IntentState::Unknown, "cut at {cut}");
            // What is written next follows a whole line.
            log.close(open[0].id(), "looked up").await.unwrap();
            assert_eq!(lines(&folder.text()).len(), 2 + open.len(), "cut at {cut}");
        }
    }
    // A file that is new may even lack its first line.
    for cut in 0.."{\"format\":1}\n".len() {
        fs::write(folder.log(), &long[..cut]).unwrap();
        assert!(FileIntentLog::at(folder.log()).unwrap().open().await.unwrap().is_empty(), "cut at {cut}");
        assert_eq!(folder.text(), "{\"format\":1}\n", "cut at {cut}");
    }
}

#[tokio::test]
async fn other_damage_is_an_error_that_names_the_line_and_the_remedy() {
    let folder = Folder::new();
    let text = with_three(&folder).await;
    let whole: Vec<_> = text.lines().collect();
    let with = |place: usize, line: &str| {
        let mut lines = whole.clone();
        lines[place] = line;
        lines.join("\n") + "\n"
    };
    let cut = &whole[1][..whole[1].len() - 1];
    for (damaged, line) in [
        (with(1, cut), 2),
        (with(5, "\0\0\0"), 6),
        (with(2, ""), 3),
        (with(2, r#"{"done":7}"#), 3),
        (with(2, r#"{"end":{"id":"7","outcome":"confirmed"}}"#), 3),
        (with(2, r#"{"format":1}"#), 3),
        (with(0, whole[1]), 1),
        (with(0, "canary"), 1),
    ] {
        fs::write(folder.log(), &damaged).unwrap();
        let error = FileIntentLog::at(folder.log()).unwrap_err().to_string();
        assert!(error.contains(&format!("is damaged in line {line}: ")), "{error}");
        assert!(error.contains("correct or delete the line") && !error.contains("canary"), "{error}");
        assert_eq!(fs::read_to_string(folder.log()).unwrap(), damaged, "it is not changed");
    }
    fs::write(folder.log(), with(0, r#"{"format":2}"#)).unwrap();
    let error = FileIntentLog::at(folder.log()).unwrap_err().to_string();
    assert!(error.contains("has the format 2, but this version reads 1"), "{error}");
}

#[tokio::test]
async fn a_hundred_writes_at_once_are_all_in_the_file() {
    let folder = Folder::new();
    let server = answering(&[201, 500]).await;
    let log = Arc::new(FileIntentLog::at(folder.log()).unwrap());
    let client = builder(&server.uri(), log).build().unwrap();
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.send(CreateOrder::new()).await.is_ok() })
        })
        .collect();
    let mut confirmed = 0;
    for call in calls {
        confirmed += usize::from(call.await.unwrap());
    }
    assert_eq!((confirmed, open(&client).await.len()), (50, 50));
    let all = lines(&folder.text());
    assert_eq!(all.iter().filter(|line| line.get("begin").is_some()).count(), 100);
    assert_eq!(all.iter().filter(|line| line.get("end").is_some()).count(), 100);
    let open = open(&client).await;
    assert!(open.is_sorted_by_key(capecrypto_rest::Intent::at));
    drop(client);
    let again = FileIntentLog::at(folder.log()).unwrap().open().await.unwrap();
    assert!(again.iter().map(capecrypto_rest::Intent::id).eq(open.iter().map(capecrypto_rest::Intent::id)));
}

#[test]
fn a_log_has_one_owner_and_a_path_that_works() {
    let folder = Folder::new();
    let first = FileIntentLog::at(folder.log()).unwrap();
    let second = FileIntentLog::at(folder.log()).unwrap_err().to_string();
    assert!(second.contains("is in use already"), "{second}");
    drop(first);
    FileIntentLog::at(folder.log()).unwrap();
    for path in [folder.0.join("missing/intents"), folder.log().join("intents"), PathBuf::from("..")] {
        let error = FileIntentLog::at(&path).unwrap_err().to_string();
        assert!(error.contains("check its path and its folder"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    drop(FileIntentLog::at(folder.log()).unwrap());
    for name in ["intents.jsonl", "intents.jsonl.lock"] {
        let mode = fs::metadata(folder.0.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_log_works_without_a_runtime_and_after_its_runtime_ended() {
    let folder = Folder::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime().block_on(with_three(&folder));
    let log = FileIntentLog::at(folder.log()).unwrap();
    let found = runtime().block_on(log.open()).unwrap();
    runtime().block_on(log.close(found[0].id(), "in another runtime")).unwrap();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(log.close(found[1].id(), "in none").as_mut().poll(&mut context).is_ready());
    assert!(runtime().block_on(log.open()).unwrap().is_empty());
}

const CHILD: &str = "CAPECRYPTO_TEST_INTENTS_OF_CHILD";

/// The process that is killed by the test below. Run by itself, this does nothing.
#[tokio::test]
async fn a_child_process_sends_an_order() {
    let Ok(given) = std::env::var(CHILD) else { return };
    let (origin, path) = given.split_once(' ').unwrap();
    let log = Arc::new(FileIntentLog::at(path).unwrap());
    let _killed = builder(origin, log).build().unwrap().send(CreateOrder::new()).await;
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_its_intent_open() {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let given = format!("http://{} {}", listener.local_addr().unwrap(), folder.log().display());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["intent_file::a_child_process_sends_an_order", "--exact"])
        .env(CHILD, given)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (mut socket, _) = listener.accept().await.unwrap();
    socket.read_u8().await.unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let found = FileIntentLog::at(folder.log()).unwrap().open().await.unwrap();
    assert_eq!((found.len(), found[0].state()), (1, IntentState::Begun));
    assert_eq!(found[0].argument("volume").as_deref(), Some("0.00001"));
}
