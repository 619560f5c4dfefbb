//! The receiver as a service of tower: reads the body, and answers.

use crate::{
    Answer, Delivery, MAX_BODY, Receiver, Rejection, Sender, handling::has_timers, receiver::is_encoded,
};
use bytes::{Buf, BufMut, Bytes};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full};
use std::{
    convert::Infallible,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{runtime::Handle, time::timeout};
use tower_service::Service;

/// How long a body may take.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Takes requests with any body, of any type.
///
/// It reads at most 1 MiB within 10 seconds, and refuses every method that the sender does not use, and every body that is
/// compressed. Once a
/// delivery is verified, it is handled in a task of its own: if the client hangs up, the handler still finishes, and the
/// next delivery of the event is answered 200. So it must run within a tokio runtime with timers; otherwise it answers 503.
impl<B, V> Service<Request<B>> for Receiver<V>
where
    V: Sender,
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let receiver = self.clone();
        Box::pin(async move { Ok(response(answer(&receiver, request).await, V::METHODS)) })
    }
}

async fn answer<B: Body, V: Sender>(receiver: &Receiver<V>, request: Request<B>) -> Answer {
    let (head, body) = request.into_parts();
    if !V::METHODS.contains(&head.method.as_str()) {
        return receiver.refuse(&Rejection::Method(V::METHODS));
    }
    // Before anything is read.
    if is_encoded(&head.headers) {
        return receiver.refuse(&Rejection::Encoded);
    }
    if let Some(length) = length(&head.headers).filter(|length| *length > MAX_BODY) {
        return receiver.refuse(&Rejection::TooLarge(length));
    }
    let runtime = match Handle::try_current() {
        Ok(runtime) if has_timers() => runtime,
        _ => return receiver.no_runtime(),
    };
    let body = match timeout(BODY_WITHIN, read(body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) => return receiver.refuse(&rejection),
        Err(_) => return receiver.refuse(&Rejection::TooSlow),
    };
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let delivery = Delivery { method: head.method.as_str(), path, headers: &head.headers, body: &body };
    let receiving = receiver.receive_delivery(&delivery);
    // An error means that the code of a store has panicked, or that the runtime ends.
    runtime.spawn(receiving).await.unwrap_or(Answer::DOWN)
}

/// What the header `Content-Length` says, if it can be read. The server has checked it.
fn length(headers: &HeaderMap) -> Option<usize> {
    let length: u64 = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()?;
    Some(usize::try_from(length).unwrap_or(usize::MAX))
}

async fn read<B: Body>(body: B) -> Result<Vec<u8>, Rejection> {
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        // A trailer has nothing for us.
        let Ok(data) = frame.map_err(|_| Rejection::Interrupted)?.into_data() else { continue };
        let length = bytes.len().saturating_add(data.remaining());
        if length > MAX_BODY {
            return Err(Rejection::TooLarge(length));
        }
        bytes.put(data);
    }
    Ok(bytes)
}

fn response(answer: Answer, methods: &[&str]) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(answer.text.as_bytes())));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if answer.status == 405 {
        headers.extend(HeaderValue::try_from(methods.join(", ")).map(|methods| (header::ALLOW, methods)));
    }
    response
}
