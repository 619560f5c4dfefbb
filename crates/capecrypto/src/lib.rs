#![doc = include_str!("../README.md")]

mod cape;

pub use cape::Cape;

// The calls, one module for each section of the documents.
#[doc(inline)]
pub use capecrypto_exchange::{account, args, public, trading};

#[cfg(feature = "merchant")]
#[doc(inline)]
pub use capecrypto_merchant::{
    account_webhook, customers, documents, forms, merchants, payments, requirements, sub_accounts,
};

// The crates behind the facade, each a module.
#[cfg(feature = "cabital")]
#[doc(inline)]
pub use cabital;
#[doc(inline)]
pub use capecrypto_auth as auth;
#[cfg(feature = "live")]
#[doc(inline)]
pub use capecrypto_live as live;
#[cfg(feature = "merchant")]
#[doc(inline)]
pub use capecrypto_merchant as merchant;
#[doc(inline)]
pub use capecrypto_models as models;
#[cfg(feature = "orderbook")]
#[doc(inline)]
pub use capecrypto_orderbook as orderbook;
#[doc(inline)]
pub use capecrypto_rest as rest;
#[cfg(feature = "stream")]
#[doc(inline)]
pub use capecrypto_stream as stream;
#[cfg(feature = "webhook")]
#[doc(inline)]
pub use capecrypto_webhook as webhook;

/// Files to send, from the disk or from a stream.
#[cfg(feature = "merchant")]
#[doc(inline)]
pub use capecrypto_rest::upload;

// What most programs use.
#[doc(inline)]
pub use capecrypto_auth::{Clock, Credentials, Environment};
#[doc(inline)]
pub use capecrypto_exchange::trading::MarketRules;
#[cfg(feature = "live")]
#[doc(inline)]
pub use capecrypto_live::{Live, LiveBook};
#[doc(inline)]
pub use capecrypto_models::dec;
#[doc(inline)]
pub use capecrypto_models::{
    Balance, CurrencyId, Decimal, Level, Market, MarketId, Order, OrderId, OrderState, OrderType, Period,
    Side, Timestamp, Toward, Trade, Uid,
};
#[doc(inline)]
pub use capecrypto_rest::{Builder, Error, Kind, Outcome, Page, Polling, Rate, Reply, Span, Timeouts};
#[cfg(feature = "stream")]
#[doc(inline)]
pub use capecrypto_stream::{Event, Stream};
/// The HTTP method of a call by hand: see [`raw`](capecrypto_rest::Client::raw).
pub use http::Method;

/// The examples of the guides, which are compiled as tests.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../../README.md")]
    struct Readme;
    #[doc = include_str!("../../../docs/PAYMENTS.md")]
    struct Payments;
    #[doc = include_str!("../../../docs/CABITAL.md")]
    struct Cabital;
}
