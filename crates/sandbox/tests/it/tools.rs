//! The subcommands `trigger` and `listen` as processes.

use crate::{
    client::{Exchange, in_time},
    program::{PROGRAM, Running},
    webhooks::Receiver,
};
use capecrypto_models::DepositEventKind;
use capecrypto_sandbox::WebhookFault;
use capecrypto_webhook::{Verifier, testing};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Output},
};
use tokio::sync::mpsc;

/// Runs the program to its end, beside the receiver's task.
async fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments);
    in_time(tokio::task::spawn_blocking(move || command.output().unwrap())).await.unwrap()
}

fn texts(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn trigger_sends_what_the_client_s_crate_expects() {
    let receiver = Receiver::start().await;
    let samples = [
        testing::deposit_matched(),
        testing::completed(),
        testing::failed(),
        testing::duplicate_deposit(),
        testing::deposit(DepositEventKind::TravelRuleRequired),
        testing::deposit(DepositEventKind::Accepted),
        testing::deposit(DepositEventKind::Rejected),
    ];
    let verifier = Verifier::hmac("now", "c4nary").unwrap();
    for (place, sample) in samples.into_iter().enumerate() {
        let wanted = sample.body();
        let fields: serde_json::Map<String, Value> = serde_json::from_str(&wanted).unwrap();
        let event = fields["event"].as_str().unwrap();
        // The time and the deposit are new at each call; all else is compared byte for byte.
        let mut arguments: Vec<String> =
            ["trigger", event, "--to", &receiver.url, "--secret=c4nary"].map(str::to_owned).to_vec();
        for name in ["created_at", "timestamp", "deposit_id", "duplicate_deposit_id"] {
            if let Some(value) = fields.get(name) {
                arguments.extend(["--field".to_owned(), format!("{name}:={value}")]);
            }
        }
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (code, out, err) = texts(run(&arguments).await);
        assert_eq!((code, out.as_str()), (Some(0), "200 OK\nthank you\n"), "{err}");
        assert!(!err.contains("c4nary") && !err.contains("warning") && err.contains(&wanted), "{err}");
        let got = receiver.got()[place].clone();
        assert_eq!(got.body, wanted);
        let verified = verifier.verify(&got.headers, &got.body).unwrap();
        assert_eq!(verified.event.name(), event);
    }
}

#[tokio::test]
async fn trigger_tells_what_went_wrong() {
    let receiver = Receiver::start().await;
    receiver.answer_next([503]);
    let to = receiver.url.as_str();
    let (code, out, err) =
        texts(run(&["trigger", "new.event", "--to", to, "--reference", "PAY-7", "--field", "n:=1"]).await);
    assert_eq!((code, out.as_str()), (Some(1), "503 Service Unavailable\nthank you\n"));
    assert!(err.starts_with("warning: the documents name no event \"new.event\""), "{err}");
    let got = receiver.got().remove(0);
    assert_eq!(got.body, r#"{"event":"new.event","reference":"PAY-7","n":1}"#);
    assert_eq!(got.header("x-auth-webhook"), None);
    let plain = ["trigger", "x", "--to", to, "--secret", "c4nary", "--protocol=plain_text"];
    let (code, _, err) = texts(run(&plain).await);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(receiver.got()[1].header("x-auth-webhook"), Some("c4nary"));
    assert!(!err.contains("c4nary"), "{err}");

    for (arguments, code, problem) in [
        (&["trigger", "x", "--to", "http://192.0.2.1/"][..], 1, "192.0.2.1 is not this machine"),
        (&["trigger", "x", "--to", "https://localhost/"], 1, "https needs TLS"),
        (&["trigger", "x", "--to", "http://127.0.0.1:1/"], 1, "is the receiver running at --to?"),
        (&["trigger", "x"], 2, "--to is missing"),
        (&["trigger", "--to", to], 2, "the name of the event is missing"),
        (&["listen"], 2, "--forward is missing"),
        (
            &["listen", "--forward", to, "--control", "http://127.0.0.1:1"],
            1,
            "--control: no sandbox answers at",
        ),
        (&["fly"], 2, "unknown argument \"fly\""),
    ] {
        let (ended, out, err) = texts(run(arguments).await);
        assert_eq!(ended, Some(code), "{arguments:?}: {err}");
        assert!(err.contains(problem) && out.is_empty(), "{arguments:?}: {err}");
        assert_eq!(err.contains("usage:"), code == 2, "{err}");
    }
    for tool in ["trigger", "listen"] {
        let (code, out, _) = texts(run(&[tool, "--help"]).await);
        assert!(code == Some(0) && out.starts_with(&format!("usage: capecrypto-sandbox {tool}")), "{out}");
    }
    assert_eq!(receiver.got().len(), 2);
}

/// The lines that a process writes. Reading them blocks, so it has a thread of its own.
struct Lines(mpsc::UnboundedReceiver<String>);

impl Lines {
    fn of(from: impl Read + Send + 'static) -> Self {
        let (send, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                // Fails if the test has ended.
                let _unheard = send.send(line);
            }
        });
        Self(lines)
    }

    async fn next(&mut self) -> Option<String> {
        in_time(self.0.recv()).await
    }
}

