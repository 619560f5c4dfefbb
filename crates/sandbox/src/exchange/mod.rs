//! The exchange: one state of several parts. Commands go in, events come out. It uses no clock, lock, socket or random
//! source; the time is a parameter.

pub(crate) mod catalogue;
pub(crate) mod chains;
pub(crate) mod command;
pub(crate) mod demo;
pub(crate) mod desk;
pub(crate) mod event;
pub(crate) mod funds;
pub(crate) mod history;
pub(crate) mod market;
pub(crate) mod notice;
pub(crate) mod payments;
pub(crate) mod people;
pub(crate) mod vasps;
pub(crate) mod webhooks;

use self::{
    catalogue::Catalogue,
    command::{Command, Due, Holds, Replayable},
    desk::{Desk, Part, Sale},
    event::Event,
    funds::Funds,
    history::History,
    market::{
        commands::PlaceOrder,
        engine::{Engine, Rules},
        order::{OrderType, Side},
    },
    payments::{Parts, Payments},
    people::People,
    webhooks::{SendEvent, Webhooks, delivery::Receiver},
};
use crate::base::{id::AccountId, ledger::Ledger};
use std::sync::Arc;

/// The whole state of the exchange.
#[derive(Debug)]
pub(crate) struct Exchange {
    desk: Desk,
    engine: Engine,
    people: Arc<People>,
    funds: Funds,
    payments: Payments,
    webhooks: Webhooks,
}

impl Holds<Engine> for Exchange {
    fn part(&mut self) -> (&mut Engine, &mut Desk) {
        (&mut self.engine, &mut self.desk)
    }
}

impl Holds<Arc<People>> for Exchange {
    fn part(&mut self) -> (&mut Arc<People>, &mut Desk) {
        (&mut self.people, &mut self.desk)
    }
}

impl Holds<Funds> for Exchange {
    fn part(&mut self) -> (&mut Funds, &mut Desk) {
        (&mut self.funds, &mut self.desk)
    }
}

impl Holds<Payments> for Exchange {
    fn part(&mut self) -> (&mut Payments, &mut Desk) {
        (&mut self.payments, &mut self.desk)
    }
}

impl Holds<Webhooks> for Exchange {
    fn part(&mut self) -> (&mut Webhooks, &mut Desk) {
        (&mut self.webhooks, &mut self.desk)
    }
}

/// Every command that a record may name.
fn commands() -> impl Iterator<Item = Replayable<Exchange>> {
    let market = market::commands::commands().into_iter();
    let parts = market.chain(people::commands()).chain(funds::commands());
    parts.chain(payments::commands()).chain(webhooks::commands())
}

/// Why a line of a record could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error("there is no command '{0}'; replay the record with the version that wrote it")]
    UnknownCommand(String),
    #[error("{0}")]
    Unreadable(#[from] serde_json::Error),
}

impl Exchange {
    /// An exchange without currencies, markets and accounts.
    pub(crate) fn new(seed: u64, rules: Rules) -> Self {
        Self {
            desk: Desk::new(seed),
            engine: Engine::new(rules),
            people: Arc::default(),
            funds: Funds::default(),
            payments: Payments::default(),
            webhooks: Webhooks::default(),
        }
    }

    /// Carries out a command, after all timers that are due.
    pub(crate) fn run<C: Command>(&mut self, command: C, at_ms: i64) -> C::Answer
    where
        Self: Holds<C::Part>,
    {
        debug_assert!(
            commands().any(|known| known.name == C::NAME),
            "the command {} cannot be replayed: add it to `commands()` in its file",
            C::NAME
        );
        self.fire_due(at_ms);
        let (part, desk) = self.part();
        let answer = command.run(part, desk, at_ms);
        self.follow_up(at_ms);
        answer
    }

