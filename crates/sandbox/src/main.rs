//! The sandbox as a program, for shells and other languages.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use capecrypto_sandbox::{
    Account, Builder, CabitalAccess, Profile, Sandbox,
    program::{Asked, Tool},
};
use serde::Serialize;
use std::{
    io::{Read, Write},
    net::SocketAddr,
    process::ExitCode,
    time::Duration,
};
use tokio::sync::oneshot;

const USAGE: &str = "\
usage: capecrypto-sandbox [options]
       capecrypto-sandbox trigger EVENT --to URL …   sends one webhook event (trigger --help)
       capecrypto-sandbox listen --forward URL …     shows and forwards the webhooks of a sandbox (listen --help)

  --listen ADDRESS:PORT   where to listen; port 0 picks one (127.0.0.1:0)
  --cabital-listen A,B    where Cabital's two hosts listen: partner calls, and link and light modes (free ports)
  --profile docs|legacy   whose behaviour to show (docs)
  --auth-window-ms N      how far a nonce may be from the clock (5000)
  --markets FILE          add the `currencies` and `markets` of a JSON object, each as the exchange lists it
  --seed N                the same seed and commands give the same uids and uuids (random)
  --record FILE           write every command to a new file
  --replay FILE           begin with the state of a recorded file
  --webhook-host HOST     send webhooks to this host too, not only to this machine; can be repeated
  --allow-non-loopback    listen on an address that other machines can reach
  --exit-with-stdin       end when standard input ends
  --help                  this text

The first line on standard output is one JSON object with every base URL and the demo accounts' keys.";

/// What the command line asks for.
#[derive(Debug)]
enum Command {
    Help(&'static str),
    Tool(Tool),
    Run { builder: Box<Builder>, exit_with_stdin: bool },
}

/// The first line of output, which gives other programs the addresses and keys.
#[derive(Serialize)]
struct Ready<'a> {
    ready: bool,
    origin: &'a str,
    websocket: &'a str,
    legacy_websocket: &'a str,
    control: &'a str,
    accounts: Vec<Account>,
    cabital: &'a CabitalAccess,
}

fn main() -> ExitCode {
    match command(std::env::args().skip(1)) {
        Ok(Command::Help(usage)) => {
            // Not `println!`, which panics when nobody reads to the end.
            let _unread = writeln!(std::io::stdout(), "{usage}");
            ExitCode::SUCCESS
        }
        Ok(Command::Tool(tool)) => on_runtime(use_tool(tool)),
        Ok(Command::Run { builder, exit_with_stdin }) => on_runtime(run(*builder, exit_with_stdin)),
        Err((problem, usage)) => {
            eprintln!("{problem}\n\n{usage}");
            ExitCode::from(2)
        }
    }
}

