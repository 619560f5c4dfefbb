//! Files that are sent from memory, from the disk, and from streams.

use crate::{
    calls::{client, client_at, credentials},
    folder::Folder,
    params::SendPaper,
};
use bytes::Bytes;
use capecrypto_auth::Environment;
use capecrypto_models::Upload;
use capecrypto_rest::{Client, Error, Kind, Outcome, Prepared, Timeouts, upload};
use futures_util::{Stream, StreamExt as _, stream};
use std::{
    fs, io,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

const EXPIRED: &str = r#"{"errors":["authz.nonce_expired"]}"#;

/// Bytes in which each place can be told from its neighbours.
fn content(size: usize) -> Vec<u8> {
    (0..size).map(|place| (place % 251) as u8).collect()
}

fn pieces(content: &[u8], size: usize) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let pieces: Vec<_> = content.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces)
}

async fn of_stream(
    length: u64,
    pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Result<Upload, Error> {
    upload::stream("bill.pdf", "application/pdf", length, pieces).await
}

/// What a call told about its progress.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(u64, u64)>>>);

impl Told {
    async fn send(&self, client: &Client, upload: Upload) -> Result<u16, Error> {
        let told = self.0.clone();
        let progress = move |sent, total| told.lock().unwrap().push((sent, total));
        let reply = client.send_with_progress(SendPaper::new("U1", upload), progress).await;
        reply.map(|reply| reply.status)
    }

    fn check(&self, size: u64) {
        let told = self.0.lock().unwrap();
        assert!(told.is_sorted_by(|one, next| one.0 < next.0), "{told:?}");
        assert!(told.iter().all(|each| each.1 == size), "{told:?}");
        assert_eq!(told.last(), Some(&(size, size)));
    }
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// The file in the only request that came, and its part's headers.
async fn arrived(server: &MockServer) -> (String, Vec<u8>) {
    let mut requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let body = requests.remove(0).body;
    let at = |from: usize, mark: &[u8]| {
        from + body[from..].windows(mark.len()).position(|window| window == mark).unwrap()
    };
    let start = at(0, b"Content-Disposition: form-data; name=\"upload\"");
    let end_of_head = at(start, b"\r\n\r\n");
    // The file is the last part, so its end is found from the end.
    let boundary = at(0, b"\r\n");
    let end = body.len() - "\r\n".len() - boundary - "--\r\n".len();
    assert_eq!(body[end..end + 2 + boundary], [b"\r\n", &body[..boundary]].concat());
    let head = String::from_utf8(body[start..end_of_head].to_vec()).unwrap();
    (head, body[end_of_head + 4..end].to_vec())
}

#[tokio::test]
async fn a_file_arrives_byte_for_byte_wherever_it_comes_from() {
    let folder = Folder::new();
    // Around the sizes of the head and of the pieces, and with bytes that look like the end of a part.
    for size in [1, 1_023, 1_024, 1_025, 65_536, 66_561] {
        let mut content = content(size);
        content.splice(size / 2..size / 2, *b"\r\n--");
        let length = content.len() as u64;
        let path = folder.0.join("passport.JPG");
        fs::write(&path, &content).unwrap();
        let from_disk = upload::file(&path).await.unwrap();
        assert_eq!((from_disk.name(), from_disk.content_type()), ("passport.JPG", "image/jpeg"));
        let reader = io::Cursor::new(content.clone());
        let uploads = [
            Upload::new("id.jpg", "image/jpeg", content.clone()),
            from_disk,
            of_stream(length, pieces(&content, 7)).await.unwrap(),
            of_stream(length, pieces(&content, 1_000_000)).await.unwrap(),
            upload::reader("id.jpg", "image/jpeg", length, reader).await.unwrap(),
        ];
        for upload in uploads {
            assert_eq!((upload.length(), upload.head()), (length, &content[..content.len().min(1_024)]));
            let server = answering(ResponseTemplate::new(204)).await;
            let told = Told::default();
            let shown = format!("{upload:?}");
            assert_eq!(told.send(&client(&server), upload).await.unwrap(), 204);
            told.check(length);
            assert!(arrived(&server).await.1 == content, "{shown}");
        }
    }
}

#[tokio::test]
async fn a_name_arrives_byte_for_byte_or_is_refused_by_its_field() {
    let long = format!("{}.jpg", "ü".repeat(251));
    for name in ["\u{202e}gpj.exe", "🛂 паспорт.jpg", "Bob \"Bill\" 'x'; filename=y.jpg", "100%41.jpg", &long]
    {
        let server = answering(ResponseTemplate::new(204)).await;
        let upload = Upload::new(name, "image/jpeg", content(3));
        client(&server).send(SendPaper::new("U1", upload)).await.unwrap();
        let (head, _) = arrived(&server).await;
        // The quotes of a name are escaped, as RFC 2183 has it.
        let escaped = name.replace('"', "\\\"");
        let wanted = format!(
            "Content-Disposition: form-data; name=\"upload\"; filename=\"{escaped}\"\r\nContent-Type: image/jpeg"
        );
        assert_eq!(head, wanted);
    }
    let too_long = "x".repeat(256);
    let injected = "a.jpg\"\r\nContent-Type: text/html\r\n\r\n<script>";
    for name in ["", "a\0.jpg", "a\nb.jpg", injected, "../a.jpg", "C:\\a.jpg", "\u{85}", &too_long] {
        let refused = Prepared::new(
            &SendPaper::new("U1", Upload::new(name, "image/jpeg", content(3))),
            &Environment::live(),
        );
        let refused = refused.unwrap_err();
        assert_eq!((refused.all().len(), &*refused.all()[0].argument), (1, "upload"), "{name:?}");
    }
    let both = SendPaper::new("U1", Upload::new("a\rb", "image/jpeg\r\nX-Evil: 1", content(3)));
    let refused = Prepared::new(&both, &Environment::live()).unwrap_err();
    assert_eq!(refused.all().len(), 2, "{refused}");
}

#[tokio::test]
async fn what_is_no_file_is_refused_when_the_upload_is_made() {
    let folder = Folder::new();
    for path in [folder.0.clone(), folder.0.join("missing.jpg"), folder.0.join("..")] {
        let error = upload::file(&path).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Input, Outcome::NotSent), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    }
    let short = of_stream(10, pieces(&content(9), 4)).await.unwrap_err();
    assert!(short.to_string().contains("ended after 9 of 10 bytes"), "{short}");
    let long = of_stream(10, pieces(&content(11), 4)).await.unwrap_err();
    assert!(long.to_string().contains("more than the 10 bytes"), "{long}");
    let failing = stream::iter([Ok(Bytes::from_static(b"a")), Err(io::Error::other("the store is gone"))]);
    let failed = of_stream(10, failing).await.unwrap_err();
    assert!(failed.to_string().contains("the store is gone"), "{failed}");
    for error in [short, long, failed] {
        assert_eq!((error.kind(), error.outcome()), (Kind::Input, Outcome::NotSent), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_changes_after_its_check_is_not_sent() {
    let folder = Folder::new();
    let path = folder.0.join("id.png");
    let server = answering(ResponseTemplate::new(204)).await;
    for change in [Some(content(2_001)), Some(vec![7; 2_000]), None] {
        fs::write(&path, content(2_000)).unwrap();
        let upload = upload::file(&path).await.unwrap();
        match change {
            Some(other) => fs::write(&path, other).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let error = client(&server).send(SendPaper::new("U1", upload)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent), "{error}");
        assert_eq!(error.argument().unwrap().argument, "upload");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

/// A server that reads all that comes, and tells what it got when the connection ends.
async fn listening() -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        let _broken = socket.read_to_end(&mut read).await;
        read
    });
    (origin, server)
}

#[tokio::test]
async fn a_stream_of_another_length_never_makes_a_whole_request() {
    for (given, stated) in [(299_999, 300_000), (300_001, 300_000), (2_048, 300_000)] {
        let (origin, server) = listening().await;
        let upload = of_stream(stated, pieces(&content(given), 1_500)).await.unwrap();
        let error = client_at(&origin).send(SendPaper::new("U1", upload)).await.unwrap_err();
        // Something may have left.
        assert_eq!((error.kind(), error.outcome()), (Kind::Input, Outcome::Unknown), "{error}");
        assert!(error.to_string().contains("bytes"), "{error}");
        let read = server.await.unwrap();
        let Some(head) = read.windows(4).position(|window| window == b"\r\n\r\n") else {
            assert!(given < 3_000, "only a short file may be in a buffer when it fails");
            continue;
        };
        let stated = String::from_utf8_lossy(&read[..head]).to_lowercase();
        let stated = stated.split("content-length: ").nth(1).unwrap().lines().next().unwrap().to_owned();
        assert!(read.len() - head - 4 < stated.parse().unwrap(), "{} of {stated}", read.len());
    }
    let (origin, _server) = listening().await;
    let failing = pieces(&content(5_000), 1_000).chain(stream::iter([Err(io::Error::other("gone"))]));
    let upload = of_stream(10_000, failing).await.unwrap();
    let error = client_at(&origin).send(SendPaper::new("U1", upload)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Input, Outcome::Unknown));
    assert!(error.to_string().contains("cannot be read on: gone"), "{error}");
}

#[tokio::test]
async fn a_stream_is_sent_once() {
    let server = answering(ResponseTemplate::new(204)).await;
    let upload = of_stream(9, pieces(&content(9), 4)).await.unwrap();
    client(&server).send(SendPaper::new("U1", upload.clone())).await.unwrap();
    let error = client(&server).send(SendPaper::new("U1", upload)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent));
    assert_eq!(error.argument().unwrap().argument, "upload");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_upload_is_repeated_only_after_a_refused_nonce_and_a_stream_not_even_then() {
    let refusal = || ResponseTemplate::new(401).set_body_raw(EXPIRED, "application/json");
    let folder = Folder::new();
    let path = folder.0.join("id.png");
    fs::write(&path, content(200_000)).unwrap();
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(refusal()).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(204)).mount(&server).await;
    let told = Told::default();
    told.send(&client(&server), upload::file(&path).await.unwrap()).await.unwrap();
    told.check(200_000);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);

    let server = answering(refusal()).await;
    let upload = of_stream(9, pieces(&content(9), 4)).await.unwrap();
    let error = client(&server).send(SendPaper::new("U1", upload)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Auth, Outcome::Refused));
    assert!(error.to_string().contains("with a new upload"), "{error}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);

    for status in [408, 429, 500, 503] {
        let server = answering(ResponseTemplate::new(status)).await;
        let upload = upload::file(&path).await.unwrap();
        let error = client(&server).send(SendPaper::new("U1", upload)).await.unwrap_err();
        assert_eq!((error.attempts(), error.outcome()), (1, Outcome::Unknown), "{status}");
        assert_eq!(server.received_requests().await.unwrap().len(), 1);
    }
}

