//! Payment methods: how money comes in and goes out.

use crate::PAYMENTS;
use capecrypto_models::{DepositMethod, WithdrawMethod};
use capecrypto_rest::{Page, endpoints, request};

endpoints! { PAYMENTS signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    GET "/payments/deposits/methods"  ListDepositMethods  -> Page<DepositMethod>, unreviewed("the request asks for all methods");
    GET "/payments/withdraws/methods" ListWithdrawMethods -> Page<WithdrawMethod>, unreviewed("the request asks for all methods");
}

request! {
    /// Lists the deposit methods, with the amount that the account may still deposit by each (documents: "Get deposit methods").
    #[derive(Default)]
    pub struct ListDepositMethods {}
}

impl ListDepositMethods {
    /// A request without arguments.
    pub fn new() -> Self {
        Self::with()
    }
}

request! {
    /// Lists the withdrawal methods, with the amount that the account may still withdraw by each (documents: "Get withdraw
    /// methods"). They depend on the account's level of verification.
    #[derive(Default)]
    pub struct ListWithdrawMethods {}
}

impl ListWithdrawMethods {
    /// A request without arguments.
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

    impl Samples for ListWithdrawMethods {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
        }
    }
}
