//! Deliveries of webhooks: their log, events on request, and faults.

use super::{
    control::{Control, ControlError, unreadable},
    operation::{Operation, answer, done},
};
use crate::{
    base::refusal::Refusal,
    exchange::{
        notice::Protocol,
        webhooks::{
            ClearWebhookFaults, DisturbWebhooks, NotAgain, SendAgain, SendEvent, body,
            delivery::{self, AttemptEnd, AttemptReason, WebhookState},
            faults::WebhookFault,
            signature::HEADER,
        },
    },
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::{json, value::RawValue};
use std::{collections::BTreeSet, fmt};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "webhooks",
        method: "GET",
        path: "webhooks/{after}",
        about: "up to 1,000 deliveries of webhooks after that number, oldest first, with their attempts; never a secret",
        run: |control, input| answer(&control.webhooks(input.number()?)),
    },
    Operation {
        library: "webhook_request",
        method: "GET",
        path: "webhooks/{number}/request",
        about: "what a delivery sends, without its fault: `url`, `headers`, `body`. With protocol `plain_text` a header is the secret",
        run: |control, input| answer(&control.webhook_request(input.number()?)?),
    },
    Operation {
        library: "send_webhook_again",
        method: "POST",
        path: "webhooks/{number}/again",
        about: "sends a delivery again now, whatever its state is; its retries go on as planned, unless it arrives",
        run: |control, input| {
            control.send_webhook_again(input.number()?)?;
            done()
        },
    },
    Operation {
        library: "send_event",
        method: "POST",
        path: "webhooks/send",
        about: r#"`{"account","event","fields":{…}}`: sends an event to the webhook of the account, else to that of the account that manages it; answers with the delivery's number"#,
        run: |control, input| {
            let NewEvent { account, event, fields } = input.read()?;
            let fields = fields.as_ref().map_or("{}", |fields| fields.get());
            Ok(json!({ "number": control.send_event(&account, &event, fields)? }))
        },
    },
    Operation {
        library: "disturb_webhooks",
        method: "POST",
        path: "webhooks/faults",
        about: r#"`{"kind","event","times","delay_ms"}`: a fault of the next deliveries, or of those of an event; kinds `twice`, `out_of_order` (sent after the next one), `never`, `slow`, `wrong_secret`, `other_body`"#,
        run: |control, input| {
            let Disturb { kind, event, times, delay_ms } = input.read()?;
            control.disturb_webhooks(event.as_deref(), kind.fault(delay_ms)?, times.unwrap_or(1));
            done()
        },
    },
];

/// The largest number of deliveries that [`Control::webhooks`] returns.
const MOST_DELIVERIES: usize = 1_000;
/// The longest name of an event, in characters.
const LONGEST_NAME: usize = 255;

#[derive(Deserialize)]
struct NewEvent {
    account: String,
    event: String,
    fields: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Disturb {
    kind: Kind,
    event: Option<String>,
    times: Option<u32>,
    delay_ms: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Twice,
    OutOfOrder,
    Never,
    Slow,
    WrongSecret,
    OtherBody,
}

impl Kind {
    fn fault(self, delay_ms: Option<u32>) -> Result<WebhookFault, Refusal> {
        Ok(match self {
            Self::Twice => WebhookFault::Twice,
            Self::OutOfOrder => WebhookFault::OutOfOrder,
            Self::Never => WebhookFault::Never,
            Self::Slow => WebhookFault::Slow(delay_ms.ok_or_else(unreadable)?),
            Self::WrongSecret => WebhookFault::WrongSecret,
            Self::OtherBody => WebhookFault::OtherBody,
        })
    }
}

/// A delivery of a webhook. It never has a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WebhookDelivery {
    /// Its number, from 1. Old ones are dropped, so that some numbers may be missing.
    pub number: u64,
    /// The name of the event.
    pub event: String,
    /// The name of the account that the event is about.
    pub account: String,
    /// Its uid.
    pub uid: String,
    /// Who gets it, as it was when the event happened; `None` if nobody does.
    pub receiver: Option<WebhookReceiver>,
    /// The body of every attempt, byte for byte.
    pub body: String,
    /// When the event happened, in milliseconds since the Unix epoch, by the exchange's clock.
    pub at_ms: i64,
    /// How far it is.
    pub state: WebhookState,
    /// The fault of its first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<WebhookFault>,
    /// When the next attempt is due, by the exchange's clock, if one is planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at_ms: Option<i64>,
    /// Its attempts, the oldest first.
    pub attempts: Vec<WebhookAttempt>,
}

/// Who gets a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WebhookReceiver {
    /// The name of the account whose webhook it is; `None` if it is the payment reference's own.
    pub account: Option<String>,
    /// The address.
    pub url: String,
    /// `hmac`, `plain_text` or `none`.
    pub protocol: &'static str,
}

/// An attempt of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WebhookAttempt {
    /// Why it is made.
    pub reason: AttemptReason,
    /// When it became due, by the exchange's clock.
    pub at_ms: i64,
    /// When it ended; `None` if it is on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<i64>,
    /// How it ended. In JSON one of the members `status`, `failed` and `not_made`.
    #[serde(flatten)]
    pub end: Option<AttemptEnd>,
}

/// What a delivery sends. `Debug` hides the headers, because one of them may be the secret.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WebhookRequest {
    /// The address.
    pub url: String,
    /// Names and values of the headers that belong to the delivery.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: String,
}

impl fmt::Debug for WebhookRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("WebhookRequest")
            .field("url", &self.url)
            .field("headers", &names)
            .field("body", &self.body)
            .finish()
    }
}

