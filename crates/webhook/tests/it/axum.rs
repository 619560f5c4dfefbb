//! The receiver behind a real server, and as a service.

use crate::{
    queue_store::QueueStore,
    shop::{Act, SECRET, Shop, Told, clock, verifier},
};
use ::axum::{Router, routing::post};
use bytes::Bytes;
use capecrypto_webhook::{Inbox, MAX_BODY, Receiver, testing};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full};
use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower_service::Service as _;

fn receiver(shop: &Shop, told: &Told) -> Receiver {
    let receiver = Receiver::new(verifier(), Inbox::new(QueueStore::default()), shop.clone());
    receiver.clock(clock().0).on(told.observer())
}

/// A server with the receiver as handler and as service. Answers its address.
async fn serve(receiver: Receiver) -> String {
    let app = Router::new().route("/hooks", post(receiver.clone())).route_service("/service", receiver);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { ::axum::serve(listener, app).await });
    address
}

fn request(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

fn signed(body: &str) -> String {
    format!("X-Auth-Webhook: {}\r\n", testing::sign(SECRET, body.as_bytes()))
}

/// Sends these bytes, and answers everything that comes.
async fn send(address: &str, text: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read everything.
    let _ = socket.write_all(text.as_bytes()).await;
    let mut answer = Vec::new();
    let reading = socket.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(10), reading).await.expect("no answer");
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_answers_as_the_receiver_says() {
    let (shop, told) = (Shop::acting([Act::Fail("no")]), Told::default());
    let address = serve(receiver(&shop, &told)).await;
    let body = testing::completed().body();
    let good = signed(&body);
    let gzip = format!("{good}Content-Encoding: gzip\r\n");
    let text = format!("{good}Content-Type: text/plain\r\n");
    let two = format!("{good}{good}");
    for path in ["/hooks", "/service"] {
        for (headers, expected) in
            [("", "401"), (&*two, "401"), (&*gzip, "400"), (&*good, "503"), (&*text, "200"), (&*good, "200")]
        {
            // The handler fails once only.
            let expected =
                if path == "/service" { expected.replace("503", "200") } else { expected.to_owned() };
            let answer = send(&address, &request(path, headers, &body)).await;
            assert_eq!(status(&answer), expected, "{path} {headers}: {answer}");
        }
        let bad = "[]";
        assert_eq!(status(&send(&address, &request(path, &signed(bad), bad)).await), "400");
        let get = send(&address, &request(path, &good, &body).replacen("POST", "GET", 1)).await;
        assert_eq!(status(&get), "405", "{get}");
        assert!(get.to_lowercase().contains("allow: post"), "{get}");
    }
    assert_eq!(shop.given().len(), 2);
    assert!(!told.take().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_long_is_refused_as_early_as_possible() {
    let (shop, told) = (Shop::default(), Told::default());
    let address = serve(receiver(&shop, &told)).await;
    // Nothing of the body is ever sent.
    let head = format!("POST /hooks HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1);
    assert_eq!(status(&send(&address, &head).await), "413");
    // Without a length it is read up to the limit.
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000)).repeat(17);
    let chunked = format!("POST /hooks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    assert_eq!(status(&send(&address, &chunked).await), "413");
    assert_eq!(told.take(), ["rejected 413", "rejected 413"]);
    assert!(shop.given().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_does_not_cut_the_handler_off() {
    let (shop, told) = (Shop::acting([Act::Sleep(Duration::from_millis(300))]), Told::default());
    let address = serve(receiver(&shop, &told)).await;
    let body = testing::completed().body();
    let text = request("/hooks", &signed(&body), &body);
    let mut socket = TcpStream::connect(&address).await.unwrap();
    socket.write_all(text.as_bytes()).await.unwrap();
    until(|| shop.running() == 1).await;
    drop(socket);
    until(|| shop.finished().len() == 1).await;
    until(|| send_is(&told, "finished 1")).await;
    assert_eq!(status(&send(&address, &text).await), "200");
    assert_eq!(shop.given().len(), 1);
}

fn send_is(told: &Told, wanted: &str) -> bool {
    told.take().iter().any(|text| text == wanted)
}

/// Polls until it holds.
async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it does not hold after 5 s");
}

/// A body that gives these chunks, and then breaks off or never ends.
struct Odd {
    chunks: Vec<&'static [u8]>,
    breaks: bool,
}

impl Body for Odd {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.chunks.pop() {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(chunk))))),
            None if self.breaks => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
            None => Poll::Pending,
        }
    }
}

async fn call<B>(receiver: &Receiver, request: Request<B>) -> (u16, String)
where
    B: Body + Send + 'static,
    B::Data: Send,
{
    let answer: Result<Response<Full<Bytes>>, Infallible> = receiver.clone().call(request).await;
    let (head, body) = answer.unwrap().into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_or_never_ends_is_refused() {
    let (shop, told) = (Shop::default(), Told::default());
    let receiver = receiver(&shop, &told);
    for (breaks, expected, seconds) in [(true, 400, 0), (false, 408, 10)] {
        let began = tokio::time::Instant::now();
        let odd = Odd { chunks: vec![b"\"a", b"{"], breaks };
        let request = Request::post("/").body(odd).unwrap();
        assert_eq!(call(&receiver, request).await, (expected, "refused".to_owned()));
        assert_eq!(began.elapsed().as_secs(), seconds);
        assert_eq!(told.take(), [format!("rejected {expected}")]);
    }
}

#[tokio::test]
async fn the_service_takes_a_body_in_pieces() {
    let (shop, told) = (Shop::default(), Told::default());
    let receiver = receiver(&shop, &told);
    let delivery = testing::completed().signed(SECRET);
    let pieces: Vec<&'static [u8]> = delivery.body.clone().leak().as_bytes().chunks(7).collect();
    let body = http_body_util::StreamBody::new(Pieces(pieces.into_iter()));
    let mut request = Request::post("/").body(body).unwrap();
    *request.headers_mut() = delivery.headers();
    assert_eq!(call(&receiver, request).await, (200, "handled".to_owned()));
    // The limit itself is taken, and then is no event.
    let most = vec![b' '; MAX_BODY];
    let mut request = Request::post("/").body(Full::new(Bytes::from(most.clone()))).unwrap();
    request.headers_mut().insert("x-auth-webhook", testing::sign(SECRET, &most).parse().unwrap());
    assert_eq!(call(&receiver, request).await.0, 400);
}

struct Pieces(std::vec::IntoIter<&'static [u8]>);

impl futures_core::Stream for Pieces {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(|piece| Ok(Frame::data(Bytes::from_static(piece)))))
    }
}
