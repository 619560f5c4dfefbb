//! `listen`: shows the deliveries of a running sandbox, one line each, and forwards them to a program on this machine.
#![expect(clippy::print_stderr, reason = "a program talks to its user")]

use super::arguments::{Arguments, unknown};
use crate::{
    base::clock,
    client::{self, LONGEST, Limits, NoAnswer},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

pub(super) const USAGE: &str = "\
usage: capecrypto-sandbox listen --forward URL [options]

Shows each delivery of a running sandbox in one line: time, number, event, payment reference, attempts.
Sends the same body and headers to URL, and shows the status of its answer. The webhooks that accounts
have set are not touched: it also forwards what nobody gets, or what goes to another machine. Faults are
not repeated: each delivery is forwarded once, as it should be, and what a fault drops is not forwarded.

  --forward URL           where to send each delivery: an http:// URL of this machine
  --control URL           the control door of the sandbox, as its first line shows it
                          (http://127.0.0.1:8080/sandbox)
  --after NUMBER          begin after this delivery, and 0 for all (only new deliveries)
  --webhook-host HOST     allows a host of --forward that is not this machine; can be repeated
  --exit-with-stdin       end when standard input ends
  --help                  this text

It ends when it is interrupted, or when the sandbox does not answer any more (exit code 1).";

const CONTROL: &str = "http://127.0.0.1:8080/sandbox";
/// How often the log is read.
const EVERY: Duration = Duration::from_millis(200);
/// How much of the log is read at once, and how much of an answer, in bytes.
const MOST_OF_LOG: usize = 256 * 1024 * 1024;
const MOST_OF_ANSWER: usize = 64 * 1024;

/// What to listen to, and where to forward it.
#[derive(Debug)]
pub struct Listen {
    control: String,
    forward: String,
    after: Option<u64>,
    hosts: Vec<String>,
    pub(super) exit_with_stdin: bool,
}

/// A delivery, as the control door shows it.
#[derive(Debug, Deserialize)]
struct Delivery {
    number: u64,
    event: String,
    at_ms: i64,
    body: String,
    state: String,
    attempts: Vec<Attempt>,
}

#[derive(Debug, Deserialize)]
struct Attempt {
    ended_ms: Option<i64>,
    status: Option<u16>,
    not_made: Option<String>,
}

/// What a delivery sends.
#[derive(Deserialize)]
struct Request {
    headers: Vec<(String, String)>,
    body: String,
}

/// The part of an event that the line shows.
#[derive(Deserialize)]
struct Named {
    reference: Option<String>,
}

impl Listen {
    /// Reads the arguments. `None` if the help is wanted.
    pub(super) fn read(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut arguments = Arguments::new(arguments);
        let (mut forward, mut control) = (None, CONTROL.to_owned());
        let (mut after, mut hosts, mut exit_with_stdin) = (None, Vec::new(), false);
        while let Some(flag) = arguments.next()? {
            match flag.as_str() {
                "--forward" => forward = Some(arguments.value()?),
                "--control" => control = arguments.value()?,
                "--after" => {
                    let value = arguments.value()?;
                    let number =
                        value.parse().map_err(|_| format!("--after: {value:?} is not a whole number"))?;
                    after = Some(number);
                }
                "--webhook-host" => hosts.push(arguments.value()?),
                "--exit-with-stdin" => exit_with_stdin = true,
                "--help" | "-h" => return Ok(None),
                other => return Err(unknown(other)),
            }
        }
        let forward = forward.ok_or(
            "--forward is missing: give the URL of your receiver, such as http://127.0.0.1:3000/hook",
        )?;
        let control = control.trim_end_matches('/');
        // The origin is enough.
        let control =
            if control.ends_with("/sandbox") { control.to_owned() } else { format!("{control}/sandbox") };
        Ok(Some(Self { control, forward, after, hosts, exit_with_stdin }))
    }

    pub(super) async fn run(&self) -> ExitCode {
        let mut last = match self.begin().await {
            Ok(last) => last,
            Err(problem) => {
                eprintln!(
                    "--control: {problem}; start a sandbox with `capecrypto-sandbox --listen 127.0.0.1:8080`, or give the \
                     URL `control` of its first line"
                );
                return ExitCode::FAILURE;
            }
        };
        eprintln!("listening to {}, from delivery {} on", self.control, last + 1);
        loop {
            match self.follow(last).await {
                Ok(newest) if newest == last => tokio::time::sleep(EVERY).await,
                Ok(newest) => last = newest,
                Err(problem) => {
                    eprintln!("ending: {problem}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }

    /// The number of the delivery after which to begin.
    async fn begin(&self) -> Result<u64, String> {
        let mut last = self.after.unwrap_or_default();
        loop {
            let deliveries = self.deliveries(last).await?;
            match deliveries.last() {
                Some(newest) if self.after.is_none() => last = newest.number,
                _ => return Ok(last),
            }
        }
    }

    /// Forwards and shows the deliveries with a higher number, and gives the newest one.
    async fn follow(&self, mut last: u64) -> Result<u64, String> {
        for mut delivery in self.deliveries(last).await? {
            let forwarded = if delivery.state == "dropped" {
                "dropped by a fault, not forwarded".to_owned()
            } else {
                format!("forwarded: {}", self.forward(delivery.number).await?)
            };
            if delivery.attempts.iter().all(|attempt| attempt.ended_ms.is_none()) {
                // Its first attempt may have ended in the meantime.
                let now = self.deliveries(delivery.number - 1).await?.into_iter().next();
                let now = now.filter(|now| now.number == delivery.number);
                delivery = now.unwrap_or(delivery);
            }
            // Not `println!`, which panics when nobody reads any more.
            writeln!(io::stdout(), "{}; {forwarded}", line(&delivery))
                .map_err(|error| format!("nobody reads standard output: {error}"))?;
            last = delivery.number;
        }
        Ok(last)
    }

    /// Sends a delivery to the receiver, and tells what came of it. The error is about the sandbox.
    async fn forward(&self, number: u64) -> Result<String, String> {
        let Request { headers: given, body } = self.get(&format!("webhooks/{number}/request")).await?;
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let (name, value) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()));
            let (Ok(name), Ok(value)) = (name, value) else {
                return Ok("no, the secret has a character that a header cannot have".to_owned());
            };
            headers.insert(name, value);
        }
        let limits = Limits { hosts: &self.hosts, most: MOST_OF_ANSWER, longest: LONGEST };
        let answer = client::send(Method::POST, &self.forward, headers, body.into(), limits).await;
        Ok(match answer {
            Ok(answer) => answer.status.as_u16().to_string(),
            Err(NoAnswer::NotMade(why)) => format!("no, --forward: {why}"),
            Err(NoAnswer::Failed(why)) => format!("no answer, {why}"),
        })
    }

    async fn deliveries(&self, after: u64) -> Result<Vec<Delivery>, String> {
        self.get(&format!("webhooks/{after}")).await
    }

    /// Asks the control door.
    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        let url = format!("{}/{path}", self.control);
        let limits = Limits { hosts: &[], most: MOST_OF_LOG, longest: LONGEST };
        let answer = client::send(Method::GET, &url, HeaderMap::new(), Bytes::new(), limits).await;
        let problem = |why: String| format!("no sandbox answers at {}: {why}", self.control);
        let answer = answer.map_err(|error| problem(error.to_string()))?;
        if !answer.status.is_success() {
            return Err(problem(format!("the status is {}", answer.status)));
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| problem(format!("the answer is another one: {error}")))
    }
}

/// One line about a delivery, without a secret.
fn line(delivery: &Delivery) -> String {
    let Delivery { number, event, at_ms, body, state, attempts } = delivery;
    let named = serde_json::from_str::<Named>(body).ok().and_then(|named| named.reference);
    let reference = named.unwrap_or_else(|| "-".to_owned());
    let ends: Vec<String> = attempts.iter().map(end).collect();
    let ends =
        if ends.is_empty() { "no attempt".to_owned() } else { format!("attempts: {}", ends.join(", ")) };
    let state = state.replace('_', " ");
    let line = format!("{} #{number} {event} {reference} {state}, {ends}", clock::iso_ms(*at_ms));
    // A name or a reference could move the cursor of a terminal.
    line.chars().filter(|one| !one.is_control()).collect()
}

fn end(attempt: &Attempt) -> String {
    match attempt {
        Attempt { status: Some(status), .. } => status.to_string(),
        Attempt { not_made: Some(_), .. } => "not made".to_owned(),
        Attempt { ended_ms: Some(_), .. } => "no answer".to_owned(),
        Attempt { .. } => "on its way".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Listen>, String> {
        Listen::read(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn the_control_door_is_found_by_its_url_or_by_the_origin() {
        let control = |line: &str| read(line).unwrap().unwrap().control;
        assert_eq!(control("--forward u"), CONTROL);
        for given in ["http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/sandbox"] {
            assert_eq!(control(&format!("--forward u --control {given}")), "http://127.0.0.1:1/sandbox");
        }
        assert!(read("-h").unwrap().is_none());
        for (line, problem) in [
            ("--control x", "--forward is missing"),
            ("--forward", "--forward needs a value"),
            ("--forward u --after x", "--after: \"x\" is not a whole number"),
            ("--forward u --exit-with-stdin=1", "--exit-with-stdin takes no value"),
            ("--to u", "unknown argument \"--to\""),
        ] {
            assert!(read(line).expect_err(line).starts_with(problem), "{line}");
        }
    }

    #[test]
    fn a_delivery_is_one_line() {
        let delivery = r#"{"number":7,"event":"a\u001b[2J\nb","at_ms":1737108600000,"state":"given_up",
            "body":"{\"event\":\"a\",\"reference\":\"PAY-1\"}","attempts":[{"ended_ms":1,"status":500},
            {"ended_ms":2,"failed":"timeout"},{"ended_ms":3,"not_made":"another machine"},{"at_ms":1}]}"#;
        let mut delivery: Delivery = serde_json::from_str(delivery).unwrap();
        let start = "2025-01-17T10:10:00.000Z #7 a[2Jb";
        let ends = "attempts: 500, no answer, not made, on its way";
        assert_eq!(line(&delivery), format!("{start} PAY-1 given up, {ends}"));
        delivery.body = "[]".to_owned();
        delivery.attempts.clear();
        assert_eq!(line(&delivery), format!("{start} - given up, no attempt"));
    }
}
