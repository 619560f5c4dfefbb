//! `trigger`: sends one event to a receiver, as the exchange would send it.
#![expect(clippy::print_stderr, reason = "a program talks to its user")]

use super::{
    arguments::{Arguments, unknown},
    samples::{self, EVENTS, Fields},
};
use crate::{
    base::clock::Clock,
    client::{self, LONGEST, Limits, NoAnswer},
    exchange::{
        notice::{Protocol, Webhook},
        webhooks::{body, signature},
    },
    wire::webhooks::headers,
};
use http::Method;
use serde_json::Value as Json;
use std::{
    io::{self, Write},
    process::ExitCode,
};

pub(super) const USAGE: &str = "\
usage: capecrypto-sandbox trigger EVENT --to URL [options]

Sends one event to the receiver of a webhook, signed as the exchange signs it. No exchange is needed.
Prints the status and the body of the answer; what was sent goes to standard error.

  --to URL                where to send it: an http:// URL of this machine
  --secret TEXT           the secret that the receiver knows
  --protocol hmac|plain_text|none
                          how the receiver knows the sender (hmac with a secret, none without)
  --reference CODE        the code of the payment reference, such as PAY-ABC123
  --field NAME=VALUE      sets a field of the event; repeat it for more fields
  --field NAME:=JSON      the same with any JSON, such as a number or null
  --webhook-host HOST     allows a host that is not this machine; can be repeated
  --help                  this text

Events of the documents: payment_reference.deposit_matched, payment_reference.completed,
payment_reference.failed, payment_reference.duplicate_deposit, deposit.travel_rule_required,
deposit.accepted, deposit.rejected. Any other name is sent with only the fields that you set.

Each call sends a new deposit_id (duplicate_deposit_id), so that the receiver takes it as a new event.
To repeat an event, or to tell more of one deposit, set it: --field deposit_id=456.

Exit code: 0 if the status is from 200 to 299, 1 if not, 2 if an argument is wrong.";

/// How much of an answer is shown, in bytes.
const MOST_OF_ANSWER: usize = 64 * 1024;

/// One event to send.
#[derive(Debug)]
pub struct Trigger {
    event: String,
    webhook: Webhook,
    body: String,
    hosts: Vec<String>,
}

/// A field as it was given: its name, its text, and whether the text is JSON.
type Given = (String, String, bool);

impl Trigger {
    /// Reads the arguments. `None` if the help is wanted.
    pub(super) fn read(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut arguments = Arguments::new(arguments);
        let (mut event, mut url, mut secret, mut protocol) = (None, None, None, None);
        let (mut given, mut hosts): (Vec<Given>, _) = (Vec::new(), Vec::new());
        while let Some(flag) = arguments.next()? {
            match flag.as_str() {
                "--to" => url = Some(arguments.value()?),
                "--secret" => secret = Some(arguments.value()?),
                "--protocol" => protocol = Some(read_protocol(&arguments.value()?)?),
                "--reference" => given.push(("reference".to_owned(), arguments.value()?, false)),
                "--field" => given.push(read_field(&arguments.value()?)?),
                "--webhook-host" => hosts.push(arguments.value()?),
                "--help" | "-h" => return Ok(None),
                word if event.is_none() && !word.starts_with('-') => event = Some(word.to_owned()),
                other => return Err(unknown(other)),
            }
        }
        let event = event.filter(|event| !event.is_empty());
        let event = event.ok_or("the name of the event is missing, such as payment_reference.completed")?;
        let url =
            url.ok_or("--to is missing: give the URL of the receiver, such as http://127.0.0.1:3000/hook")?;
        let webhook = Webhook { protocol: chosen(protocol, secret.as_deref())?, url, secret };
        let body = event_body(&event, given, Clock::default().now_ms())?;
        Ok(Some(Self { event, webhook, body, hosts }))
    }

    pub(super) async fn run(&self) -> ExitCode {
        let Self { event, webhook, body, hosts } = self;
        if !EVENTS.contains(&event.as_str()) {
            eprintln!(
                "warning: the documents name no event {event:?}; it is sent with only the fields that you set"
            );
        }
        let signature = signature::header(webhook, body.as_bytes());
        let Some(headers) = headers(signature.as_deref()) else {
            eprintln!("--secret: it has a character that a header cannot have; give another secret");
            return ExitCode::FAILURE;
        };
        let limits = Limits { hosts, most: MOST_OF_ANSWER, longest: LONGEST };
        let sent = client::send(Method::POST, &webhook.url, headers, body.clone().into(), limits).await;
        match sent {
            Ok(answer) => {
                eprintln!("sent: {body}");
                let text = String::from_utf8_lossy(&answer.body);
                // Not `println!`, which panics when nobody reads to the end. The exit code tells the same.
                let _unread = writeln!(io::stdout(), "{}\n{text}", answer.status);
                if answer.status.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
            }
            Err(NoAnswer::NotMade(why)) => {
                eprintln!("not sent: --to: {why}");
                ExitCode::FAILURE
            }
            Err(NoAnswer::Failed(why)) => {
                eprintln!("no answer: {why}; is the receiver running at --to?");
                ExitCode::FAILURE
            }
        }
    }
}

