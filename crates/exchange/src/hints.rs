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
        "market.market.doesnt_exist"
        | "market.market.doesnt_exist_or_not_enabled"
        | "market.spot_market.doesnt_exist_or_not_enabled"
        | "public.market.doesnt_exist" => {
            "list the markets with public::ListMarkets; ids are in lower case, such as btczar"
        }
        "public.currency.doesnt_exist" => {
            "list the currencies with public::ListCurrencies; codes are in lower case"
        }
        "market.trade.not_permitted" => "the account's verification level does not allow trading",
        "record.not_found" => "it does not exist, or belongs to another account",
        _ => return None,
    })
}