fn hasty(origin: &str) -> Client {
    let short = Duration::from_millis(400);
    let timeouts = Timeouts::default()
        .connect(Duration::from_millis(200))
        .idle(short)
        .attempt(short)
        .call(short)
        .upload(short);
    let environment = Environment::local(origin).unwrap();
    Client::builder(environment).credentials(credentials()).timeouts(timeouts).build().unwrap()
}

#[tokio::test]
async fn a_stream_that_stands_still_is_cut_and_named() {
    let (origin, _server) = listening().await;
    let still = pieces(&content(5_000), 1_000).chain(stream::pending());
    let upload = of_stream(10_000, still).await.unwrap();
    let error = hasty(&origin).send(SendPaper::new("U1", upload)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, Outcome::Unknown));
    assert!(error.to_string().contains("the file that is sent gave no more bytes"), "{error}");
}

#[tokio::test]
async fn a_peer_that_reads_slowly_gets_all_and_one_that_stops_is_cut() {
    const SIZE: usize = 16 * 1024 * 1024;
    for stops in [false, true] {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        // With small buffers, so that what is not read stays in the client.
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(8).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = vec![0; 1024 * 1024];
            let mut read = 0;
            while read < SIZE {
                let mut piece = 0;
                while piece < buffer.len() && read + piece < SIZE {
                    piece += socket.read(&mut buffer).await.unwrap();
                }
                read += piece;
                tokio::time::sleep(Duration::from_millis(40)).await;
                if stops {
                    std::future::pending::<()>().await;
                }
            }
            let _sent = socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            while socket.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
        });
        let start = std::time::Instant::now();
        let told = Told::default();
        let sent = told.send(&hasty(&origin), Upload::new("id.png", "image/png", vec![7; SIZE])).await;
        if stops {
            let error = sent.unwrap_err();
            assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, Outcome::Unknown));
            assert!(error.to_string().contains("no complete answer"), "{error}");
            let last = told.0.lock().unwrap().last().copied().unwrap();
            assert!(last.0 < last.1, "{last:?}");
        } else {
            assert_eq!(sent.unwrap(), 204);
            told.check(SIZE as u64);
            assert!(start.elapsed() > Duration::from_millis(500), "it was too fast to test anything");
        }
        server.abort();
    }
}

#[test]
fn without_a_runtime_an_upload_is_an_error_and_no_panic() {
    use futures_util::FutureExt as _;
    let error = upload::file("id.png").now_or_never().unwrap().unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
}
