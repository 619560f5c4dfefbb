//! The network: the listener, its connections, and where a request goes.

mod body;
mod cors;
pub(crate) mod dispatch;
mod link;
pub(crate) mod listener;
pub(crate) mod webhooks;
