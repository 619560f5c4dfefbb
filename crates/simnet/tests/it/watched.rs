//! A client that does something again and again at the same moment: on a paused clock it would never end.

use capecrypto_simnet::Network;
use capecrypto_stream::{Connect, ConnectError, Connection, Handshake};
use futures_util::future::BoxFuture;
use std::sync::Mutex;
use tokio::time::Instant;

/// More turns of the client's task at one moment than any work needs.
const MOST_TURNS: u32 = 100_000;

/// A network that panics in the task of a client that spins. The task reads the clock at each turn.
pub(crate) struct Watched {
    network: Network,
    turns: Mutex<(Instant, u32)>,
}

impl Watched {
    pub(crate) fn new(network: &Network) -> Self {
        Self { network: network.clone(), turns: Mutex::new((Instant::now(), 0)) }
    }
}

impl Connect for Watched {
    fn connect<'a>(&'a self, handshake: &'a Handshake) -> BoxFuture<'a, Result<Connection, ConnectError>> {
        self.network.connect(handshake)
    }

    fn unix_millis(&self) -> u64 {
        let mut turns = self.turns.lock().unwrap();
        let now = Instant::now();
        let (since, count) = *turns;
        *turns = if since == now { (now, count + 1) } else { (now, 0) };
        assert!(count < MOST_TURNS, "the client spins at {:?}", self.network.elapsed());
        self.network.unix_millis()
    }
}
