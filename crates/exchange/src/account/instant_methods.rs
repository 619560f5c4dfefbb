//! The payment methods of the older version.

use crate::{ACCOUNT, args};
use capecrypto_models::InstantDepositMethod;
use capecrypto_rest::{Checks, Page, endpoints, request};

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    GET "/payments/methods" ListInstantDepositMethods -> Page<InstantDepositMethod>,
        checked unreviewed("the request asks for all methods");
}

request! {
    /// Lists the ways to deposit rand at once, vouchers among them (older documents: "Instant deposit methods"). Only the older
    /// version has it: for the current version, use [`ListDepositMethods`](crate::account::ListDepositMethods).
    #[derive(Default)]
    pub struct ListInstantDepositMethods {}
}

impl ListInstantDepositMethods {
    /// A request without arguments.
    pub fn new() -> Self {
        Self::with()
    }

    #[inline]
    fn check_arguments(&self, checks: &mut Checks<'_>) {
        args::older_only(checks, "ListInstantDepositMethods", "use ListDepositMethods");
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::Samples;

    impl Samples for ListInstantDepositMethods {
        fn smallest() -> Self {
            Self::new()
        }
        fn fullest() -> Self {
            Self::new()
        }
    }
}
