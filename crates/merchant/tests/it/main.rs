//! The calls for merchants, against the sandbox.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

mod customers;
mod documents;
mod find;
mod forms;
mod payments;
mod requirements;
mod sub_accounts;
mod webhooks;
