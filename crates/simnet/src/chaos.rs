//! Faults and traffic at random, all from the seed of the network.

use crate::{Direction, Exchange, Fault, Frames, Network, Opening, OrderEvent, TradeEvent};
use capecrypto_models::Decimal;
use std::{num::NonZeroU32, time::Duration};
use tokio::time::sleep;

/// A kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A cut, after which handshakes fail.
    Openings,
    /// A cut, after which connections live only for a short time.
    Flapping,
    /// A cut.
    Cut,
    /// A cut in the middle of a frame.
    CutInFrame,
    /// Bytes stop in one or both directions. Later they go on, or the connection dies.
    Partition,
    /// The connection is lost, and neither end is told.
    Vanish,
    /// The exchange holds the connection and does nothing.
    Silent,
    /// Few bytes a second, and a long latency.
    SlowLine,
    /// Frames of books are lost, doubled, swapped or late.
    BookFrames,
    /// Frames of the account are up to two seconds late. None is lost: nobody could notice that.
    AccountFrames,
    /// A subscription ends without a word.
    EndTopic,
    /// Lists come late.
    LateLists,
    /// The wall clock jumps ahead.
    ClockJump,
    /// The matching engine of a market restarts.
    EngineRestart,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Openings,
        Self::Flapping,
        Self::Cut,
        Self::CutInFrame,
        Self::Partition,
        Self::Vanish,
        Self::Silent,
        Self::SlowLine,
        Self::BookFrames,
        Self::AccountFrames,
        Self::EndTopic,
        Self::LateLists,
        Self::ClockJump,
        Self::EngineRestart,
    ];
}

/// Faults at random, one after another.
#[derive(Debug, Clone)]
#[must_use = "nothing goes wrong until it runs"]
pub struct Chaos {
    every: Duration,
    lasts: Duration,
    kinds: Vec<Kind>,
}

impl Default for Chaos {
    fn default() -> Self {
        Self { every: Duration::from_secs(10), lasts: Duration::from_secs(40), kinds: Kind::ALL.to_vec() }
    }
}

