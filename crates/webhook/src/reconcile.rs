//! Reads from the exchange what no webhook has told, for example after your server was down for longer than the exchange sends
//! an event again.
//!
//! ```no_run
//! # use capecrypto_webhook::{Handler, Inbox, Store};
//! # async fn example<S: Store, H: Handler<S>>(client: capecrypto_rest::Client, inbox: Inbox<S>, handler: H) {
//! use capecrypto_webhook::reconcile::Reconcile;
//! use std::time::Duration;
//!
//! let since = client.now().checked_sub(Duration::from_secs(2 * 24 * 3600)).unwrap_or(client.now());
//! let report = Reconcile::new(client).deposits(since).run(&inbox, &handler).await;
//! println!("{} events were handled, {} were known", report.told.len(), report.known);
//! for untold in &report.untold {
//!     println!("{untold}"); // what it is, and what a person can do
//! }
//! # }
//! ```

mod facts;
mod report;
mod walk;

pub use report::{ReadError, Report, Subject, Untold, Why};

use crate::{Notice, handling::Handling, notice::Observer};
use capecrypto_models::{PaymentReferenceId, Timestamp, Uid};
use capecrypto_rest::Client;
use std::{fmt, sync::Arc, time::Duration};

const DEADLINE: Duration = Duration::from_secs(60);

/// Finds the number of a payment reference by its code.
type Numbers = Arc<dyn Fn(&str) -> Option<PaymentReferenceId> + Send + Sync>;

/// Tells the handler what no webhook has told.
///
/// It looks up each payment reference that the inbox [awaits](crate::Inbox::awaited), and, if you ask for it, an account's
/// deposits. What they show goes through the same inbox, under the same keys, to the same handler, so an event that a
/// webhook has told is not handled again. It never writes to the exchange.
///
/// | What the exchange shows | What the handler gets |
/// | --- | --- |
/// | a payment reference with a deposit | `payment_reference.deposit_matched`, with the deposit's own amount, which is without the fee |
/// | … that is `completed` or `failed` | … and `payment_reference.completed` or `failed` |
/// | a deposit that is `accepted` or `collected` | `deposit.accepted` |
/// | a deposit that is `rejected` | `deposit.rejected` |
/// | a deposit that is `on_hold_travel_rule_customer` | `deposit.travel_rule_required` |
///
/// Such an event has only the fields that are known, and no time; [`Incoming::recovered`](crate::Incoming::recovered) tells it
/// apart. What cannot be told is [reported](Why): of further deposits for one payment reference, the exchange shows only how many
/// there are.
///
/// No document describes the fields of the three deposit events. If those of the exchange have no number of the deposit, the
/// key of a delivered one is the digest of its body, and the same event is handled again when it comes from here. So let the
/// handler of these events look its deposit up before it acts.
///
/// It may run while deliveries come, and on several machines. After an error it goes on with the next payment reference; only
/// if the store is down does it stop. Run it again then: what was handled is known.
#[derive(Clone)]
#[must_use = "it does nothing until it is run"]
pub struct Reconcile {
    client: Client,
    numbers: Option<Numbers>,
    deposits: Vec<(Option<Uid>, Timestamp)>,
    handling: Handling,
}

impl Reconcile {
    /// Looks up what is awaited, with the merchant's client.
    pub fn new(client: Client) -> Self {
        let mut handling = Handling::new(DEADLINE);
        handling.clock = client.clock().clone();
        Self { client, numbers: None, deposits: Vec::new(), handling }
    }

    /// Gives the numbers of payment references. The exchange finds one by its number only, so without this it reads its whole list,
    /// page by page, until all that are awaited were seen. One without a number is looked for in the list.
    pub fn numbers(
        self,
        number: impl Fn(&str) -> Option<PaymentReferenceId> + Send + Sync + 'static,
    ) -> Self {
        Self { numbers: Some(Arc::new(number)), ..self }
    }

    /// Looks at the deposits of the client's account too that the exchange has seen since this time. Those for payment references
    /// lie in the accounts of their customers: see [`deposits_of`](Self::deposits_of). Begin some days before the downtime, or before
    /// the last run, because a deposit can take long until it is accepted. One that is older than the inbox keeps keys, and that
    /// the store does not know, is not handled, because it may have been: see [`Why::TooOld`].
    pub fn deposits(mut self, since: Timestamp) -> Self {
        self.deposits.push((None, since));
        self
    }

    /// The same for the account of a customer or merchant.
    pub fn deposits_of(mut self, uid: Uid, since: Timestamp) -> Self {
        self.deposits.push((Some(uid), since));
        self
    }

    /// How long a handler may take; a minute if it is not set, and at most three quarters of the inbox's lease.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.handling.deadline = deadline;
        self
    }

    /// Tells what happened, for metrics and alarms. It replaces the last one, and must not block.
    pub fn on(mut self, tell: impl Fn(Notice<'_>) + Send + Sync + 'static) -> Self {
        self.handling.observer = Observer::new(tell);
        self
    }
}

impl fmt::Debug for Reconcile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconcile")
            .field("client", &self.client)
            .field("deposits", &self.deposits)
            .finish_non_exhaustive()
    }
}
