//! What to do about the exchange's error codes.

/// The remedy for a code, where we know one.
pub(crate) fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "market.account.insufficient_balance" => {
            "the account's available balance does not cover the order; a market buy locks up to 10 % more than it may cost"
        }
        "market.order.invalid_volume_or_price" => {
            "compare volume and price with the market's min_amount, amount_precision, min_price, max_price and price_precision, or let trading::MarketRules::check do it"
        }
        "market.order.insufficient_market_liquidity" => {
            "the book does not hold that much: ask for less, or place a limit order"
        }
        "sandbox.order.post_only_would_match" => {
            "move the price away from the other side of the book, or leave post_only out so that the order may match at once"
        }
        "market.order.market_order_price" => "a market order has no price: use CreateOrder::market",
        "market.order.invaild_id_or_uuid" => {
            "name the order by its number or its UUID; a custom order id is not accepted here"
        }
        "market.market.doesnt_exist" | "public.market.doesnt_exist" => {
            "list the markets with public::ListMarkets; ids are in lower case, such as btczar"
        }
        "market.market.doesnt_exist_or_not_enabled" | "market.spot_market.doesnt_exist_or_not_enabled" => {
            "list the markets with public::ListMarkets; ids are in lower case, such as btczar, and the state must be enabled"
        }
        "public.currency.doesnt_exist" => {
            "list the currencies with public::ListCurrencies; codes are in lower case"
        }
        "account.beneficiary.duplicate_address" => {
            "the account has a beneficiary with this address: list it with account::ListBeneficiaries"
        }
        "account.beneficiary.missing_full_name_in_data" => {
            "the currency is fiat: use CreateBeneficiary::fiat with the holder's full legal name"
        }
        "account.beneficiary.missing_address_in_data" => {
            "the currency is a coin: use CreateBeneficiary::crypto with an address"
        }
        "account.beneficiary.blockchain_key_doesnt_exist" | "account.beneficiary.missing_blockchain_key" => {
            "the currency is not on this blockchain: leave blockchain_key out for the usual one, or compare it with the key of a deposit address"
        }
        "account.beneficiary.invalid_pin" | "account.beneficiary.non_integer_pin" => {
            "give the digits of the e-mail that the exchange sent for this beneficiary, with the zeros at their start"
        }
        "account.beneficiary.cant_activate" => {
            "only a pending beneficiary can be activated: read its state with account::GetBeneficiary"
        }
        "account.beneficiary.invalid_state" => "list beneficiaries by the state pending or active",
        "account.beneficiary.failed_to_create" => {
            "compare the address with its blockchain, and the fields of the bank account with the documents"
        }
        "sandbox.beneficiary.invalid_address" => {
            "the address does not have the form of its blockchain; compare it with its source"
        }
        "sandbox.beneficiary.vasp_doesnt_exist" => {
            "take the number from public::ListVasps, or look for the company by name with ListVasps::find"
        }
        "account.currency.doesnt_exist" => {
            "list the currencies with public::ListCurrencies; codes are in lower case, and only coins have an address"
        }
        "account.currency.deposit_disabled" => {
            "the exchange takes no deposits of this currency now; see deposit_enabled in public::ListCurrencies"
        }
        "account.deposit.not_permitted" => "the account's verification level does not allow deposits",
        "account.deposit.invalid_state" => {
            "the exchange does not know this state of a deposit; leave the filter out, and compare the states yourself"
        }
        "account.deposit.invalid_limit" | "account.deposit.non_positive_page" => {
            "ask for 1 to 100 deposits a page, and for pages from 1"
        }
        "sandbox.travel_rule.already_submitted" => {
            "the exchange has the travel rule of this deposit, so it is done; read the deposit to see its state"
        }
        "sandbox.travel_rule.wrong_state" => {
            "only a deposit in the state on_hold_travel_rule_customer takes a travel rule; read the deposit to see its state"
        }
        "sandbox.travel_rule.not_a_coin" => "fiat has no travel rule",
        "sandbox.voucher.invalid_payment_method_id" => {
            "use the id of a deposit method of the type voucher; list the methods with account::ListDepositMethods"
        }
        "sandbox.voucher.unknown_pin" => "compare the pin with the voucher, the zeros at its start too",
        "sandbox.voucher.used" => {
            "the voucher was redeemed before, maybe by a request whose answer was lost; look for it with RedeemVoucher::find"
        }
        "sandbox.voucher.amount_too_large" => "redeem at most what the voucher is worth",
        "market.trade.not_permitted" => "the account's verification level does not allow trading",
        "account.withdraw.not_permitted" => {
            "the account's verification level does not allow withdrawals and beneficiaries"
        }
        "sandbox.beneficiary.withdraw_method_doesnt_exist" => {
            "take the id from account::ListWithdrawMethods, of a method for this currency; or leave it out"
        }
        "account.withdraw.insufficient_balance" => {
            "the account's available balance is smaller than the amount; open orders and earlier withdrawals lock a part of it"
        }
        "account.withdraw.invalid_amount" => {
            "compare the amount with the currency's precision, min_withdraw_amount and withdraw_fee (public::GetCurrency)"
        }
        "account.withdraw.too_long_note" => "give a note of at most 256 characters",
        "account.withdraw.missing_otp" | "account.withdraw.empty_otp" => {
            "this server needs a one-time code: use an environment with legacy paths, and CreateWithdrawal::otp"
        }
        "account.withdraw.invalid_otp" | "account.withdraw.non_integer_otp" => {
            "the one-time code is wrong or too old: give the code that your authenticator shows now"
        }
        "account.withdraw.disabled_api" => "this server does not take withdrawals over its API",
        "account.withdraw.create_error" => {
            "the exchange does not say why: check beneficiary, currency and amount, or ask its support"
        }
        "account.withdraw.invalid_limit" => {
            "ask for 1 to 100 rows, and walk the pages with `items` to read more"
        }
        "account.withdraw.non_positive_page" => "pages are counted from 1",
        "account.withdraw.invalid_state" => "use one of the values of WithdrawalState",
        "account.currency.withdrawal_disabled" => {
            "the exchange does not pay out this currency now: see withdrawal_enabled in public::GetCurrency"
        }
        "account.beneficiary.doesnt_exist" => {
            "the account has no such beneficiary for this currency; use the number from the list of beneficiaries"
        }
        "account.beneficiary.invalid_state_for_withdrawal" => {
            "the beneficiary is not active yet: activate it with the pin that was sent to the account's holder"
        }
        "sandbox.withdraw.quote_doesnt_exist" | "sandbox.withdraw.quote_expired" => {
            "get a new quote for this currency with GetWithdrawQuote, and use it once, before it expires"
        }
        "sandbox.withdraw.over_limit" => {
            "the account's limits do not allow it: see remaining_limits in ListWithdrawMethods"
        }
        "authz.disabled_2fa" => "turn two-factor authentication on in the exchange's web app",
        "sandbox.lightning.conversion_too_small" => {
            "amount times conversion_percent must reach the min_amount of the market, such as btczar: raise one of both, or leave the percentage out"
        }
        "sandbox.lightning.already_paid" => {
            "the invoice is paid, or a payment of it is on its way: look at the list of withdrawals before you pay anything else"
        }
        "sandbox.lightning.expired" => {
            "ask the payee for a new invoice; one of this exchange can be paid for an hour"
        }
        "sandbox.lightning.wrong_network" => {
            "the sandbox pays invoices of regtest only (lnbcrt): another account, or Control::outside_invoice, makes one"
        }
        "record.not_found" => "it does not exist, or belongs to another account",
        _ => return None,
    })
}
