//! Vouchers: prepaid pins that become money.

use super::ListTransactions;
use crate::{
    PAYMENTS,
    args::{EARLIER, Positive, Text},
};
use capecrypto_models::{
    Arg, Decimal, PaymentMethodId, Timestamp, Transaction, TransactionType, VoucherRedemption,
};
use capecrypto_rest::{Client, Error, Page, endpoints, request};

endpoints! { PAYMENTS signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/payments/vouchers/new" RedeemVoucher -> VoucherRedemption,
        in_query unreviewed("the answer names neither pin nor method, and a provider that gives no change may redeem more than was asked for");
}

request! {
    /// Redeems a voucher (documents: "Redeem voucher"). The answer may have a new voucher as change, whose pin is worth money:
    /// see [`VoucherRedemption::change_voucher`].
    ///
    /// The pin is a secret: it is in no error, log line or recording. The documents have it in the query string, so a proxy of
    /// yours that logs URLs sees it.
    ///
    /// The request is sent at most once, because the API has no key that would make a repetition safe. After the outcome
    /// `Unknown` the money may be in the account, and the change voucher may exist. [`find`](Self::find) looks for it in the
    /// history, by the pin. A voucher that was redeemed is refused when it is sent again.
    pub struct RedeemVoucher {
        payment_method_id: Arg<PaymentMethodId>,
        amount: Positive,
        voucher_pin: Arg<Text<64>>,
    }
}

impl RedeemVoucher {
    /// Redeems `amount` of the voucher with this pin: 10 is R10. The amount is above zero.
    ///
    /// The method is the `id` of a deposit method of the type `voucher`, as text or number: see
    /// [`ListDepositMethods`](super::ListDepositMethods). The pin is sent exactly as it is given, so mind the zeros at its
    /// start. It has 1 to 64 characters; the documents state no limit, so this one is ours.
    pub fn new(
        payment_method_id: impl Into<Arg<PaymentMethodId>>,
        amount: Decimal,
        voucher_pin: impl Into<Arg<Text<64>>>,
    ) -> Self {
        Self::with(payment_method_id.into(), amount.into(), voucher_pin.into())
    }

    /// Looks for what this request may have done: after the outcome `Unknown`, before anything else is done with the voucher.
    /// `sent_at` is when it was sent.
    ///
    /// The answer has the account's deposits since then that name this pin, and those that name no pin and are not on a
    /// blockchain. So look at [`voucher_pin`](Transaction::voucher_pin): a row with the pin is the redemption, and it has the
    /// change voucher too; a row without a pin may be another deposit. The amount is not compared, because a provider that
    /// gives no change may redeem more than was asked for. Zeros at the start of a pin are not compared either, because an
    /// exchange that keeps it as a number loses them. Rows that cannot be read are in [`Page::unreadable`]. If the answer was lost a
    /// moment ago, the exchange may still be at work; a history without the redemption does not prove that it will not appear.
    ///
    /// The older version has no history of transactions. There, look through [`ListDeposits`](super::ListDeposits).
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn find(&self, client: &Client, sent_at: Timestamp) -> Result<Page<Transaction>, Error> {
        let since = sent_at.checked_sub(EARLIER).unwrap_or(sent_at);
        let list = ListTransactions::new().kind(TransactionType::Deposit).time_from(since);
        let mut found = client.items(list).try_collect().await?;
        found.retain(|row| self.may_have_made(row));
        // The exchange's total counts all rows, not those that were found.
        found.total = None;
        Ok(found)
    }

    fn may_have_made(&self, row: &Transaction) -> bool {
        match (&row.voucher_pin, self.voucher_pin.value()) {
            (Some(came), Ok(pin)) => {
                came.expose().trim_start_matches('0') == pin.as_str().trim_start_matches('0')
            }
            (Some(_), Err(_)) => false,
            (None, _) => row.blockchain_key.is_none() && row.address.is_none(),
        }
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_models::dec;
    use capecrypto_probe::{Samples, Seed};

    impl Samples for RedeemVoucher {
        fn smallest() -> Self {
            Self::new(7, dec!(10), "0012345678901234")
        }
        fn answered(_: &Seed) -> Self {
            Self::new("7", dec!(10), Seed::VOUCHER)
        }
    }
}
