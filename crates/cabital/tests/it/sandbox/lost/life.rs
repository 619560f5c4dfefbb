//! One life of the program: the faults that it meets, and how it is killed.

use super::{CONVERSIONS, RECONCILIATION, TRANSFERS};
use crate::convert_and_transfer::Durable;
use cabital::{Cabital, Hosts};
use capecrypto_auth::Credentials;
use capecrypto_rest::{FileIntentLog, IntentLog};
use capecrypto_sandbox::{CabitalControl, Fault, FaultKind, Sandbox};
use std::{future::poll_fn, path::PathBuf, pin::pin, sync::Arc, task::Poll, time::Duration};
use tokio::sync::Notify;

/// How long the sandbox holds back an answer that never comes.
const NEVER_MS: u64 = 600_000;

/// How a program is killed: its future is dropped.
#[derive(Debug, Clone, Copy)]
pub(super) enum Plan {
    Lives,
    /// After this many steps of its log; before or after the step itself.
    InLog(u32, bool),
    /// After this many polls. Where that is depends on the network, so it may be elsewhere when the seed is run again.
    Polls(u32),
    /// When the conversion is in the ledger, and its answer has not come.
    Converting,
    /// When the transfer is in the ledger, and its answer has not come.
    Transferring,
}

/// A life.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) plan: Plan,
    pub(super) faults: Vec<Fault>,
    /// The paths whose answer gets lost.
    lost: Vec<&'static str>,
}

impl Life {
    pub(super) fn random(random: &mut fastrand::Rng, conversions: usize, transfers: usize) -> Self {
        let plan = match random.u32(0..20) {
            0..6 => Plan::Lives,
            6..12 => Plan::InLog(random.u32(0..9), random.bool()),
            12..15 => Plan::Polls(random.u32(0..60)),
            15..17 if conversions == 0 => Plan::Converting,
            _ if transfers == 0 => Plan::Transferring,
            _ => Plan::Lives,
        };
        let mut life = Self { plan, faults: Vec::new(), lost: Vec::new() };
        // Most lives get past the conversion.
        for (path, most) in [(CONVERSIONS, 24), (TRANSFERS, 12)] {
            match random.u32(0..most) {
                0 | 1 => life.faults.push(Fault::next(FaultKind::ResetBeforeApply).on("POST", path)),
                lost @ 2..5 => {
                    let kind = if lost < 4 { FaultKind::ResetAfterApply } else { gave_up() };
                    life.faults.push(Fault::next(kind).on("POST", path));
                    life.lost.push(path);
                }
                5 => life.faults.push(Fault::next(unavailable()).on("POST", path)),
                6 => life.faults.push(Fault::next(unavailable()).on("POST", path).times(2)),
                _ => {}
            }
        }
        if random.u32(0..12) == 0 {
            life.faults.push(Fault::next(unavailable()).on("GET", RECONCILIATION).times(3));
        }
        let held = match plan {
            Plan::Converting => Some(CONVERSIONS),
            Plan::Transferring => Some(TRANSFERS),
            _ => None,
        };
        if let Some(path) = held {
            life.faults.push(Fault::next(FaultKind::DelayAfterApply(NEVER_MS)).on("POST", path));
        }
        life
    }

    pub(super) fn loses(&self, path: &str) -> bool {
        self.lost.contains(&path)
    }
}

/// What a gateway answers that gave up waiting, after it was done.
fn gave_up() -> FaultKind {
    FaultKind::AnswerAfterApply { status: 504, body: "<h1>504</h1>".to_owned(), content_type: None }
}

/// What a gateway answers; nothing is done.
fn unavailable() -> FaultKind {
    FaultKind::Answer { status: 503, body: String::new(), content_type: None }
}

/// A client of the sandbox, without a log.
pub(super) fn client(sandbox: &Sandbox) -> cabital::CabitalBuilder {
    let access = sandbox.cabital();
    let hosts = Hosts::at(&access.origin, &access.link_origin).unwrap();
    Cabital::builder(hosts).credentials(Credentials::new(&access.access_key, &access.secret).unwrap())
}

/// The result of the work; `None` if it was killed.
pub(super) async fn until_killed<T>(
    plan: &Plan,
    kill: Arc<Notify>,
    control: &CabitalControl,
    work: impl Future<Output = T>,
) -> Option<T> {
    match *plan {
        Plan::Lives | Plan::InLog(..) => tokio::select! {
            done = work => Some(done),
            () = kill.notified() => None,
        },
        Plan::Polls(most) => {
            let (mut work, mut polls) = (pin!(work), 0);
            poll_fn(|context| {
                polls += 1;
                if polls > most { Poll::Ready(None) } else { work.as_mut().poll(context).map(Some) }
            })
            .await
        }
        Plan::Converting => tokio::select! {
            done = work => Some(done),
            () = is_in_ledger(control, "conversion") => None,
        },
        Plan::Transferring => tokio::select! {
            done = work => Some(done),
            () = is_in_ledger(control, "transfer") => None,
        },
    }
}

/// Waits until the ledger has such an entry. The caller's client has a deadline.
async fn is_in_ledger(control: &CabitalControl, kind: &str) {
    while !control.journal(0).iter().any(|entry| entry.kind == kind) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The file of a log, in a folder of its own that is removed at the end.
pub(super) struct LogFile(PathBuf);

impl LogFile {
    pub(super) fn new(seed: u64) -> Self {
        let folder = std::env::temp_dir().join(format!("cabital-lost-{}-{seed}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// Opens it, as a program that starts does. The killed one may still write its last line.
    pub(super) async fn open(&self) -> OpenLog {
        let path = self.0.join("intents.jsonl");
        for _ in 0..5_000 {
            match FileIntentLog::at(&path) {
                Ok(log) => {
                    let kill = Arc::new(Notify::new());
                    return OpenLog { log: Durable::over(log, kill.clone()), kill };
                }
                Err(error) if error.to_string().contains("is in use already") => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Err(error) => panic!("{error}"),
            }
        }
        panic!("the log of a program that was killed is still in use after 5 seconds");
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// A log of a running program.
pub(super) struct OpenLog {
    log: Arc<Durable>,
    kill: Arc<Notify>,
}

impl OpenLog {
    /// The same, so that the program is killed in it as planned.
    pub(super) fn killing(&self, plan: &Plan) -> Arc<Durable> {
        *self.log.left.lock().unwrap() = match *plan {
            Plan::InLog(left, after) => Some((left, after)),
            _ => None,
        };
        self.log.clone()
    }

    pub(super) fn kill(&self) -> Arc<Notify> {
        self.kill.clone()
    }

    pub(super) fn inner(&self) -> &dyn IntentLog {
        &*self.log.inner
    }
}
