//! Answers that are written out, returned as bytes, or not read at all; and files that are sent.

use crate::calls::{ReadPaper, ReadTable, client, client_at};
use crate::params::SendPaper;
use capecrypto_models::Upload;
use capecrypto_rest::{Error, Kind, Outcome};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};
use tokio::io::AsyncWrite;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

const TABLE: &str = "id,note\n1,\"two\nlines\"\n2,b\n";

fn csv(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(text, "text/csv; charset=utf-8")
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn export(server: &MockServer) -> (Result<u64, Error>, Vec<u8>) {
    let mut out = Vec::new();
    let exported = client(server).export(ReadTable::default(), &mut out).await;
    (exported.map(|exported| exported.rows), out)
}

#[tokio::test]
async fn a_table_is_written_out_as_it_is_and_its_rows_are_counted() {
    let server = answering(csv(TABLE)).await;
    let mut out = Vec::new();
    let exported = client(&server).export(ReadTable::default(), &mut out).await.unwrap();
    assert_eq!((exported.rows, exported.bytes), (2, u64::try_from(TABLE.len()).unwrap()));
    assert_eq!((exported.status, exported.attempts), (200, 1));
    assert!(exported.headers.contains_key("content-type"));
    assert_eq!(out, TABLE.as_bytes());
    let asked = server.received_requests().await.unwrap().remove(0);
    assert_eq!(asked.headers["accept"], "text/csv, application/json;q=0.5");
}

#[tokio::test]
async fn what_is_no_table_is_not_written_out() {
    let (exported, out) = export(&answering(ResponseTemplate::new(200).set_body_json([1])).await).await;
    let error = exported.unwrap_err();
    assert_eq!((error.kind(), out.len()), (Kind::Unexpected, 0));
    assert!(error.to_string().contains("did not answer with CSV"), "{error}");
    let refusal =
        ResponseTemplate::new(422).set_body_raw(r#"{"errors":["account.x.y"]}"#, "application/json");
    let (exported, out) = export(&answering(refusal).await).await;
    let error = exported.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), out.len()), (Kind::Refused, Outcome::Refused, 0));
    assert!(error.has_code("account.x.y"));
}

#[tokio::test]
async fn an_export_is_tried_again_only_while_nothing_is_written() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(500)).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(csv(TABLE)).mount(&server).await;
    let (exported, out) = export(&server).await;
    assert_eq!((exported.unwrap(), out.len()), (2, TABLE.len()));
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

/// A server that always closes the connection in the middle of a body.
async fn breaking_off() -> (String, Arc<AtomicU64>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let _read = socket.read(&mut [0; 4_096]).await;
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 1000\r\n\r\n";
            socket.write_all(format!("{head}id,note\n1,a\n2,").as_bytes()).await.unwrap();
        }
    });
    (origin, asked)
}

#[tokio::test]
async fn a_table_that_breaks_off_is_an_error_that_says_how_far_it_came() {
    let (origin, asked) = breaking_off().await;
    let mut out = Vec::new();
    let error = client_at(&origin).export(ReadTable::default(), &mut out).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Interrupted);
    assert!(error.to_string().contains("1 whole rows had arrived"), "{error}");
    assert_eq!((out, asked.load(Ordering::SeqCst)), (b"id,note\n1,a\n2,".to_vec(), 1));
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
async fn a_writer_that_fails_ends_the_export() {
    let server = answering(csv(TABLE)).await;
    let error = client(&server).export(ReadTable::default(), &mut Full(5)).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Output);
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_body_can_be_had_as_it_came() {
    let server = answering(ResponseTemplate::new(200).set_body_raw(vec![0, 159, 146], "image/png")).await;
    let body = client(&server).send(ReadPaper::default()).await.unwrap();
    assert_eq!((body.bytes.to_vec(), body.content_type.as_deref()), (vec![0, 159, 146], Some("image/png")));
}

fn paper(bytes: usize) -> SendPaper {
    let upload = Upload::new("id.jpg", "image/jpeg", vec![7; bytes]);
    SendPaper::new("U1", upload).kind("Passport")
}

#[cfg(feature = "multipart")]
#[tokio::test]
async fn a_file_is_sent_in_a_form_and_its_progress_is_told() {
    let server = answering(ResponseTemplate::new(204)).await;
    let told = Arc::new(AtomicU64::new(0));
    let seen = told.clone();
    let progress = move |sent, total| {
        assert!(sent > seen.swap(sent, Ordering::SeqCst) && sent <= total && total == 300_000);
    };
    let reply = client(&server).send_with_progress(paper(300_000), progress).await.unwrap();
    assert_eq!((reply.status, told.load(Ordering::SeqCst)), (204, 300_000));
    let request = server.received_requests().await.unwrap().remove(0);
    let kind = request.headers["content-type"].to_str().unwrap();
    assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
    assert!(request.headers.contains_key("x-auth-signature"));
    let body = String::from_utf8_lossy(&request.body);
    for part in [
        "name=\"upload\"; filename=\"id.jpg\"\r\nContent-Type: image/jpeg",
        "name=\"doc_type\"\r\n\r\nPassport\r\n",
    ] {
        assert!(body.contains(part), "{part}");
    }
    assert_eq!(request.body.iter().filter(|byte| **byte == 7).count(), 300_000);
}

#[cfg(feature = "multipart")]
#[tokio::test]
async fn a_file_whose_type_is_none_is_refused_by_name() {
    let server = answering(ResponseTemplate::new(204)).await;
    let upload = Upload::new("id.jpg", "no type", vec![7]);
    let error = client(&server).send(SendPaper::new("U1", upload)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent));
    assert_eq!(error.argument().unwrap().argument, "upload");
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[cfg(feature = "multipart")]
#[tokio::test]
async fn a_file_goes_again_with_a_fresh_signature_and_only_then() {
    let server = MockServer::start().await;
    let refusal =
        ResponseTemplate::new(401).set_body_raw(r#"{"errors":["authz.nonce_expired"]}"#, "application/json");
    Mock::given(any()).respond_with(refusal).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(500)).mount(&server).await;
    let error = client(&server).send(paper(10)).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Server, 2));
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].headers["x-auth-nonce"], requests[1].headers["x-auth-nonce"]);
    assert!(requests.iter().all(|request| request.body.iter().filter(|byte| **byte == 7).count() == 10));
}

#[cfg(not(feature = "multipart"))]
#[tokio::test]
async fn without_its_feature_a_file_is_not_sent() {
    let server = answering(ResponseTemplate::new(204)).await;
    let error = client(&server).send(paper(10)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Config, Outcome::NotSent));
    assert!(error.to_string().contains("feature `multipart`"), "{error}");
}