/// What the command line asks for. The error is the problem, and the help.
fn command(arguments: impl Iterator<Item = String>) -> Result<Command, (String, &'static str)> {
    let mut arguments = arguments.peekable();
    let Some(name) = arguments.next_if(|first| !first.starts_with('-')) else {
        return parse(arguments).map_err(|problem| (problem, USAGE));
    };
    match Tool::read(&name, arguments) {
        Some(Asked::Help(usage)) => Ok(Command::Help(usage)),
        Some(Asked::Run(tool)) => Ok(Command::Tool(tool)),
        Some(Asked::Wrong(problem, usage)) => Err((problem, usage)),
        None => Err((format!("unknown argument {name:?}"), USAGE)),
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Command, String> {
    let mut builder = Sandbox::builder().listen(SocketAddr::from(([127, 0, 0, 1], 0)));
    let mut exit_with_stdin = false;
    while let Some(argument) = arguments.next() {
        let (flag, given) = match argument.split_once('=') {
            Some((flag, value)) => (flag, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        let takes_value = matches!(
            flag,
            "--listen"
                | "--cabital-listen"
                | "--profile"
                | "--auth-window-ms"
                | "--markets"
                | "--seed"
                | "--record"
                | "--replay"
                | "--webhook-host"
        );
        if !takes_value && given.is_some() {
            return Err(format!("{flag} takes no value"));
        }
        let mut value = || given.clone().or_else(|| arguments.next()).ok_or(format!("{flag} needs a value"));
        builder = match flag {
            "--listen" => {
                let value = value()?;
                let address = value
                    .parse()
                    .map_err(|_| format!("--listen: {value:?} is not an address with a port"))?;
                builder.listen(address)
            }
            "--cabital-listen" => {
                let value = value()?;
                let both = value.split_once(',').and_then(|(partner, link)| {
                    Some((partner.trim().parse().ok()?, link.trim().parse().ok()?))
                });
                let (partner, link) = both.ok_or(format!(
                    "--cabital-listen: {value:?} is not two addresses with ports, such as 127.0.0.1:8081,127.0.0.1:8082"
                ))?;
                builder.cabital_listen(partner, link)
            }
            "--profile" => match value()?.as_str() {
                "docs" => builder.profile(Profile::Docs),
                "legacy" => builder.profile(Profile::Legacy),
                other => return Err(format!("--profile: {other:?} is neither docs nor legacy")),
            },
            "--auth-window-ms" => {
                let value = value()?;
                let window = value
                    .parse()
                    .map_err(|_| format!("--auth-window-ms: {value:?} is not a whole number"))?;
                builder.auth_window(Duration::from_millis(window))
            }
            "--markets" => builder.markets_file(value()?),
            "--seed" => {
                let value = value()?;
                builder.seed(value.parse().map_err(|_| format!("--seed: {value:?} is not a whole number"))?)
            }
            "--record" => builder.record(value()?),
            "--replay" => builder.replay(value()?),
            "--webhook-host" => builder.webhook_host(&value()?),
            "--allow-non-loopback" => builder.allow_non_loopback(true),
            "--exit-with-stdin" => {
                exit_with_stdin = true;
                builder
            }
            "--help" | "-h" => return Ok(Command::Help(USAGE)),
            other => return Err(format!("unknown argument {other:?}")),
        };
    }
    Ok(Command::Run { builder: Box::new(builder), exit_with_stdin })
}

fn on_runtime(work: impl Future<Output = ExitCode>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("cannot start the async runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(work)
}

/// Runs a subcommand until it ends or is interrupted.
async fn use_tool(tool: Tool) -> ExitCode {
    let end = match Ends::new(tool.exits_with_stdin()) {
        Ok(end) => end,
        Err(error) => {
            eprintln!("cannot watch for signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    tokio::select! {
        code = tool.run() => code,
        why = end.wait() => {
            eprintln!("ending: {why}");
            tool.interrupted()
        }
    }
}

/// Runs a sandbox until something ends it.
async fn run(builder: Builder, exit_with_stdin: bool) -> ExitCode {
    let sandbox = match builder.start().await {
        Ok(sandbox) => sandbox,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    // Before the first line is printed, because the reader may send a signal right after it.
    let end = match Ends::new(exit_with_stdin) {
        Ok(end) => end,
        Err(error) => {
            eprintln!("cannot watch for signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ready = Ready {
        ready: true,
        origin: sandbox.origin(),
        websocket: sandbox.websocket(),
        legacy_websocket: sandbox.legacy_websocket(),
        control: sandbox.control_url(),
        accounts: sandbox.accounts(),
        cabital: sandbox.cabital(),
    };
    match serde_json::to_string(&ready) {
        Ok(line) => println!("{line}"),
        Err(error) => {
            eprintln!("cannot describe the sandbox: {error}");
            return ExitCode::FAILURE;
        }
    }
    eprintln!("listening on {}", sandbox.origin());
    let why = end.wait().await;
    eprintln!("ending: {why}");
    sandbox.shutdown().await;
    ExitCode::SUCCESS
}

/// The events that end the program.
struct Ends {
    signals: Signals,
    stdin: Option<oneshot::Receiver<()>>,
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(not(unix))]
struct Signals;

impl Signals {
    /// Begins to watch for signals.
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    #[cfg(unix)]
    async fn next(mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupted",
            _ = self.terminate.recv() => "terminated",
        }
    }

    #[cfg(not(unix))]
    async fn next(self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "interrupted",
            // The system cannot report this signal, so wait for ever.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Ends {
    fn new(exit_with_stdin: bool) -> std::io::Result<Self> {
        Ok(Self { signals: Signals::new()?, stdin: exit_with_stdin.then(stdin_ended) })
    }

    async fn wait(self) -> &'static str {
        let stdin = async {
            match self.stdin {
                // An error means that the thread ended, which counts as the end of standard input too.
                Some(stdin) => drop(stdin.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            why = self.signals.next() => why,
            () = stdin => "standard input ended",
        }
    }
}

/// Reads standard input to its end. It uses a separate thread, because a blocking read must not stop the program from
/// ending.
fn stdin_ended() -> oneshot::Receiver<()> {
    let (ended, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 1024];
        let mut stdin = std::io::stdin().lock();
        while matches!(stdin.read(&mut buffer), Ok(1..)) {}
        // Fails if the program is already ending.
        let _unheard = ended.send(());
    });
    wait
}
