//! The store in Redis.

mod error;
mod scripts;

pub use error::RedisError;

use super::{
    numbers,
    store::{Claim, Claimed, Dead, Entry, Failure, Finish, Known, Next, Put, Queue, Queued, Store, Ticket},
};
use crate::EventKey;
use capecrypto_models::Timestamp;
use redis::{
    Client, FromRedisValue,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
};
use scripts::{Ask, Scripts};
use std::{fmt, sync::Arc, time::Duration};
use tokio::runtime::Handle;

/// How long [`RedisStore::connect`] waits for a connection or an answer.
const WAIT: Duration = Duration::from_secs(5);

/// Keeps the events in Redis 6.2 or later, for receivers on several machines. Feature `redis`.
///
/// **An effect can happen again after a crash.** Redis has no transaction that the handler could write with. If the process dies
/// after the effect and before [`Work::finish`](crate::Work::finish), the event is handled again after its lease. So a handler
/// must be able to bear that, for example by an `INSERT … ON CONFLICT DO NOTHING` under the event's key.
///
/// **What was answered is kept only as well as your server keeps it.** With `appendonly yes` and `appendfsync always`, a power cut
/// loses nothing; with `appendfsync everysec`, the last second; without `appendonly`, everything since the last snapshot, which
/// means that finished events are handled again, and waiting ones are lost. `maxmemory-policy` must be `noeviction`. A replica
/// that takes over may lack the last changes.
///
/// It needs a tokio runtime. `Debug` does not show how to reach the server.
///
/// ```
/// # async fn receive(verified: capecrypto_webhook::Verified, now: capecrypto_models::Timestamp) -> Result<(), Box<dyn std::error::Error>> {
/// use capecrypto_webhook::{Inbox, RedisStore, Taken};
///
/// let inbox = Inbox::new(RedisStore::connect("redis://127.0.0.1:6379/", "cape:inbox")?); // without TLS
/// if let Taken::Run(work) = inbox.take(&verified, now).await? {
///     // … ship the goods here, if they were not shipped before
///     work.finish(now).await?;
/// }
/// # Ok(()) }
/// ```
///
/// # Keys
/// They begin with a prefix of your choice in braces, such as `{cape:inbox}:events`, so all of them are on one node of a cluster.
/// There are seven, made when they are needed. A key of an event is its [`EventKey`]; times are Unix milliseconds.
///
/// | Key | Type | What |
/// | --- | --- | --- |
/// | `…:events` | hash | an event's key → JSON with `state` (`waiting`, `claimed`, `finished`, `dead`), `at` (due at; lease until; since), `time`, `reference`, `attempt`, `failures`, `reason` |
/// | `…:bodies` | hash | an event's key → its body, for a worker, until it is finished |
/// | `…:due` | sorted set | keys of waiting and claimed events with a body, by `at` |
/// | `…:dead` | sorted set | keys of dead events, by `at` |
/// | `…:finished` | sorted set | keys of finished events with a time, by `time` |
/// | `…:references` | hash | a payment reference → JSON list of the keys of its events |
/// | `…:open` | sorted set | payment references whose events are awaited, all with the score 0 |
#[derive(Clone)]
pub struct RedisStore<C = ConnectionManager> {
    connection: C,
    scripts: Arc<Scripts>,
}

impl RedisStore {
    /// Connects at the first use **without TLS**, and again after a connection was lost. For a server on this machine or in a
    /// network that nobody else can read. An answer is waited for at most 5 seconds.
    ///
    /// # Errors
    /// [`Address`](RedisError::Address); [`Prefix`](RedisError::Prefix); [`NoConnection`](RedisError::NoConnection) outside of a
    /// tokio runtime.
    pub fn connect(address: &str, prefix: &str) -> Result<Self, RedisError> {
        in_runtime()?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(WAIT))
            .set_response_timeout(Some(WAIT));
        let client = Client::open(address).map_err(|_| RedisError::Address)?;
        Self::new(client.get_connection_manager_lazy(config).map_err(|_| RedisError::Address)?, prefix)
    }
}

