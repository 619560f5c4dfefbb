//! Beneficiaries: where money may be withdrawn to.

use crate::ACCOUNT;
use capecrypto_models::{Arg, BeneficiaryId};
use capecrypto_rest::{Nothing, endpoints, request};

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    DELETE "/account/beneficiaries/{id}" DeleteBeneficiary -> Nothing, unreviewed("the answer has no body");
}

request! {
    /// Deletes a beneficiary (documents: "Delete beneficiary"). The request is sent at most once. A beneficiary that is already
    /// deleted is refused as not found.
    pub struct DeleteBeneficiary {
        id: Arg<BeneficiaryId>,
    }
}

impl DeleteBeneficiary {
    /// The beneficiary with this number.
    pub fn new(id: impl Into<Arg<BeneficiaryId>>) -> Self {
        Self::with(id.into())
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::{Samples, Seed};

    impl Samples for DeleteBeneficiary {
        fn smallest() -> Self {
            Self::new(7)
        }
        fn fullest() -> Self {
            Self::smallest()
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.beneficiary)
        }
    }
}
