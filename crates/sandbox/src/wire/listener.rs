//! The listener and its connections: HTTP/1.1, upgrades, and resets on request.

use super::{
    dispatch::{self, Site},
    link::link,
};
use crate::host::Host;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// How long the head of a request may take; also ends idle connections.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// How long connections may take to end at shutdown.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The pause after a failed accept (usually because no file descriptors are left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until the host stops, then ends them.
pub(crate) async fn run(host: Arc<Host>, listener: TcpListener, site: Site) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = host.stopped() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(Arc::clone(&host), stream, peer, site));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    // Dropping the set ends the connections that are still open.
    let _late =
        tokio::time::timeout(LAST_WORDS, async { while connections.join_next().await.is_some() {} }).await;
}

async fn connection(host: Arc<Host>, stream: TcpStream, peer: SocketAddr, site: Site) {
    // Frames and answers are small: waiting to fill a packet only delays them. A failure here is harmless.
    let _slower = stream.set_nodelay(true);
    let (socket, link) = link(stream);
    let service = service_fn(|request| {
        let (host, link) = (Arc::clone(&host), Arc::clone(&link));
        async move {
            Ok::<_, std::convert::Infallible>(
                Box::pin(dispatch::serve(host, site, peer, link, request)).await,
            )
        }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    tokio::select! {
        // An error here affects only this client.
        _ = http => {}
        () = link.is_reset() => return,
        () = host.stopped() => return,
    }
    if let Some(afterwards) = link.take_afterwards() {
        afterwards.await;
    }
}
