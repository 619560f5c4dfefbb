//! The link mode: the signed address that starts a link, and the state of a link.

pub mod url;

pub use url::LinkPage;

use crate::{
    LINK,
    codes::CODES,
    models::{LinkStatus, UserRef},
};
use capecrypto_models::Arg;
use capecrypto_rest::{endpoints, request};

endpoints! { LINK signed; codes CODES; hints crate::codes::hint; probe capecrypto_probe::Probe;
    GET "/link/links/{user_ext_ref}" (or "/links/{user_ext_ref}") GetLinkStatus -> LinkStatus,
        secrets("user_ext_ref email_address") unreviewed("the answer does not name the customer");
}

request! {
    /// Reads whether a customer is linked (documents: "Link status").
    ///
    /// The documents write the path in two ways; this one is theirs in the chapter about links. They do not say whether it is signed;
    /// it is, because the answer is personal.
    pub struct GetLinkStatus {
        user_ext_ref: Arg<UserRef>,
    }
}

impl GetLinkStatus {
    /// The link of the customer whom you call so.
    pub fn new(user: impl Into<Arg<UserRef>>) -> Self {
        Self::with(user.into())
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::{PartnerSeed, Samples};

    impl Samples for GetLinkStatus {
        fn smallest() -> Self {
            Self::new("canary-42")
        }
        fn answered_to_partner(seed: &PartnerSeed) -> Vec<Self> {
            vec![Self::new(seed.user_ext_ref)]
        }
    }
}
