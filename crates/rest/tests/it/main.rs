#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::as_conversions,
    missing_docs,
    reason = "tests"
)]

mod answers;
mod calls;
mod clock;
mod config;
mod exports;
mod folder;
mod intent_file;
mod intents;
mod outcomes;
mod pages;
mod params;
mod polling;
mod prepare;
mod proxy;
mod queue;
mod recordings;
mod refusals;
mod retries;
mod runtime;
mod same_key;
mod secrets;
mod tables;
mod tls;
mod transfers;
mod upgrade;
#[cfg(feature = "multipart")]
mod uploads;
mod windows;

/// What `endpoints!` expects of a crate that declares calls.
mod hints {
    pub(crate) fn hint(code: &str) -> Option<&'static str> {
        (code == "market.order.create_error").then_some("a hint of the calls' own crate")
    }
}

mod probe {
    pub(crate) struct Probe(pub(crate) Vec<&'static str>);
    impl Probe {
        pub(crate) fn call<E: capecrypto_rest::Endpoint>(&mut self) {
            self.0.push(E::CALL.name);
        }
        pub(crate) fn export<E: capecrypto_rest::Endpoint>(&mut self) {
            self.0.push(E::CALL.name);
        }
    }
}
