//! The sandbox as a program, as another language would start it.

use crate::growth::Temporary;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_capecrypto-sandbox");

/// A child process that is killed at the end of the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only if it has already ended.
        let _gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Running {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn ready(&mut self) -> serde_json::Value {
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect(&line)
    }

    /// The exit code, and the rest of standard output.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let started = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                let mut rest = String::new();
                // A test may have taken it.
                if let Some(mut stdout) = self.0.stdout.take() {
                    stdout.read_to_string(&mut rest).unwrap();
                }
                return (status.code(), rest);
            }
            assert!(started.elapsed() < Duration::from_secs(20), "it does not end");
            std::thread::yield_now();
        }
    }
}

#[test]
fn the_first_line_tells_everything_and_stdin_ends_it() {
    let mut program = Running::start(&["--listen", "127.0.0.1:0", "--exit-with-stdin"]);
    let ready = program.ready();
    assert_eq!(ready["ready"], true);
    let origin = ready["origin"].as_str().unwrap();
    let address = origin.strip_prefix("http://").unwrap().to_owned();
    assert_eq!(ready["websocket"], format!("ws://{address}/api/v2/websocket"));
    assert_eq!(ready["legacy_websocket"], format!("ws://{address}/api/v2/stream"));
    assert_eq!(ready["control"], format!("{origin}/sandbox"));
    let accounts = ready["accounts"].as_array().unwrap();
    let names: Vec<_> = accounts.iter().map(|account| account["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["maker", "taker", "merchant", "aggregator"]);
    for account in accounts {
        let keys: Vec<_> = account.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["api_key", "name", "role", "secret", "uid"]);
        assert!(account["api_key"].as_str().unwrap().starts_with("sandbox_"));
    }
    let cabital = ready["cabital"].as_object().unwrap();
    let keys: Vec<_> = cabital.keys().map(String::as_str).collect();
    assert_eq!(keys, ["access_key", "account_id", "link_origin", "origin", "secret"]);
    assert!(cabital["access_key"].as_str().unwrap().starts_with("sandbox_"));
    assert_eq!(cabital["account_id"].as_str().unwrap().len(), 36);
    let link = cabital["link_origin"].as_str().unwrap().strip_prefix("http://").unwrap();
    assert_ne!(cabital["origin"], cabital["link_origin"]);
    assert_ne!(link, address);
    let mut light = TcpStream::connect(link).unwrap();
    light.write_all(b"GET /api/v1/light/config HTTP/1.0\r\n\r\n").unwrap();
    let mut config = String::new();
    light.read_to_string(&mut config).unwrap();
    assert!(config.starts_with("HTTP/1.0 200") && config.contains("USDT"), "{config}");
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /api/v2/atlas/public/health/alive HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    drop(program.0.stdin.take());
    assert_eq!(program.end(), (Some(0), String::new()), "nothing but the first line is on standard output");
}

#[test]
fn signals_end_it() {
    for signal in ["INT", "TERM"] {
        let mut program = Running::start(&[]);
        program.ready();
        let killed = Command::new("kill").args([format!("-{signal}"), program.0.id().to_string()]).status();
        assert!(killed.unwrap().success());
        assert_eq!(program.end().0, Some(0), "SIG{signal}");
    }
}

#[test]
fn wrong_arguments_are_told() {
    for (arguments, problem) in [
        (&["--verbose"][..], "unknown argument \"--verbose\""),
        (&["--listen"], "--listen needs a value"),
        (&["--listen", "localhost"], "--listen: \"localhost\" is not an address with a port"),
        (&["--cabital-listen", "127.0.0.1:1"], "--cabital-listen: \"127.0.0.1:1\" is not two addresses"),
        (&["--profile=new"], "--profile: \"new\" is neither docs nor legacy"),
        (&["--auth-window-ms", "soon"], "--auth-window-ms: \"soon\" is not a whole number"),
        (&["--seed", "seven"], "--seed: \"seven\" is not a whole number"),
        (&["--record"], "--record needs a value"),
        (&["--exit-with-stdin=yes"], "--exit-with-stdin takes no value"),
    ] {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.starts_with(problem) && told.contains("usage:"), "{told}");
        assert!(output.stdout.is_empty());
    }
    let output = Command::new(PROGRAM).args(["--listen", "0.0.0.0:0"]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains("can be reached from other machines"), "{told}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_record_of_one_run_begins_the_next() {
    let (record, markets) = (Temporary::new("program-record"), Temporary::new("program-markets"));
    std::fs::write(&markets.0, r#"{"currencies":[{"id":"ada"}]}"#).unwrap();
    let mut first = Running::start(&[
        "--exit-with-stdin",
        "--seed=7",
        "--record",
        record.path(),
        "--markets",
        markets.path(),
    ]);
    let ready = first.ready();
    drop(first.0.stdin.take());
    assert_eq!(first.end().0, Some(0));
    let mut second = Running::start(&["--exit-with-stdin", "--replay", record.path()]);
    let again = second.ready();
    for (one, other) in
        ready["accounts"].as_array().unwrap().iter().zip(again["accounts"].as_array().unwrap())
    {
        assert_eq!((&one["uid"], &one["name"]), (&other["uid"], &other["name"]));
        assert_ne!(one["secret"], other["secret"]);
    }
    let origin = again["origin"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(origin).unwrap();
    stream.write_all(b"GET /api/v2/atlas/public/currencies/ada HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    drop(second.0.stdin.take());
    assert_eq!(second.end().0, Some(0));

    let output = Command::new(PROGRAM).args(["--record", record.path()]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(told.contains(record.path()) && told.contains("give the name of a new file"), "{told}");
}
