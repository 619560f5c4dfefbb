use crate::calls::client_at;
use capecrypto_rest::{Kind, Upgrade};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

async fn once(answers: Vec<&'static str>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let count = socket.read(&mut buffer).await.unwrap();
            requests.push(String::from_utf8_lossy(&buffer[..count]).into_owned());
            socket.write_all(answer.as_bytes()).await.unwrap();
            if answer.contains(" 101 ") {
                let count = socket.read(&mut buffer).await.unwrap();
                socket.write_all(&buffer[..count]).await.unwrap();
            }
        }
        requests
    });
    (origin, task)
}

fn handshake(signed: bool) -> Upgrade {
    let mut upgrade = Upgrade::new(crate::calls::STREAM, "/private");
    upgrade.query = "stream=btczar.ob-inc&stream=order".to_owned();
    upgrade.signed = signed;
    upgrade.headers = vec![("connection", "upgrade".to_owned()), ("upgrade", "websocket".to_owned())];
    upgrade
}

#[tokio::test]
async fn a_signed_handshake_opens_a_connection() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nx-answer: yes\r\n\r\n";
    let (origin, task) = once(vec![switch]).await;
    let (headers, mut connection) = client_at(&origin).upgrade(&handshake(true)).await.unwrap();
    assert_eq!(headers["x-answer"], "yes");
    connection.write_all(b"echo").await.unwrap();
    let mut echo = [0; 4];
    connection.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"echo");
    let request = &task.await.unwrap()[0];
    assert!(
        request.starts_with("GET /api/v2/websocket/private?stream=btczar.ob-inc&stream=order HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("x-auth-signature: ") && !request.to_lowercase().contains("origin:"),
        "{request}"
    );
}

#[tokio::test]
async fn a_refused_nonce_is_signed_afresh_once() {
    let refuse = "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 34\r\n\r\n{\"errors\":[\"authz.nonce_expired\"]}";
    let (origin, task) = once(vec![refuse, refuse]).await;
    let error = client_at(&origin).upgrade(&handshake(true)).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (Kind::Auth, 2));
    assert!(error.has_code("authz.nonce_expired") && error.hint().is_some());
    assert_eq!(task.await.unwrap().len(), 2);
}

#[tokio::test]
async fn any_other_answer_is_an_error() {
    for (answer, kind) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", Kind::Unexpected),
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", Kind::Maintenance),
        ("HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n", Kind::Redirect),
    ] {
        let (origin, _task) = once(vec![answer]).await;
        assert_eq!(client_at(&origin).upgrade(&handshake(false)).await.unwrap_err().kind(), kind);
    }
}
