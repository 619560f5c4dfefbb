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
pub(crate) mod people;
pub(crate) mod vasps;

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
    people::People,
};
use crate::base::ledger::Ledger;
use std::sync::Arc;

/// The whole state of the exchange.
#[derive(Debug)]
pub(crate) struct Exchange {
    desk: Desk,
    engine: Engine,
    people: Arc<People>,
    funds: Funds,
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

/// Every command that a record may name.
fn commands() -> impl Iterator<Item = Replayable<Exchange>> {
    market::commands::commands().into_iter().chain(people::commands()).chain(funds::commands())
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
        self.place_sales(at_ms);
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
        self.place_sales(at_ms);
        Ok(())
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
            }
            self.place_sales(at_ms);
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