#[tokio::test]
async fn listen_shows_and_forwards_what_a_sandbox_sends() {
    let (exchange, own, forward) =
        (Exchange::start().await, Receiver::start().await, Receiver::start().await);
    exchange.hook("merchant", &own.url, "plain_text").await;
    let old = exchange.tell("PAY-0");
    exchange.until_all_attempts_end(old, 1).await;
    let control = exchange.sandbox.control_url().to_owned();
    let control = control.as_str();
    let mut listen =
        Running::start(&["listen", "--forward", &forward.url, "--control", control, "--exit-with-stdin"]);
    let mut out = Lines::of(listen.0.stdout.take().unwrap());
    let mut err = Lines::of(listen.0.stderr.take().unwrap());
    assert_eq!(err.next().await.unwrap(), format!("listening to {control}, from delivery 2 on"));

    own.answer_next([500]);
    forward.answer_next([204, 500]);
    // One that fails at its own receiver, one that nobody else gets, and one that a fault drops.
    let first = exchange.tell("PAY-1");
    let line = out.next().await.unwrap();
    let wanted = "#2 payment_reference.completed PAY-1 waiting, attempts: ";
    assert!(line.contains(wanted) && line.ends_with("; forwarded: 204"), "{line}");
    exchange.until_all_attempts_end(first, 1).await;
    exchange.control.send_event("taker", "new.event", "{}").unwrap();
    let line = out.next().await.unwrap();
    assert!(line.ends_with(" #3 new.event - no receiver, no attempt; forwarded: 500"), "{line}");
    exchange.control.disturb_webhooks(None, WebhookFault::Never, 1);
    exchange.tell("PAY-4");
    let line = out.next().await.unwrap();
    assert!(line.ends_with("PAY-4 dropped, no attempt; dropped by a fault, not forwarded"), "{line}");

    let (sent, got) = (own.got(), forward.got());
    assert_eq!((sent.len(), got.len()), (2, 2), "what was before is not forwarded");
    assert_eq!(got[0].body, sent[1].body);
    for header in ["x-auth-webhook", "content-type", "user-agent"] {
        assert_eq!(got[0].header(header), sent[1].header(header), "{header}");
    }
    assert_eq!(got[0].header("x-auth-webhook"), Some("my_secret_key"));
    assert_eq!(got[1].header("x-auth-webhook"), None);

    // With a number it begins there.
    let mut all = Running::start(&["listen", "--forward", &forward.url, "--control", control, "--after=0"]);
    let mut lines = Lines::of(all.0.stdout.take().unwrap());
    for number in 1..=4 {
        let line = lines.next().await.unwrap();
        assert!(line.contains(&format!("#{number} ")) && !line.contains("my_secret_key"), "{line}");
    }

    drop(listen.0.stdin.take());
    assert_eq!(err.next().await.unwrap(), "ending: standard input ended");
    assert_eq!((err.next().await, out.next().await), (None, None));
    assert_eq!(listen.end().0, Some(0));
    // It ends with the sandbox.
    exchange.sandbox.shutdown().await;
    let mut err = Lines::of(all.0.stderr.take().unwrap());
    err.next().await.unwrap();
    let line = err.next().await.unwrap();
    assert!(line.starts_with(&format!("ending: no sandbox answers at {control}: ")), "{line}");
    assert_eq!(all.end().0, Some(1));
}
