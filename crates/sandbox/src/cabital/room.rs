//! The running Cabital: its state behind a lock, its keys, and the task that sends callbacks.

use super::{
    Cabital, Moment,
    callbacks::{Attempt, AttemptEnded, Callback},
    command::Command,
    failure::Failure,
    sign::{self, Keys, Nonces, Signed, Signing},
};
use crate::{
    base::{
        clock::Clock,
        id::{AccountId, Code},
        ledger::Ledger,
        record::{Line, Shared},
    },
    client::{self, Limits},
};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header, request::Parts};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, task::JoinSet};
use uuid::Uuid;

/// How many callbacks are sent at the same time.
const MOST_ATTEMPTS: usize = 16;
/// How much of an answer to a callback is read; it is thrown away.
const MOST_OF_ANSWER: usize = 64 * 1024;
/// The longest wait for a timer, because the clock may be moved during the wait.
const LONGEST_WAIT_MS: i64 = 3_600_000;

/// Cabital, as its listeners and the control door see it.
pub(crate) struct Room {
    state: Mutex<Cabital>,
    clock: Arc<Clock>,
    record: Shared,
    keys: Keys,
    signing: Signing,
    nonces: Mutex<Nonces>,
    outlet: Outlet,
    wake: Notify,
}

/// How callbacks are sent.
#[derive(Debug)]
pub(crate) struct Outlet {
    /// Hosts that they may be sent to, in addition to this machine.
    pub(crate) hosts: Vec<String>,
    /// How long an attempt may take.
    pub(crate) longest: Duration,
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("access_key", &self.keys.access_key).finish_non_exhaustive()
    }
}

impl Room {
    /// Cabital without accounts, with new keys.
    pub(crate) fn new(
        state: Cabital,
        clock: Arc<Clock>,
        record: Shared,
        signing: Signing,
        outlet: Outlet,
    ) -> Self {
        let keys = Keys {
            access_key: format!("sandbox_{}", Uuid::new_v4().simple()),
            secret: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
        };
        Self {
            state: Mutex::new(state),
            clock,
            record,
            keys,
            signing,
            nonces: Mutex::default(),
            outlet,
            wake: Notify::new(),
        }
    }

    pub(crate) fn access_key(&self) -> &str {
        &self.keys.access_key
    }

    pub(crate) fn secret(&self) -> &str {
        &self.keys.secret
    }

    pub(super) fn signing(&self) -> Signing {
        self.signing
    }

    fn state(&self) -> MutexGuard<'_, Cabital> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state. Writes the command to the record, if there is one.
    pub(crate) fn command<C: Command>(&self, command: C) -> C::Answer {
        let answer = self.run(&mut self.state(), command);
        self.wake.notify_one();
        answer
    }

    fn run<C: Command>(&self, state: &mut Cabital, command: C) -> C::Answer {
        // Read under the lock, so that the record's times are in the order of its lines.
        let now_ms = self.clock.now_ms();
        self.record.command(now_ms, C::NAME, &command);
        state.run(command, now_ms)
    }

    /// Reads the state under the lock. The closure copies out what it needs.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Cabital) -> T) -> T {
        read(&self.state())
    }

    /// Carries out a line of a record.
    pub(crate) fn replay(&self, line: &Line) -> Result<(), super::ReplayError> {
        let mut state = self.state();
        state.replay(&line.name, line.with(), line.at_ms)?;
        self.record.line(line);
        Ok(())
    }

    /// Fires the timers that are due.
    pub(crate) fn fire_due(&self) {
        let mut state = self.state();
        let now_ms = self.clock.now_ms();
        if state.timers.next_at().is_some_and(|due_ms| due_ms <= now_ms) {
            self.run(&mut state, Moment {});
            self.wake.notify_one();
        }
    }

    /// Who is calling, by the headers of a request.
    pub(super) fn authenticate(&self, head: &Parts, body: &[u8]) -> Result<(), Failure> {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let call = (head.method.as_str(), path, body);
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = self.clock.now_ms();
        sign::authenticate((&self.keys, self.signing), &mut nonces, now_ms, call, &head.headers)
    }

    /// Reads the ledger, its accounts with their ids, and its currencies.
    pub(crate) fn read_ledger<T>(&self, read: impl FnOnce(&Ledger, &[(AccountId, Uuid)], &[Code]) -> T) -> T {
        self.read(|cabital| {
            let accounts: Vec<_> =
                cabital.accounts.iter().map(|account| (account.id, account.uuid)).collect();
            let currencies = cabital.terms.currencies.iter().map(|currency| currency.code);
            read(&cabital.ledger, &accounts, &currencies.collect::<Vec<_>>())
        })
    }

    /// The id of the oldest account.
    pub(crate) fn first_account(&self) -> Option<Uuid> {
        self.read(|cabital| cabital.accounts.first().map(|account| account.uuid))
    }

    /// Whether callbacks may be sent to a URL.
    pub(crate) fn may_tell(&self, url: &str) -> bool {
        client::check(url, &self.outlet.hosts).is_ok()
    }

    /// The callbacks with a number above `after`, the oldest first, at most 1,000.
    pub(crate) fn callbacks(&self, after: u64) -> Vec<Callback> {
        self.read(|cabital| cabital.callbacks.after(after).take(1_000).cloned().collect())
    }

    /// Fires timers and sends callbacks, until `stopped` resolves.
    pub(crate) async fn work(self: Arc<Self>, stopped: impl Future<Output = ()>) {
        let mut sending = JoinSet::new();
        tokio::pin!(stopped);
        loop {
            self.fire_due();
            while sending.len() < MOST_ATTEMPTS {
                let Some(attempt) = self.state().callbacks.take() else { break };
                sending.spawn(Arc::clone(&self).attempt(attempt));
            }
            let due = self.read(|cabital| cabital.timers.next_at()).map(|due_ms| {
                let wait_ms = due_ms.saturating_sub(self.clock.now_ms()).clamp(1, LONGEST_WAIT_MS);
                Duration::from_millis(wait_ms.unsigned_abs())
            });
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => {}
                Some(_) = sending.join_next() => {}
                () = &mut stopped => return,
            }
        }
    }

    /// Makes an attempt, with its own time, nonce and signature.
    async fn attempt(self: Arc<Self>, attempt: Attempt) {
        let Attempt { number, method, url, body } = attempt;
        let timestamp = self.clock.now_ms().div_euclid(1000).to_string();
        let nonce = Uuid::new_v4().to_string();
        let uri: Uri = url.parse().unwrap_or_default();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let name = method.as_str();
        let signed =
            Signed { timestamp: &timestamp, method: name, nonce: &nonce, path, body: body.as_bytes() };
        let signature = self.signing.call(&self.keys.secret, &signed);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let access = [
            ("access-key", &self.keys.access_key),
            ("access-timestamp", &timestamp),
            ("access-nonce", &nonce),
            ("access-sign", &signature),
        ];
        headers.extend(access.into_iter().filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
        }));
        let limits = Limits { hosts: &self.outlet.hosts, most: MOST_OF_ANSWER, longest: self.outlet.longest };
        let answer = client::send(method, &url, headers, body.into(), limits).await;
        let delivered = answer.is_ok_and(|answer| answer.status.is_success());
        self.command(AttemptEnded { number, delivered });
    }
}