fn read_protocol(text: &str) -> Result<Protocol, String> {
    match text {
        "hmac" => Ok(Protocol::Hmac),
        "plain_text" => Ok(Protocol::PlainText),
        "none" => Ok(Protocol::None),
        other => Err(format!("--protocol: {other:?} is none of hmac, plain_text and none")),
    }
}

/// The protocol that was asked for, or the one that fits the secret.
fn chosen(protocol: Option<Protocol>, secret: Option<&str>) -> Result<Protocol, String> {
    match (protocol, secret) {
        (_, Some("")) => {
            Err("--secret is empty; give the receiver's secret, or leave the flag out".to_owned())
        }
        (None, Some(_)) => Ok(Protocol::Hmac),
        (None | Some(Protocol::None), None) => Ok(Protocol::None),
        (Some(Protocol::None), Some(_)) => {
            Err("--secret is not used with --protocol none; leave one of them out".to_owned())
        }
        (Some(_), None) => Err("--secret is missing: --protocol hmac and plain_text need it".to_owned()),
        (Some(protocol), Some(_)) => Ok(protocol),
    }
}

fn read_field(text: &str) -> Result<Given, String> {
    let found = text.split_once('=').map(|(name, value)| match name.strip_suffix(':') {
        Some(name) => (name.to_owned(), value.to_owned(), true),
        None => (name.to_owned(), value.to_owned(), false),
    });
    found.filter(|(name, ..)| !name.is_empty() && name != "event").ok_or_else(|| {
        format!("--field: {text:?} is not NAME=VALUE; the name of the event itself is the first argument")
    })
}

/// The body of an event with these fields in place of the usual ones. A number stays a number.
fn event_body(event: &str, given: Vec<Given>, now_ms: i64) -> Result<String, String> {
    let mut fields = samples::fields(event, now_ms).unwrap_or_default();
    for (name, text, is_json) in given {
        set(&mut fields, name, &text, is_json)?;
    }
    Ok(body(event, fields.iter().map(|(name, value)| (name.as_str(), value.to_string()))))
}

fn set(fields: &mut Fields, name: String, text: &str, is_json: bool) -> Result<(), String> {
    let old = fields.iter_mut().find(|(known, _)| *known == name).map(|(_, value)| value);
    let value = if is_json {
        serde_json::from_str(text).map_err(|error| format!("--field {name}: this is no JSON: {error}"))?
    } else if old.as_ref().is_some_and(|old| old.is_number()) {
        let number: u64 = text.parse().map_err(|_| {
            format!("--field {name}: {text:?} is not a whole number; write {name}:=\"…\" to send a text all the same")
        })?;
        Json::from(number)
    } else {
        Json::from(text)
    };
    match old {
        Some(old) => *old = value,
        None => fields.push((name, value)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Trigger>, String> {
        Trigger::read(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn fields_keep_their_place_and_their_kind() {
        let given = [
            ("deposit_id", "456", false),
            ("reference", "PAY-7", false),
            ("note", "7", false),
            ("extra", "[1,null]", true),
        ];
        let given = given.map(|(name, value, json)| (name.to_owned(), value.to_owned(), json)).to_vec();
        assert_eq!(
            event_body("payment_reference.failed", given, 1_737_108_600_000).unwrap(),
            r#"{"event":"payment_reference.failed","payment_reference_id":123,"reference":"PAY-7","uid":"ID123456789","deposit_id":456,"error":"Insufficient liquidity for market order on btcusd","deposit_blockchain":"ethereum-erc20","created_at":"2025-01-17T10:10:00.000Z","note":"7","extra":[1,null]}"#
        );
    }

    #[test]
    fn the_protocol_follows_from_the_secret() {
        let protocol = |line| read(line).unwrap().unwrap().webhook.protocol;
        assert_eq!(protocol("x --to u"), Protocol::None);
        assert_eq!(protocol("--secret s x --to=u"), Protocol::Hmac);
        assert_eq!(protocol("x --to u --secret s --protocol plain_text"), Protocol::PlainText);
        assert!(read("x --to u --help").unwrap().is_none());
        let trigger = read("x --to u --secret c4nary").unwrap().unwrap();
        assert!(!format!("{trigger:?}").contains("c4nary"));
    }

    #[test]
    fn wrong_arguments_are_told_and_secrets_are_not() {
        for (line, problem) in [
            ("--to u", "the name of the event is missing"),
            ("x", "--to is missing"),
            ("x --to", "--to needs a value"),
            ("x --to u --protocol hmac", "--secret is missing"),
            ("x --to u --protocol none --secret c4nary", "--secret is not used"),
            ("x --to u --secret=", "--secret is empty"),
            ("x --to u --protocol md5", "--protocol: \"md5\" is none of"),
            ("x --to u --field a", "--field: \"a\" is not NAME=VALUE"),
            ("x --to u --field event=y", "--field: \"event=y\" is not NAME=VALUE"),
            ("x --to u --field a:=b", "--field a: this is no JSON"),
            (
                "payment_reference.failed --to u --field deposit_id=x",
                "--field deposit_id: \"x\" is not a whole number",
            ),
            ("x --to u --sercet=c4nary", "unknown argument \"--sercet\""),
            ("x --to u c4nary", "one word has no flag before it"),
        ] {
            let told = read(line).map(|found| found.is_some());
            let told = told.expect_err(line);
            assert!(told.starts_with(problem) && !told.contains("c4nary"), "{line}: {told}");
        }
    }
}
