//! Payment methods.

use super::call::{ApiRequest, Theme, legacy, route};
use crate::{
    base::{number::Number, refusal::Refusal, reply::Reply},
    exchange::{
        catalogue::Currency,
        funds::{
            limits::{self, Left},
            methods::{self, INSTANT_EFT, Method, VOUCHER, Way},
            quotes,
        },
    },
};
use rust_decimal::Decimal;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("payments", "GET", "/payments/deposits/methods", deposit_methods, &[]),
        route("payments", "GET", "/payments/withdraws/methods", withdraw_methods, &[]),
        legacy("account", "GET", "/payments/methods", instant_methods, &[]),
    ],
    own_codes: &[],
};

fn deposit_methods(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let rows = rows(request, Way::In, |method| method.kind != INSTANT_EFT)?;
    Ok(Reply::ok(&rows.iter().map(|row| row.view(Way::In)).collect::<Vec<_>>()))
}

fn withdraw_methods(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let rows = rows(request, Way::Out, |_| true)?;
    Ok(Reply::ok(&rows.iter().map(|row| row.view(Way::Out)).collect::<Vec<_>>()))
}

/// The older servers' list: vouchers and instant payments. Its status is 201, as the documents say.
fn instant_methods(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let rows = rows(request, Way::In, |method| matches!(method.kind, VOUCHER | INSTANT_EFT))?;
    let views = rows.iter().filter(|row| row.is_open).map(|row| {
        json!({
            "id": row.method.id.to_string(),
            "provider_id": row.method.provider,
            "name": row.method.name,
            "type": row.method.kind,
            "description": row.description(Way::In),
            "min_amount": Number::rest(row.least(Way::In)),
            "max_amount": Number::rest(row.most(Way::In)),
        })
    });
    Ok(Reply::created(&views.collect::<Vec<_>>()))
}

/// A method with what is left of the account's limits.
struct Row {
    method: &'static Method,
    currency: Arc<Currency>,
    /// Whether the account's level of verification is high enough.
    is_open: bool,
    left: Left,
}

/// The methods that the account sees. One whose currency the exchange does not have is missing.
fn rows(request: &ApiRequest<'_>, way: Way, wanted: fn(&Method) -> bool) -> Result<Vec<Row>, Refusal> {
    let account = request.account()?;
    let (level, now_ms) = (request.host.people.level(account), request.now_ms());
    let methods = methods::shown_to(level, way).filter(|method| wanted(method));
    let known: Vec<_> = methods
        .filter_map(|method| Some((method, request.host.catalogue.currency(method.currency)?)))
        .collect();
    Ok(request.host.read(|exchange| {
        let row = |(method, currency): (&'static Method, Arc<Currency>)| {
            let is_open = method.is_open_to(level);
            // A method that the account may not use yet has no limits left.
            let level = if is_open { level } else { 0 };
            let left = limits::left(
                &currency,
                level,
                &limits::moved(exchange.funds(), way, account, currency.id),
                now_ms,
            );
            Row { method, currency, is_open, left }
        };
        known.into_iter().map(row).collect()
    }))
}

impl Row {
    fn description(&self, way: Way) -> String {
        let name = &self.currency.name;
        match way {
            Way::In => format!("Deposit {name} to your account"),
            Way::Out => format!("Withdraw {name} from your account"),
        }
    }

    fn least(&self, way: Way) -> Decimal {
        match way {
            _ if self.method.is_lightning() => Decimal::new(1, self.currency.precision),
            Way::In => self.currency.min_deposit,
            Way::Out => self.currency.min_withdraw,
        }
    }

    fn most(&self, way: Way) -> Decimal {
        let network = match way {
            _ if !self.method.is_lightning() => None,
            Way::In => self.currency.lightning_max_deposit,
            Way::Out => self.currency.lightning_max_withdraw,
        };
        network.map_or(self.left.most(), |most| self.left.most().min(most))
    }

    fn fee(&self, way: Way) -> Decimal {
        match way {
            Way::In => Decimal::ZERO,
            Way::Out => quotes::usual_fee(&self.currency, self.method.is_lightning()),
        }
    }

    fn view(&self, way: Way) -> Json {
        let Self { method, currency, is_open, left } = self;
        let number = Number::rest;
        let mut view = json!({
            "uuid": method.uuid,
            "id": method.id,
            "name": method.name,
            "description": self.description(way),
            "currencyId": currency.id,
            "symbol": currency.id.to_uppercase(),
            "blockchainName": method.blockchain(currency),
            "type": method.kind,
            "currencyType": if currency.is_coin() { "crypto" } else { "fiat" },
            "providerId": method.provider,
            "minAmount": number(self.least(way)),
            "maxAmount": number(self.most(way)),
            "baseFactor": currency.base_factor,
            "precision": currency.precision,
            "feeCape": number(self.fee(way)),
            "feeProvider": 0,
            "position": method.id,
            "iconUrl": format!("https://icons.example/{}.svg", currency.id),
            "verified": is_open,
            "remainingLimits": {
                "transaction_max": number(left.transaction),
                "day": number(left.day),
                "week": number(left.week),
                "month": number(left.month),
                "year_to_date": number(left.year),
            },
        });
        if let (Way::Out, Some(fields)) = (way, view.as_object_mut()) {
            fields.insert("processorId".to_owned(), method.processor.into());
        }
        view
    }
}
