//! Checks that the program has a tokio runtime with timers and network.

use crate::Error;
use std::{
    net::{Ipv4Addr, UdpSocket},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// Checks that the current runtime has timers.
pub(crate) fn check_timers() -> Result<(), Error> {
    check(&AtomicBool::new(false), false)
}

/// Checks that the current runtime can run a call. Without a suitable runtime, tokio would panic, and a caller's mistake
/// must not end in a panic.
///
/// `known` remembers that a check succeeded, so that the expensive part is done once. A replay needs no network.
pub(crate) fn check(known: &AtomicBool, needs_network: bool) -> Result<(), Error> {
    if tokio::runtime::Handle::try_current().is_err() {
        return Err(Error::config(
            "there is no tokio runtime here; call this within one, for example with #[tokio::main]",
        ));
    }
    if known.load(Ordering::Relaxed) {
        return Ok(());
    }
    let works = |ask: &dyn Fn()| catch_unwind(AssertUnwindSafe(ask)).is_ok();
    if !works(&|| drop(tokio::time::sleep(Duration::ZERO))) {
        return Err(Error::config(
            "the tokio runtime has no timers; build it with `enable_time`, or with `enable_all`",
        ));
    }
    if needs_network && !works(&has_network) {
        return Err(Error::config(
            "the tokio runtime has no network; build it with `enable_io`, or with `enable_all`",
        ));
    }
    known.store(true, Ordering::Relaxed);
    Ok(())
}

fn has_network() {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    if let Ok(socket) = socket
        && socket.set_nonblocking(true).is_ok()
    {
        // Panics if the runtime has no network. An error of the operating system does not matter here.
        drop(tokio::net::UdpSocket::from_std(socket));
    }
}
