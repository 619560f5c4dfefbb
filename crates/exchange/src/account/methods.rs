//! How money comes in.

use crate::PAYMENTS;
use capecrypto_models::DepositMethod;
use capecrypto_rest::{Page, endpoints, request};

endpoints! { PAYMENTS signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    GET "/payments/deposits/methods" ListDepositMethods -> Page<DepositMethod>, unreviewed("it asks for all");
}

request! {
    /// Lists the ways to deposit, with what the account may still deposit by each (documents: "Get deposit methods").
    #[derive(Default)]
    pub struct ListDepositMethods {}
}

impl ListDepositMethods {
    /// The question has no arguments.
    pub fn new() -> Self {
        Self::with()
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::Samples;

    impl Samples for ListDepositMethods {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
        }
    }
}
