//! Currencies and markets, matching, and faults of a market's feed.

use super::{
    control::{Control, ControlError},
    operation::{Operation, done},
};
use crate::{
    base::id::Code,
    exchange::{
        catalogue::{Currency, Market, MarketState},
        market::commands::{
            AddCurrency, AddMarket, DisturbFeed, Disturbance, LosePendingCancels, PauseMatching,
            SetMarketState,
        },
    },
};
use serde::Deserialize;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "add_currency",
        method: "POST",
        path: "currencies",
        about: r#"a currency as in `GET /public/currencies`; only `"id"` is required"#,
        run: |control, input| {
            control.add_currency(input.read()?)?;
            done()
        },
    },
    Operation {
        library: "add_market",
        method: "POST",
        path: "markets",
        about: r#"a market as in `GET /public/markets`; only `"id"`, `"base_unit"` and `"quote_unit"` are required"#,
        run: |control, input| {
            control.add_market(input.read()?)?;
            done()
        },
    },
    Operation {
        library: "set_market_state",
        method: "POST",
        path: "markets/{market}/state",
        about: r#"`{"state"}`: closes a market for new orders (`disabled`, `locked`, `sale`, `presale`) or opens it (`enabled`, `hidden`); its orders stay"#,
        run: |control, input| {
            control.set_market_state(input.segment, input.read::<NewState>()?.state)?;
            done()
        },
    },
    Operation {
        library: "pause_matching",
        method: "POST",
        path: "matching/pause",
        about: "new orders stay `pending`",
        run: |control, _| {
            control.pause_matching();
            done()
        },
    },
    Operation {
        library: "resume_matching",
        method: "POST",
        path: "matching/resume",
        about: "carries out the waiting orders and cancellations",
        run: |control, _| {
            control.resume_matching();
            done()
        },
    },
    Operation {
        library: "lose_pending_cancels",
        method: "POST",
        path: "matching",
        about: r#"`{"lose_pending_cancels"}`: `true` loses cancellations of orders that are still `pending`"#,
        run: |control, input| {
            control.lose_pending_cancels(input.read::<Matching>()?.lose_pending_cancels);
            done()
        },
    },
    Operation {
        library: "skip_increment",
        method: "POST",
        path: "markets/{market}/skip_increment",
        about: "the next increment is not sent to the subscribed sockets",
        run: |control, input| {
            control.skip_increment(input.segment)?;
            done()
        },
    },
    Operation {
        library: "restart_engine",
        method: "POST",
        path: "markets/{market}/restart_engine",
        about: "orders stay, the sequence starts again at 1",
        run: |control, input| {
            control.restart_engine(input.segment)?;
            done()
        },
    },
    Operation {
        library: "forget_snapshot",
        method: "POST",
        path: "markets/{market}/forget_snapshot",
        about: "new subscribers get no book until the next snapshot is stored",
        run: |control, input| {
            control.forget_snapshot(input.segment)?;
            done()
        },
    },
    Operation {
        library: "delete_unknown_level",
        method: "POST",
        path: "markets/{market}/delete_unknown_level",
        about: "sends an increment that deletes a level that is not in the book",
        run: |control, input| {
            control.delete_unknown_level(input.segment)?;
            done()
        },
    },
];

#[derive(Deserialize)]
struct Matching {
    lose_pending_cancels: bool,
}

#[derive(Deserialize)]
struct NewState {
    state: MarketState,
}

impl Control {
    /// Adds a currency.
    ///
    /// # Errors
    /// The code is taken, or the currency has more than 13 digits after the point.
    pub fn add_currency(&self, currency: Currency) -> Result<(), ControlError> {
        Ok(self.host.command(AddCurrency(currency))?)
    }

    /// Adds a market with an empty book. Both of its currencies must exist.
    ///
    /// # Errors
    /// The id is taken, a currency is unknown, or the limits cannot be used (see [`ControlError::Invalid`]).
    pub fn add_market(&self, market: Market) -> Result<(), ControlError> {
        Ok(self.host.command(AddMarket(market))?)
    }

    /// Closes a market for new orders, or opens it again. Its orders stay, may still match, and can be cancelled.
    ///
    /// # Errors
    /// An unknown market.
    pub fn set_market_state(&self, market: &str, state: MarketState) -> Result<(), ControlError> {
        let market: Code = self.host.catalogue.market(market).ok_or(ControlError::UnknownMarket)?.id;
        self.host.command(SetMarketState { market, state });
        Ok(())
    }

    /// Stops carrying out orders and cancellations: new orders stay `pending`.
    pub fn pause_matching(&self) {
        self.host.command(PauseMatching(true));
    }

    /// Carries out the waiting orders and cancellations, and resumes matching.
    pub fn resume_matching(&self) {
        self.host.command(PauseMatching(false));
    }

    /// Decides whether cancellations of orders that are still `pending` are lost, as can happen on the real exchange.
    pub fn lose_pending_cancels(&self, lose: bool) {
        self.host.command(LosePendingCancels(lose));
    }

    /// Does not send the market's next increment to the subscribed sockets: they see a gap in the sequence. A socket that
    /// subscribes again gets it with the replay.
    ///
    /// # Errors
    /// An unknown market.
    pub fn skip_increment(&self, market: &str) -> Result<(), ControlError> {
        self.disturb(market, Disturbance::SkipIncrement)
    }

    /// Restarts the market's matching engine: orders stay, the next increment has sequence 2.
    ///
    /// # Errors
    /// An unknown market.
    pub fn restart_engine(&self, market: &str) -> Result<(), ControlError> {
        self.disturb(market, Disturbance::RestartEngine)
    }

    /// Removes the market's stored snapshot. New subscribers get only the confirmation, the next change of the book is
    /// lost, and the change after that arrives as an increment without a snapshot before it.
    ///
    /// # Errors
    /// An unknown market.
    pub fn forget_snapshot(&self, market: &str) -> Result<(), ControlError> {
        self.disturb(market, Disturbance::ForgetSnapshot)
    }

    /// Sends an increment that deletes a level that is not in the book.
    ///
    /// # Errors
    /// An unknown market.
    pub fn delete_unknown_level(&self, market: &str) -> Result<(), ControlError> {
        self.disturb(market, Disturbance::DeleteUnknownLevel)
    }

    fn disturb(&self, market: &str, disturbance: Disturbance) -> Result<(), ControlError> {
        let market: Code = self.host.catalogue.market(market).ok_or(ControlError::UnknownMarket)?.id;
        self.host.command(DisturbFeed { market, disturbance });
        self.host.tell_all();
        Ok(())
    }
}
