//! The commands of trading.

use super::{
    engine::Engine,
    intake::{NewOrder, codes},
    order::{Order, OrderType, Side},
};
use crate::{
    base::{
        id::{AccountId, Code},
        money::{exact, exact_option},
    },
    exchange::{
        catalogue::{Currency, Market, MarketState, NotAdded},
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
    },
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The commands of this file.
pub(crate) fn commands<E: Holds<Engine>>() -> [Replayable<E>; 10] {
    [
        replayable::<E, AddCurrency>(),
        replayable::<E, AddMarket>(),
        replayable::<E, SetMarketState>(),
        replayable::<E, PlaceOrder>(),
        replayable::<E, CancelOrder>(),
        replayable::<E, CancelOrders>(),
        replayable::<E, CarryOut>(),
        replayable::<E, PauseMatching>(),
        replayable::<E, LosePendingCancels>(),
        replayable::<E, DisturbFeed>(),
    ]
}

/// Adds a currency.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddCurrency(pub(crate) Currency);

impl Command for AddCurrency {
    const NAME: &'static str = "add_currency";
    type Part = Engine;
    type Answer = Result<(), NotAdded>;

    fn run(self, _engine: &mut Engine, desk: &mut Desk, _at_ms: i64) -> Self::Answer {
        desk.catalogue.add_currency(self.0)
    }
}

/// Adds a market, with an empty book.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddMarket(pub(crate) Market);

impl Command for AddMarket {
    const NAME: &'static str = "add_market";
    type Part = Engine;
    type Answer = Result<(), NotAdded>;

    fn run(self, engine: &mut Engine, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let market = desk.catalogue.add_market(self.0)?;
        engine.open(market, desk, at_ms);
        Ok(())
    }
}

/// Closes or opens a market for new orders.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetMarketState {
    pub(crate) market: Code,
    pub(crate) state: MarketState,
}

impl Command for SetMarketState {
    const NAME: &'static str = "set_market_state";
    type Part = Engine;
    type Answer = ();

    fn run(self, _engine: &mut Engine, desk: &mut Desk, _at_ms: i64) -> Self::Answer {
        desk.catalogue.set_market_state(self.market, self.state);
    }
}

/// Why a trading command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    /// Too many commands and events are waiting; nothing was done.
    Overloaded,
    /// The order does not exist, or belongs to another account.
    NotFound,
    /// The code of a 422.
    Refused(&'static str),
}

/// Accepts an order. The answer is the order, in the state `pending`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PlaceOrder {
    pub(crate) account: AccountId,
    pub(crate) market: Code,
    pub(crate) side: Side,
    pub(crate) ord_type: OrderType,
    /// Above zero.
    #[serde(with = "exact")]
    pub(crate) volume: Decimal,
    /// Above zero. Set for limit orders only.
    #[serde(with = "exact_option")]
    pub(crate) price: Option<Decimal>,
    pub(crate) post_only: bool,
    pub(crate) custom_order_id: Option<String>,
}

impl Command for PlaceOrder {
    const NAME: &'static str = "place_order";
    type Part = Engine;
    type Answer = Result<Order, TurnedAway>;

    fn run(self, engine: &mut Engine, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        let Self { account, market, side, ord_type, volume, price, post_only, custom_order_id } = self;
        if engine.is_overloaded(desk) {
            return Err(TurnedAway::Overloaded);
        }
        let market = desk.catalogue.market(&market).ok_or(TurnedAway::Refused(codes::CREATE_ERROR))?;
        let new =
            NewOrder { market, side, ord_type, volume, price, post_only, custom_order_id, bounds: None };
        engine.submit(desk, account, new, at_ms).map_err(TurnedAway::Refused)
    }
}

/// Requests the cancellation of one order. The answer is the order before it is cancelled.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CancelOrder {
    pub(crate) account: AccountId,
    pub(crate) order: u64,
}

impl Command for CancelOrder {
    const NAME: &'static str = "cancel_order";
    type Part = Engine;
    type Answer = Result<Order, TurnedAway>;

    fn run(self, engine: &mut Engine, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        if engine.is_overloaded(desk) {
            return Err(TurnedAway::Overloaded);
        }
        engine.request_cancel(desk, self.account, self.order, at_ms).ok_or(TurnedAway::NotFound)
    }
}

/// Requests the cancellation of an account's open orders. The answer is the orders before they are cancelled.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CancelOrders {
    pub(crate) account: AccountId,
    pub(crate) market: Option<Code>,
    pub(crate) side: Option<Side>,
}

impl Command for CancelOrders {
    const NAME: &'static str = "cancel_orders";
    type Part = Engine;
    type Answer = Result<Vec<Order>, TurnedAway>;

    fn run(self, engine: &mut Engine, desk: &mut Desk, at_ms: i64) -> Self::Answer {
        if engine.is_overloaded(desk) {
            return Err(TurnedAway::Overloaded);
        }
        Ok(engine.request_cancel_all(desk, self.account, self.market, self.side, at_ms))
    }
}

/// Carries out the oldest accepted order or cancellation.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CarryOut {}

impl Command for CarryOut {
    const NAME: &'static str = "carry_out";
    type Part = Engine;
    type Answer = ();

    fn run(self, engine: &mut Engine, desk: &mut Desk, at_ms: i64) {
        engine.step(desk, at_ms);
    }
}

/// Pauses or resumes matching.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PauseMatching(pub(crate) bool);

impl Command for PauseMatching {
    const NAME: &'static str = "pause_matching";
    type Part = Engine;
    type Answer = ();

    fn run(self, engine: &mut Engine, _desk: &mut Desk, _at_ms: i64) {
        engine.paused = self.0;
    }
}

/// Fault: cancellations of orders that are still pending are lost, as can happen upstream.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LosePendingCancels(pub(crate) bool);

impl Command for LosePendingCancels {
    const NAME: &'static str = "lose_pending_cancels";
    type Part = Engine;
    type Answer = ();

    fn run(self, engine: &mut Engine, _desk: &mut Desk, _at_ms: i64) {
        engine.lose_pending_cancels = self.0;
    }
}

/// A fault of a market's feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Disturbance {
    /// The next increment is not sent to the subscribed sockets.
    SkipIncrement,
    /// The engine restarts, so the next increment has sequence 2.
    RestartEngine,
    /// The snapshot store loses its snapshot.
    ForgetSnapshot,
    /// An increment deletes a level that is not in the book.
    DeleteUnknownLevel,
}

/// Causes a fault of a market's feed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DisturbFeed {
    pub(crate) market: Code,
    pub(crate) disturbance: Disturbance,
}

impl Command for DisturbFeed {
    const NAME: &'static str = "disturb_feed";
    type Part = Engine;
    type Answer = ();

    fn run(self, engine: &mut Engine, desk: &mut Desk, at_ms: i64) {
        let Some(state) = engine.markets.get_mut(&self.market) else { return };
        match self.disturbance {
            Disturbance::SkipIncrement => state.lose_next_increment(),
            Disturbance::RestartEngine => state.restart(desk, at_ms),
            Disturbance::ForgetSnapshot => state.forget_snapshot(desk),
            Disturbance::DeleteUnknownLevel => state.delete_unknown_level(desk, at_ms),
        }
    }
}