impl<C: ConnectionLike + Clone + Send + Sync> RedisStore<C> {
    /// Uses a connection of yours, for example one with TLS or of a cluster. It is cloned for each call, so the clones must share
    /// one connection, as [`ConnectionManager`] does. It should not repeat a command by itself.
    ///
    /// # Errors
    /// [`Prefix`](RedisError::Prefix).
    pub fn new(connection: C, prefix: &str) -> Result<Self, RedisError> {
        if prefix.is_empty() || prefix.contains(['{', '}']) {
            return Err(RedisError::Prefix);
        }
        Ok(Self { connection, scripts: Arc::new(Scripts::new(prefix)) })
    }

    async fn run<T: FromRedisValue>(&self, script: &redis::Script, ask: &Ask<'_>) -> Result<T, RedisError> {
        self.run_with(script, ask, "").await
    }

    async fn run_with<T: FromRedisValue>(
        &self,
        script: &redis::Script,
        ask: &Ask<'_>,
        body: &str,
    ) -> Result<T, RedisError> {
        in_runtime()?;
        let mut call = script.prepare_invoke();
        for key in &self.scripts.keys {
            call.key(key);
        }
        call.arg(serde_json::to_string(ask).unwrap_or_default()).arg(body);
        Ok(call.invoke_async(&mut self.connection.clone()).await?)
    }
}