    /// Carries out a command from a record. With an empty name, only fires the timers that are due.
    pub(crate) fn replay(&mut self, name: &str, with: &str, at_ms: i64) -> Result<(), ReplayError> {
        self.fire_due(at_ms);
        if name.is_empty() {
            return Ok(());
        }
        let command = commands()
            .find(|command| command.name == name)
            .ok_or_else(|| ReplayError::UnknownCommand(name.to_owned()))?;
        (command.run)(self, at_ms, with)?;
        self.follow_up(at_ms);
        Ok(())
    }

    /// Does what a command or a timer has left for other parts.
    fn follow_up(&mut self, at_ms: i64) {
        self.place_sales(at_ms);
        let (payments, mut parts) = self.payments_and_parts(at_ms);
        payments.follow(&mut parts);
        self.deliver_notices(at_ms);
    }

    fn payments_and_parts(&mut self, at_ms: i64) -> (&mut Payments, Parts<'_>) {
        let Self { desk, engine, people, funds, payments, .. } = self;
        (payments, Parts { funds, engine, people, desk, at_ms })
    }

    /// Makes a webhook's delivery of each notice, for the receiver that has the right to it at this moment.
    fn deliver_notices(&mut self, at_ms: i64) {
        while let Some(notice) = self.desk.next_notice() {
            let event = SendEvent::from(&notice);
            let own = notice.own.map(|webhook| Receiver { account: None, webhook });
            let receiver = own.or_else(|| self.receiver(notice.account));
            self.webhooks.deliver(event, receiver, &mut self.desk, at_ms);
        }
        while let Some(event) = self.webhooks.next_asked() {
            let receiver = self.receiver(event.account);
            self.webhooks.deliver(event, receiver, &mut self.desk, at_ms);
        }
    }

    fn receiver(&self, account: AccountId) -> Option<Receiver> {
        let (account, webhook) = self.people.receiver(account)?;
        Some(Receiver { account: Some(account), webhook })
    }

    /// Places the market orders that other parts asked for. An order that the engine refuses, for example because the book is
    /// empty, is not placed later: the account keeps the coins.
    fn place_sales(&mut self, at_ms: i64) {
        while let Some(Sale { account, market, volume, name }) = self.desk.next_sale() {
            let order = PlaceOrder {
                account,
                market,
                side: Side::Sell,
                ord_type: OrderType::Market,
                volume,
                price: None,
                post_only: false,
                custom_order_id: Some(name),
            };
            let _placed_or_refused = order.run(&mut self.engine, &mut self.desk, at_ms);
        }
    }

    /// Fires the timers that are due, in the order of their times, each at its own time.
    pub(crate) fn fire_due(&mut self, now_ms: i64) {
        while let Some((at_ms, (part, key))) = self.desk.timers.take_due(now_ms) {
            match part {
                Part::Funds => self.funds.due(key, &mut self.desk, at_ms),
                Part::Payments => {
                    let (payments, mut parts) = self.payments_and_parts(at_ms);
                    payments.due(key, &mut parts);
                }
                Part::DepositActions => {
                    let (payments, mut parts) = self.payments_and_parts(at_ms);
                    payments.action_due(key, &mut parts);
                }
                Part::Webhooks => self.webhooks.due(key, &mut self.desk, at_ms),
            }
            self.follow_up(at_ms);
        }
    }

    /// When the next timer is due.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.desk.timers.next_at()
    }

    /// Takes the next event to publish.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.desk.next_event()
    }

    pub(crate) fn catalogue(&self) -> &Arc<Catalogue> {
        &self.desk.catalogue
    }

    pub(crate) fn history(&self) -> &History {
        &self.desk.history
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.desk.ledger
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn people(&self) -> &Arc<People> {
        &self.people
    }

    pub(crate) fn funds(&self) -> &Funds {
        &self.funds
    }

    pub(crate) fn payments(&self) -> &Payments {
        &self.payments
    }

    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_command_has_a_name_of_its_own() {
        let names: Vec<_> = commands().map(|command| command.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        assert!(!names.contains(&""));
    }
}
