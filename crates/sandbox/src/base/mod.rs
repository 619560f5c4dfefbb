//! What every part of the exchange uses: exact money, names, time, the ledger, refusals and answers.

pub(crate) mod bolt11;
pub(crate) mod clock;
pub(crate) mod config;
pub(crate) mod id;
pub(crate) mod ledger;
pub(crate) mod listing;
pub(crate) mod lists;
pub(crate) mod money;
pub(crate) mod number;
pub(crate) mod path;
pub(crate) mod record;
pub(crate) mod refusal;
pub(crate) mod reply;
pub(crate) mod timers;
