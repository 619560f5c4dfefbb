//! What to do about the exchange's error codes.

/// The remedy for a code, where we know one. The documents name no error codes for these calls.
pub(crate) fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "sandbox.role.not_permitted" => {
            "customers need the key of a merchant or an aggregator, and merchants that of an aggregator"
        }
        "sandbox.customer.email_taken" => {
            "customers::FindCustomer and merchants::FindMerchant find the one that has the e-mail"
        }
        "sandbox.customer.merchant_doesnt_exist" => {
            "merchants::ListMerchants has the aggregator's merchants; a merchant leaves merchant_uid out"
        }
        "sandbox.payment.unknown_uid" => {
            "give the uid of an account that belongs to you: a customer, a sub-account, or a customer of one of your merchants"
        }
        "sandbox.payment.customer_not_verified" => {
            "a customer can pay once it is verified: upload the documents that are missing, and wait for the review"
        }
        "sandbox.payment.invalid_deposit_action" => {
            "compare the action with the documents: the sandbox takes a max_slippage of 0.1 to 10, and either a beneficiary or an invoice"
        }
        "account.currency.doesnt_exist" => {
            "list the currencies with public::ListCurrencies; codes are in lower case"
        }
        "sandbox.sub_account.has_money" => "withdraw what is in it, cancel its orders, and delete it then",
        "sandbox.webhook.exists" => "the account has a webhook: replace it with `UpdateWebhook`",
        _ => return None,
    })
}
