//! Compares the SDK's calls with bare reqwest, by time and by counted instructions.

mod calls;
mod server;

use crate::measure::{self, Bar, Candidate, Clock, Plan, compare, report, verdict};
use calls::{Call, Who};

pub use server::{Server, TABLE_ROWS, serve};
use std::process::Command;
use tokio::runtime::Runtime;

struct Topic {
    call: Call,
    title: &'static str,
    plan: Plan,
    /// The highest allowed CPU time and instruction count of the SDK, in multiples of bare reqwest.
    at_most: f64,
    /// The number of calls for counting instructions.
    counted: u32,
}

const TOPICS: [Topic; 3] = [
    Topic {
        call: Call::Get,
        title: "rest: GET, one balance",
        plan: Plan { rounds: 41, calls: 500 },
        at_most: 0.95,
        counted: 500,
    },
    Topic {
        call: Call::Post,
        title: "rest: POST, create an order",
        plan: Plan { rounds: 41, calls: 500 },
        at_most: 1.00,
        counted: 500,
    },
    Topic {
        call: Call::List,
        title: "rest: GET, a list of 1,000 orders",
        plan: Plan { rounds: 41, calls: 20 },
        at_most: 1.10,
        counted: 20,
    },
];

/// Compares by time.
pub fn run() -> bool {
    let server = Server::start();
    measure::pin(0);
    let runtime = runtime();
    let mut all_ok = true;
    for topic in &TOPICS {
        let candidate = |who: Who| Candidate {
            name: who.name(),
            run: calls::caller(topic.call, who, &server.origin, &runtime),
        };
        let measured = compare(topic.plan, Who::ALL.map(candidate));
        let bar = Bar { candidate: Who::Sdk.name(), clock: Clock::Cpu, at_most: topic.at_most };
        all_ok &= report(topic.title, &measured, &[bar]);
    }
    all_ok
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Makes calls of one kind with one candidate, for callgrind.
pub fn calls(call: &str, who: &str, count: u32) -> Option<()> {
    let call = Call::ALL.into_iter().find(|known| known.name() == call)?;
    let who = Who::ALL.into_iter().find(|known| known.name() == who)?;
    let server = Server::start();
    let runtime = runtime();
    let mut caller = calls::caller(call, who, &server.origin, &runtime);
    // Connecting is not counted.
    caller(5);
    the_counted_calls(&mut *caller, count);
    Some(())
}

/// Callgrind counts only inside this function, which it finds by name.
#[inline(never)]
fn the_counted_calls(caller: &mut dyn FnMut(u32), count: u32) {
    caller(std::hint::black_box(count));
    std::hint::black_box(count);
}

/// Compares by counted instructions: runs each candidate under valgrind.
pub fn instructions() -> bool {
    let mut all_ok = true;
    for topic in &TOPICS {
        println!("\n{}, by instructions", topic.title);
        let mut base = f64::NAN;
        for who in Who::ALL {
            let Some(count) = count(topic, who) else {
                println!("  {:<28} valgrind gave no count; is it installed?", who.name());
                all_ok = false;
                continue;
            };
            let mut bar = String::new();
            match who {
                Who::Bare => base = count,
                Who::Deadlines => {}
                Who::Sdk => bar = verdict(count / base, topic.at_most, "x", &mut all_ok),
            }
            println!("  {:<28} {count:>12.0} {:>7.3}  {bar}", who.name(), count / base);
        }
    }
    all_ok
}

/// The number of instructions of one call.
fn count(topic: &Topic, who: Who) -> Option<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*the_counted_calls*"])
        .arg("--callgrind-out-file=/dev/null")
        .arg(std::env::current_exe().ok()?)
        .args(["calls", topic.call.name(), who.name(), &topic.counted.to_string()])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let (_, collected) = text.split_once("Collected :")?;
    let total: f64 = collected.split_whitespace().next()?.parse().ok()?;
    Some(total / f64::from(topic.counted))
}
