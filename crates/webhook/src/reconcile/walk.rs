//! Walks what is awaited, and what the exchange has.

use super::{
    ReadError, Reconcile, Report, Subject, Untold, Why,
    facts::{self, Fact, Facts},
};
use crate::{Handler, Inbox, Incoming, Store, StoreError, Taken, handling::Ran};
use capecrypto_exchange::account::{GetDeposit, ListDeposits};
use capecrypto_merchant::payments::{GetPaymentReference, ListPaymentReferences};
use capecrypto_models::{Deposit, PaymentReference, PaymentReferenceId, Timestamp, Uid};
use capecrypto_rest::Error;
use std::{collections::BTreeSet, future::pending, pin::Pin};

/// How many awaited payment references the store is asked for at once.
const AWAITED: usize = 500;

/// Most rows of a page of the exchange.
const ROWS: u32 = 100;

/// After so many payment references in a row that could not be read, the exchange is taken to be down.
const MOST_ERRORS: usize = 10;

impl Reconcile {
    /// Walks everything, one after the other. It stops only if the store is down.
    ///
    /// If this future is dropped, the handler that is running is cut off, and its event is given again when its lease is over.
    pub fn run<'a, S, H>(
        &'a self,
        inbox: &'a Inbox<S>,
        handler: &'a H,
    ) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>>
    where
        S: Store,
        H: Handler<S>,
    {
        // Boxed, because otherwise the compiler cannot see that it may be spawned.
        Box::pin(async move {
            let mut walk = Walk { reconcile: self, inbox, handler, report: Report::default() };
            walk.report.stopped = walk.everything().await.err();
            walk.report
        })
    }
}

struct Walk<'a, S: Store, H> {
    reconcile: &'a Reconcile,
    inbox: &'a Inbox<S>,
    handler: &'a H,
    report: Report,
}

