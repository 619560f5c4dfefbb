//! What can go wrong.

use std::{num::NonZeroU32, time::Duration};

/// Something that goes wrong: by hand with [`Network::fault`](crate::Network::fault), at random with [`Chaos`](crate::Chaos).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The next handshake comes to this. Several wait in line.
    Opening(Opening),
    /// Every handshake comes to this, until [`heal`](crate::Network::heal).
    Openings(Opening),
    /// All connections break at once. What was on its way is lost.
    Cut,
    /// Each connection breaks in the middle of the next frame to the client.
    CutInFrame,
    /// Bytes stop and wait, and new handshakes wait too, until [`heal`](crate::Network::heal). After that they go on; with
    /// [`Fault::Cut`] before it, the connections die instead.
    Partition(Direction),
    /// The open connections lose all bytes from now on, and neither end is told. New connections work.
    Vanish,
    /// The exchange holds its connections, and reads and sends nothing, until [`heal`](crate::Network::heal).
    Silent,
    /// The line takes this long for each write, between the two, until [`heal`](crate::Network::heal).
    Latency(Duration, Duration),
    /// The line carries so many bytes a second in each direction, until [`heal`](crate::Network::heal).
    Slow(NonZeroU32),
    /// The exchange loses the next of these frames.
    DropFrame(Frames),
    /// The exchange sends the next of these frames twice.
    DoubleFrame(Frames),
    /// The exchange sends the next of these frames behind the one that follows it.
    SwapFrames(Frames),
    /// The exchange sends the next of these frames that much later. Others pass it.
    DelayFrame(Frames, Duration),
    /// The exchange ends this subscription of all connections without a word. Only its next list shows that.
    EndTopic(String),
    /// The exchange's lists of subscriptions come that much later, until [`heal`](crate::Network::heal).
    LateLists(Duration),
    /// The wall clock jumps ahead, as after the suspension of a machine.
    ClockJump(Duration),
}

/// What a handshake comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opening {
    /// The connection breaks during the handshake.
    Reset,
    /// The server answers 503, and may ask for a wait.
    Unavailable {
        /// The wait that it asks for.
        retry_after: Option<Duration>,
    },
    /// The server refuses the credentials.
    Unauthorized,
    /// The server does not answer.
    Silent,
    /// The answer is that of another protocol.
    NotAWebsocket,
    /// The handshake succeeds, and the connection is gone before its first byte.
    DropBeforeRead,
    /// The handshake succeeds, and the connection breaks after this time. Several in line are a flapping server.
    LivesFor(Duration),
}

/// In which direction bytes stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What the server sends does not arrive.
    ToClient,
    /// What the client sends does not arrive.
    ToServer,
    /// Nothing arrives on either side.
    Both,
}

/// Which frames a fault means.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Frames {
    /// Any frame, also the answers to requests.
    Any,
    /// Snapshots and increments of books.
    Books,
    /// Orders, trades and balances.
    Account,
    /// The frames of one topic, such as `order` or `btczar.ob-inc`.
    Of(String),
}

impl Frames {
    /// Whether a frame of this topic is meant. An answer has no topic.
    pub(crate) fn has(&self, topic: Option<&str>) -> bool {
        match (self, topic) {
            (Self::Any, _) => true,
            (Self::Books, Some(topic)) => topic.ends_with(".ob-inc") || topic.ends_with(".ob-snap"),
            (Self::Account, Some(topic)) => !topic.contains('.'),
            (Self::Of(wanted), Some(topic)) => wanted == topic,
            (Self::Books | Self::Account | Self::Of(_), None) => false,
        }
    }
}