/// The members of a JSON object in their order.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// JSON without white space between its parts. What is inside of texts stays, and so does the spelling of numbers.
fn compact(json: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    let is_kept = |byte: &char| {
        if in_text {
            in_text = escaped || *byte != '"';
            escaped = !escaped && *byte == '\\';
            return true;
        }
        in_text = *byte == '"';
        !byte.is_ascii_whitespace()
    };
    json.chars().filter(is_kept).collect()
}

impl Control {
    /// Up to 1,000 deliveries of webhooks whose number is above `after`, the oldest first. Each event that an account may be told
    /// of is here, also if nobody gets it. The newest 10,000 are kept, and older ones until they are finished.
    #[must_use]
    pub fn webhooks(&self, after: u64) -> Vec<WebhookDelivery> {
        self.host.read(|exchange| {
            let name = |id| exchange.people().get(id).map(|person| person.name).unwrap_or_default();
            let deliveries = exchange.webhooks().after(after).take(MOST_DELIVERIES);
            deliveries
                .map(|delivery| WebhookDelivery {
                    number: delivery.number,
                    event: delivery.event.clone(),
                    account: name(delivery.account),
                    uid: exchange.people().get(delivery.account).map(|person| person.uid).unwrap_or_default(),
                    receiver: delivery.receiver.as_ref().map(|receiver| WebhookReceiver {
                        account: receiver.account.map(name),
                        url: receiver.webhook.url.clone(),
                        protocol: protocol(receiver.webhook.protocol),
                    }),
                    body: delivery.body.clone(),
                    at_ms: delivery.at_ms,
                    state: delivery.state,
                    fault: delivery.fault,
                    next_at_ms: delivery.next_at_ms,
                    attempts: delivery.attempts.iter().map(attempt).collect(),
                })
                .collect()
        })
    }

    /// What a delivery sends, without its fault. Without a receiver the address is empty, and there is no signature.
    ///
    /// # Errors
    /// [`ControlError::UnknownDelivery`]
    pub fn webhook_request(&self, number: u64) -> Result<WebhookRequest, ControlError> {
        self.host.read(|exchange| {
            let delivery = exchange.webhooks().get(number).ok_or(ControlError::UnknownDelivery)?;
            let request = exchange.webhooks().request(number);
            let (url, signature) =
                request.map_or_else(Default::default, |request| (request.url, request.header));
            let kind = ("Content-Type".to_owned(), "application/json".to_owned());
            let signature = signature.map(|value| (HEADER.to_owned(), value));
            Ok(WebhookRequest {
                url,
                headers: [kind].into_iter().chain(signature).collect(),
                body: delivery.body.clone(),
            })
        })
    }

    /// Sends an event to the webhook of an account, else to that of the account that manages it. `fields` is a JSON object; the
    /// body is `{"event":…}` with these fields behind it, in the same order, without white space. Returns the number of the
    /// delivery.
    ///
    /// # Errors
    /// An unknown account, or [`ControlError::InvalidEvent`].
    pub fn send_event(&self, account: &str, event: &str, fields: &str) -> Result<u64, ControlError> {
        let account = self.account(account)?;
        let Members(members) = serde_json::from_str(fields).map_err(|_| ControlError::InvalidEvent)?;
        let mut names: BTreeSet<&str> = BTreeSet::from(["event"]);
        let is_once = members.iter().all(|(name, _)| names.insert(name));
        if !is_once || event.is_empty() || event.chars().count() > LONGEST_NAME {
            return Err(ControlError::InvalidEvent);
        }
        let fields = members.iter().map(|(name, value)| (name.as_str(), compact(value.get())));
        let body = body(event, fields);
        Ok(self.host.command(SendEvent { account, event: event.to_owned(), body }))
    }

    /// Sends a delivery again now, whatever its state is. Its retries go on as planned, unless this attempt arrives.
    ///
    /// # Errors
    /// [`ControlError::UnknownDelivery`] or [`ControlError::NoReceiver`].
    pub fn send_webhook_again(&self, number: u64) -> Result<(), ControlError> {
        self.host.command(SendAgain { delivery: number }).map_err(|why| match why {
            NotAgain::Unknown => ControlError::UnknownDelivery,
            NotAgain::NoReceiver => ControlError::NoReceiver,
        })
    }

    /// Plans a fault for the next `times` deliveries that have a receiver, or for those of an event. Up to 1,000 faults can be
    /// planned; further ones are ignored. [`clear_faults`](Self::clear_faults) removes them.
    pub fn disturb_webhooks(&self, event: Option<&str>, fault: WebhookFault, times: u32) {
        self.host.command(DisturbWebhooks { event: event.map(str::to_owned), fault, times });
    }

    /// Removes the planned faults of webhooks, and sends what was held back.
    pub(super) fn clear_webhook_faults(&self) {
        self.host.command(ClearWebhookFaults {});
    }
}

fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Hmac => "hmac",
        Protocol::PlainText => "plain_text",
        Protocol::None => "none",
    }
}

fn attempt(attempt: &delivery::Attempt) -> WebhookAttempt {
    let (ended_ms, end) = attempt.end.clone().unzip();
    WebhookAttempt { reason: attempt.reason, at_ms: attempt.at_ms, ended_ms, end }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_only_between_the_parts() {
        let json = "{ \"a b\" : [ 1.10 , \"c \\\" d \\\\\" ] ,\n\"e\":\tnull }";
        assert_eq!(compact(json), r#"{"a b":[1.10,"c \" d \\"],"e":null}"#);
    }

    #[test]
    fn the_debug_of_a_request_hides_the_values_of_its_headers() {
        let headers = vec![(HEADER.to_owned(), "c4nary".to_owned())];
        let request = WebhookRequest { url: String::new(), headers, body: String::new() };
        assert!(format!("{request:?}").contains(HEADER) && !format!("{request:?}").contains("c4nary"));
    }
}