impl<S: Store, H: Handler<S>> Walk<'_, S, H> {
    async fn everything(&mut self) -> Result<(), StoreError> {
        let unnumbered = self.by_number().await?;
        self.by_list(unnumbered).await?;
        for (uid, since) in &self.reconcile.deposits {
            self.deposits(uid.as_ref(), *since).await?;
        }
        Ok(())
    }

    /// Reads each awaited payment reference whose number is known. Answers the others.
    async fn by_number(&mut self) -> Result<BTreeSet<Box<str>>, StoreError> {
        let (mut unnumbered, mut errors) = (BTreeSet::new(), 0);
        let mut after: Option<Box<str>> = None;
        loop {
            let asked = self.inbox.awaited(after.as_deref(), AWAITED);
            let page = self.reconcile.handling.ask(asked).await?;
            let Some(last) = page.last().cloned() else { return Ok(unnumbered) };
            for code in page {
                let Some(number) = self.reconcile.numbers.as_ref().and_then(|number| number(&code)) else {
                    unnumbered.insert(code);
                    continue;
                };
                if errors >= MOST_ERRORS {
                    self.report.unread.push(code);
                    continue;
                }
                match self.read(number).await {
                    Ok(reference) if *reference.reference == *code => {
                        errors = 0;
                        self.reference(reference).await?;
                    }
                    Ok(_) => self.untold(&Subject::Reference(code), [Why::OtherReference(number)]),
                    Err(error) => {
                        errors += 1;
                        self.error(Subject::Reference(code.clone()), error);
                        self.report.unread.push(code);
                    }
                }
            }
            after = Some(last);
        }
    }

    /// Looks for the others in the exchange's list.
    async fn by_list(&mut self, mut wanted: BTreeSet<Box<str>>) -> Result<(), StoreError> {
        let mut pages = self.reconcile.client.pages(ListPaymentReferences::new().limit(ROWS));
        while !wanted.is_empty() {
            let page = match pages.try_next().await {
                Ok(Some(page)) => page,
                Ok(None) => break,
                Err(error) => {
                    self.error(Subject::References, error);
                    break;
                }
            };
            self.unreadable(page.unreadable.len());
            for row in page {
                if !wanted.remove(row.reference.as_str()) {
                    continue;
                }
                let whole = if facts::is_short(&row) { self.read(row.id).await } else { Ok(row.clone()) };
                let reference = whole.unwrap_or_else(|error| {
                    self.error(Subject::Reference(row.reference.as_str().into()), error);
                    row
                });
                self.reference(reference).await?;
            }
        }
        self.report.unread.extend(wanted);
        Ok(())
    }

    async fn read(&self, number: PaymentReferenceId) -> Result<PaymentReference, Error> {
        self.reconcile.client.send(GetPaymentReference::new(number)).await
    }

    async fn reference(&mut self, reference: PaymentReference) -> Result<(), StoreError> {
        self.report.references += 1;
        let subject = Subject::Reference(reference.reference.as_str().into());
        let deposit =
            if facts::needs_deposit(&reference) { self.deposit_of(&reference, &subject).await } else { None };
        let facts = facts::of_reference(&reference, deposit.as_ref());
        if facts == Facts::default() {
            self.report.waiting += 1;
        }
        let is_whole = facts.is_whole();
        if self.tell(&subject, facts).await? && is_whole {
            // Its end was handled before another event of it, so that did not close it.
            self.reconcile.handling.ask(self.inbox.close(&reference.reference)).await?;
        }
        Ok(())
    }

    /// The deposit of a payment reference. It lies in the account that the reference is for.
    async fn deposit_of(&mut self, reference: &PaymentReference, subject: &Subject) -> Option<Deposit> {
        let account = self.reconcile.client.acting_as(reference.uid.as_str());
        match account.send(GetDeposit::by_id(reference.deposit_id?)).await {
            Ok(deposit) => Some(deposit),
            Err(error) => {
                if !error.is_not_found() {
                    self.error(subject.clone(), error);
                }
                None
            }
        }
    }

    /// The list is sorted, the newest first. A page that has only older ones ends it.
    async fn deposits(&mut self, uid: Option<&Uid>, since: Timestamp) -> Result<(), StoreError> {
        let client = match uid {
            Some(uid) => self.reconcile.client.acting_as(uid.as_str()),
            None => self.reconcile.client.clone(),
        };
        let mut pages = client.pages(ListDeposits::new().limit(ROWS));
        loop {
            let page = match pages.try_next().await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(()),
                Err(error) => {
                    self.error(Subject::Deposits(uid.cloned()), error);
                    return Ok(());
                }
            };
            self.unreadable(page.unreadable.len());
            // Times on the wire may be cut to the second.
            let is_new = |row: &Deposit| row.created_at.as_unix_seconds() >= since.as_unix_seconds();
            let is_end = !page.is_empty() && !page.iter().any(is_new);
            for deposit in page.into_iter().filter(is_new) {
                self.report.deposits += 1;
                self.tell(&Subject::Deposit(deposit.id), facts::of_deposit(&deposit, uid)).await?;
            }
            if is_end {
                return Ok(());
            }
        }
    }

    /// Answers whether all that is told was handled, now or before.
    async fn tell(&mut self, subject: &Subject, facts: Facts) -> Result<bool, StoreError> {
        self.untold(subject, facts.untold);
        let mut all_handled = true;
        for fact in facts.told {
            all_handled &= self.give(subject, fact).await?;
        }
        Ok(all_handled)
    }

    /// Gives an event to the handler, if it was not handled before. Answers whether it was handled, now or before.
    async fn give(&mut self, subject: &Subject, fact: Fact) -> Result<bool, StoreError> {
        let Self { reconcile: Reconcile { handling, .. }, inbox, handler, .. } = *self;
        let Fact { event, key, happened } = fact;
        let now = handling.now();
        let taken = match happened {
            Some(time) => handling.ask(inbox.recover_since(&event, &key, time, now)).await,
            None => handling.ask(inbox.recover(&event, &key, now)).await,
        };
        let work = match taken? {
            Taken::Run(work) => work,
            Taken::Finished => {
                self.report.known += 1;
                return Ok(true);
            }
            Taken::Running(_) => {
                self.report.running.push(key);
                return Ok(false);
            }
            Taken::Dead => {
                self.report.dead.push(key);
                return Ok(false);
            }
            Taken::Stale(time) => {
                self.untold(subject, [Why::TooOld(time)]);
                return Ok(false);
            }
        };
        let incoming = Incoming { recovered: true, ..Incoming::new(event, &work) };
        match handling.run(inbox, work, handler, incoming, pending()).await {
            Ok(Ran::Finished) => {
                self.report.told.push(key);
                Ok(true)
            }
            Ok(Ran::Failed | Ran::Lost) => {
                self.report.failed.push(key);
                Ok(false)
            }
            Err(error) => {
                self.report.failed.push(key);
                Err(error)
            }
        }
    }

    fn untold(&mut self, subject: &Subject, why: impl IntoIterator<Item = Why>) {
        let untold = why.into_iter().map(|why| Untold { subject: subject.clone(), why });
        self.report.untold.extend(untold);
    }

    fn error(&mut self, subject: Subject, error: Error) {
        self.report.errors.push(ReadError { subject, error });
    }

    fn unreadable(&mut self, rows: usize) {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        self.report.unreadable_rows = self.report.unreadable_rows.saturating_add(rows);
    }
}
