//! The handle that everything starts from.

use capecrypto_auth::Environment;
use capecrypto_models::Uid;
use capecrypto_rest::{Builder, Client};
use std::ops::Deref;

/// A handle to the exchange, for one account or without credentials. Clones are cheap and share connections, rate limit,
/// clock and nonces.
///
/// Requests are values from the modules [`public`](crate::public), [`trading`](crate::trading) and
/// [`account`](crate::account); [`send`](Client::send) sends them. A handle has all methods of the REST client (`reply`,
/// `items`, `pages`, `export`, `raw`, …), and it also opens stream and live connections.
#[derive(Debug, Clone)]
pub struct Cape(Client);

impl Cape {
    /// Starts a handle to an environment. Every setting has a default: without credentials the public calls work.
    pub fn builder(environment: Environment) -> Builder<Self> {
        Builder::new(environment)
    }

    /// The same handle, acting for a sub-account, customer or merchant (`X-Auth-Subaccount-Uid`). The original
    /// handle still acts for the account itself.
    #[must_use = "the original handle still acts for the account"]
    pub fn acting_as(&self, uid: Uid) -> Self {
        Self(self.0.acting_as(uid))
    }

    /// Starts a stream, which brings typed events and keeps no state. Its builder chooses the topics.
    #[cfg(feature = "stream")]
    pub fn stream(&self) -> capecrypto_stream::Builder {
        capecrypto_stream::Stream::builder(self.0.clone())
    }

    /// Starts a live connection, which keeps order books that are right or say that they are not, and brings typed events.
    /// Its builder chooses them.
    #[cfg(feature = "live")]
    pub fn live(&self) -> capecrypto_live::Builder {
        capecrypto_live::Live::builder(self.0.clone())
    }

    /// The REST client inside, for code that needs a `Client`.
    pub fn client(&self) -> &Client {
        &self.0
    }
}

impl Deref for Cape {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

impl From<Client> for Cape {
    fn from(client: Client) -> Self {
        Self(client)
    }
}

impl From<Cape> for Client {
    fn from(cape: Cape) -> Self {
        cape.0
    }
}