impl Chaos {
    /// The same with another mean time of quiet between two faults. Default 10 s.
    pub fn every(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// The same with another longest time for a fault that lasts. Default 40 s.
    pub fn lasts(self, lasts: Duration) -> Self {
        Self { lasts, ..self }
    }

    /// The same with only these kinds.
    pub fn only(self, kinds: &[Kind]) -> Self {
        Self { kinds: kinds.to_vec(), ..self }
    }

    /// The same without these kinds.
    pub fn without(mut self, kinds: &[Kind]) -> Self {
        self.kinds.retain(|kind| !kinds.contains(kind));
        self
    }

    /// Makes trouble for this long, then heals the network.
    pub async fn run(self, network: Network, time: Duration) {
        let mut random = network.random();
        let until = network.elapsed().saturating_add(time);
        loop {
            pause(&mut random, self.every.saturating_mul(2), &network, until).await;
            if network.elapsed() >= until {
                break;
            }
            let Some(kind) = random.choice(&self.kinds).copied() else { continue };
            if self.begin(kind, &network, &mut random) {
                pause(&mut random, self.lasts, &network, until).await;
                if kind == Kind::Partition && random.u8(..4) == 0 {
                    network.fault(Fault::Cut);
                }
                network.heal();
            }
        }
        network.heal();
    }

    /// Makes one fault; `true` if it lasts.
    fn begin(&self, kind: Kind, network: &Network, random: &mut fastrand::Rng) -> bool {
        let up_to =
            |random: &mut fastrand::Rng, most: Duration| Duration::from_millis(random.u64(..=millis(most)));
        let second = Duration::from_secs(1);
        match kind {
            Kind::Openings => {
                for _ in 0..random.u8(1..=3) {
                    let retry_after = random.bool().then(|| up_to(random, self.lasts));
                    let opening = match random.u8(..5) {
                        0 => Opening::Reset,
                        1 => Opening::Unavailable { retry_after },
                        2 => Opening::Silent,
                        3 => Opening::NotAWebsocket,
                        _ => Opening::DropBeforeRead,
                    };
                    network.fault(Fault::Opening(opening));
                }
                network.fault(Fault::Cut);
            }
            Kind::Flapping => {
                for _ in 0..random.u8(2..=6) {
                    network.fault(Fault::Opening(Opening::LivesFor(up_to(random, second * 3))));
                }
                network.fault(Fault::Cut);
            }
            Kind::Cut => network.fault(Fault::Cut),
            Kind::CutInFrame => network.fault(Fault::CutInFrame),
            Kind::Vanish => network.fault(Fault::Vanish),
            Kind::ClockJump => network.fault(Fault::ClockJump(up_to(random, second * 60))),
            Kind::Partition => {
                let directions = [Direction::ToClient, Direction::ToServer, Direction::Both];
                let direction = random.choice(directions).unwrap_or(Direction::Both);
                network.fault(Fault::Partition(direction));
                return true;
            }
            Kind::Silent => {
                network.fault(Fault::Silent);
                return true;
            }
            Kind::SlowLine => {
                let speed = NonZeroU32::new(random.u32(500..5_000)).unwrap_or(NonZeroU32::MIN);
                network.fault(Fault::Slow(speed));
                network.fault(Fault::Latency(Duration::ZERO, up_to(random, second * 2)));
                return true;
            }
            Kind::BookFrames => {
                for _ in 0..random.u8(1..=3) {
                    let frames = Frames::Books;
                    network.fault(match random.u8(..4) {
                        0 => Fault::DropFrame(frames),
                        1 => Fault::DoubleFrame(frames),
                        2 => Fault::SwapFrames(frames),
                        _ => Fault::DelayFrame(frames, up_to(random, second * 3)),
                    });
                }
            }
            Kind::AccountFrames => {
                network.fault(Fault::DelayFrame(Frames::Account, up_to(random, second * 2)));
            }
            Kind::EndTopic => {
                if let Some(topic) = random.choice(network.exchange().topics()) {
                    network.fault(Fault::EndTopic(topic));
                }
            }
            Kind::EngineRestart => {
                if let Some(market) = random.choice(network.exchange().markets()) {
                    network.exchange().restart_engine(&market);
                }
            }
            Kind::LateLists => {
                network.fault(Fault::LateLists(up_to(random, second * 5)));
                return true;
            }
        }
        false
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Waits for a random time up to `most`, but not longer than `until`.
async fn pause(random: &mut fastrand::Rng, most: Duration, network: &Network, until: Duration) {
    let left = until.saturating_sub(network.elapsed());
    sleep(Duration::from_millis(random.u64(1..=millis(most).max(1))).min(left)).await;
}

/// Changes at random in the open markets and in the account.
#[derive(Debug, Clone)]
#[must_use = "nothing happens until it runs"]
pub struct Traffic {
    every: Duration,
    account_every: Option<Duration>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { every: Duration::from_millis(500), account_every: Some(Duration::from_secs(1)) }
    }
}

/// Prices of random bids and asks: they never cross.
const MIDDLE: u32 = 1_000;
const LEVELS: u32 = 8;

impl Traffic {
    /// The same with another mean time between two changes of each book. Default 500 ms.
    pub fn every(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// The same with another mean time between two events of the account; `None` for no such events. Default 1 s.
    pub fn account_every(self, account_every: Option<Duration>) -> Self {
        Self { account_every, ..self }
    }

    /// Moves the open markets, and the account, for this long.
    pub async fn run(self, network: Network, time: Duration) {
        let exchange = network.exchange();
        let mut random = exchange.random();
        let until = network.elapsed().saturating_add(time);
        let start = network.elapsed();
        // What moves next, and when: each market, and the account.
        let markets = exchange.markets().into_iter().map(|market| (Some(market), self.every));
        let account = self.account_every.map(|every| (None, every));
        let mut next: Vec<_> = markets
            .chain(account)
            .map(|(market, every)| (start + wait(&mut random, every), every, market))
            .collect();
        while let Some((at, every, market)) =
            next.iter_mut().min_by_key(|(at, ..)| *at).filter(|(at, ..)| *at < until)
        {
            sleep(at.saturating_sub(network.elapsed())).await;
            match market {
                Some(market) => move_book(&exchange, market, &mut random),
                None => move_account(&exchange, &mut random),
            }
            *at += wait(&mut random, *every);
        }
        sleep(until.saturating_sub(network.elapsed())).await;
    }
}

/// A random time with this mean.
fn wait(random: &mut fastrand::Rng, mean: Duration) -> Duration {
    Duration::from_millis(random.u64(1..=millis(mean).saturating_mul(2).max(1)))
}

fn move_book(exchange: &Exchange, market: &str, random: &mut fastrand::Rng) {
    let distance = random.u32(1..=LEVELS);
    let amount = Decimal::from(if random.u8(..3) == 0 { 0 } else { random.u32(1..1_000) });
    if random.bool() {
        exchange.bid(market, MIDDLE - distance, amount);
    } else {
        exchange.ask(market, MIDDLE + distance, amount);
    }
}

fn move_account(exchange: &Exchange, random: &mut fastrand::Rng) {
    let id = random.u64(1..1_000_000_000);
    let (price, amount) = (Decimal::from(MIDDLE), Decimal::from(random.u32(1..1_000)));
    match random.u8(..3) {
        0 => exchange.order(&OrderEvent::buy(id, "btczar", price, amount)),
        1 => exchange.trade(&TradeEvent::buy(id, id + 1, "btczar", price, amount)),
        _ => exchange.balance("zar", amount, price),
    }
}
