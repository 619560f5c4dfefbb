//! The handle that everything starts from.

use crate::Builder;
use capecrypto_auth::{Clock, Environment};
use capecrypto_models::Uid;
use capecrypto_rest::{Client, Endpoint, Error, Items, Paged, Pages, RawRequest, Reply};

/// The exchange, as one account or as nobody. Clones are cheap and share connections, rate limit, clock and nonces.
///
/// Requests are values out of the modules [`public`](crate::public), [`trading`](crate::trading) and
/// [`account`](crate::account); [`send`](Self::send) takes them all.
#[derive(Debug, Clone)]
pub struct Cape(Client);

impl Cape {
    /// Settings for a handle to an environment.
    pub fn builder(environment: Environment) -> Builder {
        Builder::new(environment)
    }

    /// Sends a request and reads the answer.
    ///
    /// Reads, and writes marked idempotent, are tried three times. Any other write leaves at most once, but for one
    /// case: where the exchange proves by a refused nonce that it looked at nothing else, it is signed afresh and
    /// sent once more.
    ///
    /// # Errors
    /// [`Error`]; for a write, [`Error::outcome`] says whether it may have been done.
    pub async fn send<E: Endpoint>(&self, request: E) -> Result<E::Response, Error> {
        self.0.send(request).await
    }

    /// As [`send`](Self::send), with status, time and attempts.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn reply<E: Endpoint>(&self, request: E) -> Result<Reply<E::Response>, Error> {
        self.0.reply(request).await
    }

    /// The pages of a list, one after the other, each without the rows that an earlier one had. A page may be empty:
    /// a list whose rows change their place is walked again until a walk brings nothing new.
    pub fn pages<E: Paged + 'static>(&self, request: E) -> Pages<E::Row> {
        self.0.pages(request)
    }

    /// The rows of a list over all its pages, each row once.
    pub fn items<E: Paged + 'static>(&self, request: E) -> Items<E::Row> {
        self.0.items(request)
    }

    /// The same handle, acting for a sub-account, customer or merchant (`X-Auth-Subaccount-Uid`). The original goes
    /// on acting for the account itself.
    #[must_use = "the handle itself goes on acting for the account"]
    pub fn acting_as(&self, uid: Uid) -> Self {
        Self(self.0.acting_as(uid))
    }

    /// A call that this version has no type for, with the same signing, limits and errors.
    ///
    /// The path stands from the host's root, such as `/api/v2/atlas/public/markets`.
    pub fn raw(&self, method: http::Method, path: impl Into<String>) -> RawRequest {
        self.0.raw(method, path)
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

    /// The environment.
    pub fn environment(&self) -> &Environment {
        self.0.environment()
    }

    /// The clock, with the offset from the exchange's learnt so far.
    pub fn clock(&self) -> &Clock {
        self.0.clock()
    }

    /// The REST client underneath, for code that is written against it.
    pub fn client(&self) -> &Client {
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
