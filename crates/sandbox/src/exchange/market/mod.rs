//! Trading: orders, the books of the markets, matches. It uses no clock, lock or socket; the time is a parameter.

pub(crate) mod book;
pub(crate) mod commands;
pub(crate) mod conversion;
pub(crate) mod engine;
mod feed;
pub(crate) mod history;
pub(crate) mod intake;
mod matching;
pub(crate) mod order;
pub(crate) mod orders;
pub(crate) mod stats;
#[cfg(test)]
mod tests;
pub(crate) mod trade;
