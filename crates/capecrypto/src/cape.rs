//! The handle that everything starts from.

use capecrypto_auth::Environment;
use capecrypto_models::Uid;
use capecrypto_rest::{Builder, Client};
use std::ops::Deref;

/// The exchange, as one account or as nobody. Clones are cheap and share connections, rate limit, clock and nonces.
///
/// Requests are values out of the modules [`public`](crate::public), [`trading`](crate::trading) and
/// [`account`](crate::account); [`send`](Client::send) takes them all. That and everything else that the REST client can do
/// (`reply`, `items`, `pages`, `export`, `raw`, …) it can do too: it is one, and stream and live connections besides.
#[derive(Debug, Clone)]
pub struct Cape(Client);

impl Cape {
    /// Settings for a handle to an environment. All have a default: without credentials the public calls work.
    pub fn builder(environment: Environment) -> Builder<Self> {
        Builder::new(environment)
    }

    /// The same handle, acting for a sub-account, customer or merchant (`X-Auth-Subaccount-Uid`). The original goes
    /// on acting for the account itself.
    #[must_use = "the handle itself goes on acting for the account"]
    pub fn acting_as(&self, uid: Uid) -> Self {
        Self(self.0.acting_as(uid))
    }

    /// Chooses what a stream brings: typed events, without state.
    #[cfg(feature = "stream")]
    pub fn stream(&self) -> capecrypto_stream::Builder {
        capecrypto_stream::Stream::builder(self.0.clone())
    }

    /// Chooses what a live connection brings: order books that are right or say that they are not, and typed events.
    #[cfg(feature = "live")]
    pub fn live(&self) -> capecrypto_live::Builder {
        capecrypto_live::Live::builder(self.0.clone())
    }

    /// The REST client underneath, for code that is written against it.
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
