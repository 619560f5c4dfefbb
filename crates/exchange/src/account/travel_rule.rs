//! The travel rule of a deposit: who sent it, and from where.

use super::{GetDeposit, Party};
use crate::{
    ACCOUNT,
    args::{self, Text},
};
use capecrypto_auth::Environment;
use capecrypto_models::{Arg, Deposit, DepositId, VaspId};
use capecrypto_rest::{Checks, Client, Error, Mismatch, endpoints, request};

endpoints! { ACCOUNT signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/account/deposits/{id}/travel_rule" SubmitTravelRule -> Deposit, checked reviewed;
}

request! {
    /// Says who sent a deposit and from where (documents: "Submit deposit travel rule"). Only a coin in the state
    /// `on_hold_travel_rule_customer` takes it. The answer is the deposit, which goes to the state `hold`.
    ///
    /// The request is sent at most once. The exchange takes it once for each deposit, so after the outcome `Unknown` it does no
    /// harm to send it again: if the first one arrived, the second one is refused as already submitted, and nothing is left to
    /// do. [`find`](Self::find) reads the deposit, which tells the same.
    ///
    /// ```
    /// use capecrypto_exchange::account::{Keeper, Party, SubmitTravelRule};
    /// let mine = SubmitTravelRule::own_wallet(7, Keeper::owner());
    /// let theirs = SubmitTravelRule::wallet_of(
    ///     7,
    ///     Party::individual("Ada", "Lovelace", "GB"),
    ///     Keeper::unlisted_vasp("Far Exchange", "https://far.example"),
    /// );
    /// # let _ = (mine, theirs);
    /// ```
    pub struct SubmitTravelRule {
        id: Arg<DepositId>,
        is_own: bool,
        is_unhosted: bool,
        vasp_id: Option<Arg<VaspId>>,
        custom_vasp_name: Option<Arg<Text<255>>>,
        custom_vasp_url: Option<Arg<Text<255>>>,
        originator_data: Option<Party>,
    }
}

/// Who keeps the keys of the wallet that a deposit came from.
#[derive(Debug, Clone)]
pub struct Keeper(Keeping);

#[derive(Debug, Clone)]
enum Keeping {
    Owner,
    Vasp(Arg<VaspId>),
    Unlisted { name: Arg<Text<255>>, url: Arg<Text<255>> },
}

impl Keeper {
    /// Its owner: the wallet is unhosted.
    pub fn owner() -> Self {
        Self(Keeping::Owner)
    }

    /// A company that the exchange lists, such as another exchange: see [`ListVasps`](crate::public::ListVasps).
    pub fn vasp(id: impl Into<Arg<VaspId>>) -> Self {
        Self(Keeping::Vasp(id.into()))
    }

    /// A company that the exchange does not list, by name and URL. Both have 1 to 255 characters; the documents state no
    /// limit, so this one is ours.
    pub fn unlisted_vasp(name: impl Into<Arg<Text<255>>>, url: impl Into<Arg<Text<255>>>) -> Self {
        Self(Keeping::Unlisted { name: name.into(), url: url.into() })
    }
}

impl SubmitTravelRule {
    /// The deposit came from a wallet of the account's holder.
    pub fn own_wallet(id: impl Into<Arg<DepositId>>, keeper: Keeper) -> Self {
        Self::of(id.into(), None, keeper)
    }

    /// The deposit came from a wallet of somebody else.
    pub fn wallet_of(id: impl Into<Arg<DepositId>>, originator: Party, keeper: Keeper) -> Self {
        Self::of(id.into(), Some(originator), keeper)
    }

    fn of(id: Arg<DepositId>, originator: Option<Party>, keeper: Keeper) -> Self {
        let (vasp, name, url) = match keeper.0 {
            Keeping::Owner => (None, None, None),
            Keeping::Vasp(id) => (Some(id), None, None),
            Keeping::Unlisted { name, url } => (None, Some(name), Some(url)),
        };
        let is_unhosted = vasp.is_none() && name.is_none();
        Self::with(id, originator.is_none(), is_unhosted, vasp, name, url, originator)
    }

    /// Reads the deposit back: after the outcome `Unknown`, or after the refusal that it was already submitted. In the state
    /// `on_hold_travel_rule_customer` the exchange still waits for a travel rule; if this request was lost a moment ago, it may
    /// still be at work on it. In any other state there is nothing left to submit.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(&self, client: &Client) -> Result<Deposit, Error> {
        client.send(GetDeposit::by_id(self.id.clone())).await
    }

    #[inline]
    fn check_arguments(&self, checks: &mut Checks<'_>) {
        args::current_only(checks, "SubmitTravelRule");
    }

    #[inline]
    fn review_answer(&self, deposit: &mut Deposit, _: &Environment) -> Result<(), Mismatch> {
        Mismatch::check("id", self.id.value().ok(), Some(&deposit.id))
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::{Samples, Seed};

    fn originator() -> Party {
        Party::individual("Ada", "Lovelace", "GB").identity_type("passport")
    }

    impl Samples for SubmitTravelRule {
        fn smallest() -> Self {
            Self::own_wallet(7, Keeper::owner())
        }
        fn fullest() -> Self {
            Self::wallet_of(7, originator(), Keeper::vasp(12))
        }
        fn alternatives() -> Vec<Self> {
            vec![Self::wallet_of(
                7,
                originator(),
                Keeper::unlisted_vasp("Far Exchange", "https://far.example"),
            )]
        }
        fn answered(seed: &Seed) -> Self {
            Self::wallet_of(seed.held, Party::business("Baobab Ltd", "ZA"), Keeper::vasp(12))
        }
    }
}
