//! The websocket: handshake, requests, the hub that feeds the sockets, and the text of frames.

pub(crate) mod connection;
pub(crate) mod handshake;
pub(crate) mod hub;
pub(crate) mod periodic;
mod queue;
mod request;
mod socket;
pub(crate) mod trouble;
mod view;
