//! The server's task of a connection: it carries frames between the socket and the desk.

use super::Exchange;
use crate::line::{Line, Wire};
use futures_util::{SinkExt, StreamExt};
use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Bytes, Error, Message,
        protocol::{CloseFrame, Role, frame::coding::CloseCode},
    },
};

/// Largest text frame that the server takes from a client.
const LARGEST_FRAME: usize = 512;
/// How often it sends a ping, and how long after the last pong it drops the connection.
const PING_EVERY: Duration = Duration::from_secs(54);
const PONG_WITHIN: Duration = Duration::from_secs(60);
/// How long one frame may take to send.
const SEND_WITHIN: Duration = Duration::from_secs(10);

enum Turn {
    Say(String),
    Heard(Option<Result<Message, Error>>),
    TimePassed,
}

/// Serves a connection until it ends.
pub(crate) async fn serve(
    exchange: Exchange,
    line: Line,
    number: u64,
    private: bool,
    query: &str,
    wire: Wire,
) {
    let mut socket = WebSocketStream::from_raw_socket(wire, Role::Server, None).await;
    exchange.change(|desk| desk.enter(number, line, private, query));
    let mut next_ping = Instant::now() + PING_EVERY;
    let mut pong_until = Instant::now() + PONG_WITHIN;
    loop {
        let late = exchange.lock().next_late(number);
        let wake = late.into_iter().chain([next_ping, pong_until]).min().unwrap_or(next_ping);
        let mut alarm = pin!(sleep_until(wake));
        let turn = poll_fn(|cx| {
            if exchange.lock().is_silent(number, cx) {
                return Poll::Pending;
            }
            if let Poll::Ready(text) = exchange.lock().poll_frame(number, cx) {
                return Poll::Ready(Turn::Say(text));
            }
            // It came to the desk after the alarm was set.
            if exchange.lock().next_late(number).is_some_and(|at| at < wake) {
                return Poll::Ready(Turn::TimePassed);
            }
            if let Poll::Ready(heard) = socket.poll_next_unpin(cx) {
                return Poll::Ready(Turn::Heard(heard));
            }
            alarm.as_mut().poll(cx).map(|()| Turn::TimePassed)
        })
        .await;
        let now = Instant::now();
        let message = match turn {
            Turn::Say(text) => Message::text(text),
            Turn::Heard(Some(Ok(Message::Text(text)))) if text.len() > LARGEST_FRAME => {
                let close = CloseFrame { code: CloseCode::Size, reason: "".into() };
                // The client may be gone already.
                let _ = timeout(SEND_WITHIN, WebSocketStream::close(&mut socket, Some(close))).await;
                break;
            }
            Turn::Heard(Some(Ok(Message::Text(text)))) => {
                exchange.change(|desk| desk.request(number, &text));
                continue;
            }
            Turn::Heard(Some(Ok(Message::Pong(_)))) => {
                pong_until = now + PONG_WITHIN;
                continue;
            }
            Turn::Heard(Some(Err(_)) | None) => break,
            Turn::TimePassed if now >= pong_until => break,
            Turn::TimePassed if now >= next_ping => {
                next_ping = now + PING_EVERY;
                Message::Ping(Bytes::new())
            }
            Turn::Heard(Some(Ok(_))) | Turn::TimePassed => continue,
        };
        if !matches!(timeout(SEND_WITHIN, socket.send(message)).await, Ok(Ok(()))) {
            break;
        }
    }
    exchange.change(|desk| desk.leave(number));
}