/// Without one, a connection would panic.
fn in_runtime() -> Result<(), RedisError> {
    let missing = "there is no running tokio runtime: call the store in one";
    Handle::try_current().map(drop).map_err(|_| RedisError::NoConnection(missing.into()))
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Store for RedisStore<C> {
    type Error = RedisError;
    type Transaction<'a>
        = ()
    where
        C: 'a;

    async fn claim(&self, claim: &Claim<'_>) -> Result<Claimed, RedisError> {
        let ask = Ask {
            reference: claim.reference,
            opens: claim.opens,
            time: claim.time.map(scripts::millis),
            until: Some(scripts::millis(claim.until)),
            attempts: Some(claim.attempts),
            only_known: claim.only_known,
            ..Ask::of(claim.key, claim.now)
        };
        let answer: Vec<String> = self.run(&self.scripts.claim, &ask).await?;
        let mut answer = answer.iter().map(String::as_str);
        Ok(match answer.next() {
            Some("yes") => Claimed::Yes { attempt: number(answer.next())?, known: known(answer)? },
            Some("claimed") => Claimed::Running(time(answer.next())?),
            Some("finished") => Claimed::Finished,
            Some("dead") => Claimed::Dead,
            Some("unknown") => Claimed::Unknown,
            _ => return Err(RedisError::Unreadable),
        })
    }

    async fn begin(&self) -> Result<(), RedisError> {
        Ok(())
    }

    async fn finish(&self, (): (), end: &Finish<'_>) -> Result<bool, RedisError> {
        let ask = Ask { closes: end.closes, ..Ask::of(&end.ticket.key, end.now) };
        self.run(&self.scripts.finish, &ask).await
    }

    async fn fail(&self, failure: &Failure<'_>) -> Result<bool, RedisError> {
        let ask = Ask {
            attempt: Some(failure.ticket.attempt),
            attempts: Some(failure.attempts),
            reason: Some(failure.reason),
            again: Some(scripts::millis(failure.again)),
            ..Ask::of(&failure.ticket.key, failure.now)
        };
        self.run(&self.scripts.fail, &ask).await
    }

    async fn dead(&self, most: usize) -> Result<Vec<Dead>, RedisError> {
        let ask = Ask { most: Some(numbers::limit(most).min(i64::from(i32::MAX))), ..Ask::default() };
        let answer: Vec<String> = self.run(&self.scripts.dead, &ask).await?;
        let dead = answer.chunks_exact(4).map(|row| match row {
            [key, at, is_known, reason] => Ok(Dead {
                key: parse(key)?,
                reason: (is_known == "because").then(|| reason.as_str().into()),
                at: time(Some(at))?,
            }),
            _ => Err(RedisError::Unreadable),
        });
        dead.collect()
    }

    async fn retry(&self, key: &EventKey) -> Result<bool, RedisError> {
        let ask = Ask { key: key.as_str(), ..Ask::default() };
        self.run(&self.scripts.retry, &ask).await
    }

    async fn forget(&self, before: Timestamp) -> Result<u64, RedisError> {
        let (mut dropped, mut stayed) = (0, 0);
        loop {
            let ask = Ask { before: Some(scripts::millis(before)), skip: Some(stayed), ..Ask::default() };
            let (dropped_now, seen): (u64, u64) = self.run(&self.scripts.forget, &ask).await?;
            if seen == 0 {
                return Ok(dropped);
            }
            dropped += dropped_now;
            stayed += seen.saturating_sub(dropped_now);
        }
    }

    async fn open(&self, reference: &str) -> Result<(), RedisError> {
        let ask = Ask { reference: Some(reference), ..Ask::default() };
        self.run(&self.scripts.open, &ask).await
    }

    async fn close(&self, reference: &str) -> Result<bool, RedisError> {
        let ask = Ask { reference: Some(reference), ..Ask::default() };
        self.run(&self.scripts.close, &ask).await
    }

    async fn awaited(&self, after: Option<&str>, most: usize) -> Result<Vec<Box<str>>, RedisError> {
        in_runtime()?;
        let first = after.map_or_else(|| "-".to_owned(), |after| format!("({after}"));
        let mut command = redis::cmd("ZRANGEBYLEX");
        command
            .arg(self.scripts.open_key())
            .arg(first)
            .arg("+")
            .arg("LIMIT")
            .arg(0)
            .arg(numbers::limit(most));
        let names: Vec<String> = command.query_async(&mut self.connection.clone()).await?;
        Ok(names.into_iter().map(Into::into).collect())
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Queue for RedisStore<C> {
    async fn put(&self, entry: &Entry<'_>) -> Result<Put, RedisError> {
        let ask = Ask {
            reference: entry.reference,
            opens: entry.opens,
            time: entry.time.map(scripts::millis),
            only_known: entry.only_known,
            ..Ask::of(entry.key, entry.now)
        };
        let answer: String = self.run_with(&self.scripts.put, &ask, entry.json).await?;
        match answer.as_str() {
            "new" => Ok(Put::New),
            "known" => Ok(Put::Known),
            "unknown" => Ok(Put::Unknown),
            _ => Err(RedisError::Unreadable),
        }
    }

    async fn next(&self, ask: &Next) -> Result<Option<Queued>, RedisError> {
        let ask = Ask {
            now: Some(scripts::millis(ask.now)),
            until: Some(scripts::millis(ask.until)),
            attempts: Some(ask.attempts),
            ..Ask::default()
        };
        loop {
            let answer: Vec<String> = self.run(&self.scripts.next, &ask).await?;
            let mut answer = answer.iter().map(String::as_str);
            match answer.next() {
                Some("yes") => {
                    let attempt = number(answer.next())?;
                    let key = parse(answer.next().unwrap_or_default())?;
                    let json = answer.next().ok_or(RedisError::Unreadable)?.into();
                    return Ok(Some(Queued { ticket: Ticket { key, attempt }, json, known: known(answer)? }));
                }
                Some("none") => return Ok(None),
                Some("more") => {}
                _ => return Err(RedisError::Unreadable),
            }
        }
    }
}

fn parse(key: &str) -> Result<EventKey, RedisError> {
    key.parse().map_err(|_| RedisError::Unreadable)
}

fn number(text: Option<&str>) -> Result<u32, RedisError> {
    text.and_then(|text| text.parse().ok()).ok_or(RedisError::Unreadable)
}

fn time(text: Option<&str>) -> Result<Timestamp, RedisError> {
    text.and_then(|text| text.parse().ok()).and_then(numbers::time).ok_or(RedisError::Unreadable)
}

/// Keys, each with its state behind it.
fn known<'a>(mut answer: impl Iterator<Item = &'a str>) -> Result<Vec<Known>, RedisError> {
    let mut known = Vec::new();
    while let (Some(key), Some(state)) = (answer.next(), answer.next()) {
        known.push(Known { key: parse(key)?, finished: state == "finished" });
    }
    Ok(known)
}

impl<C> fmt::Debug for RedisStore<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("scripts", &self.scripts).finish_non_exhaustive()
    }
}
