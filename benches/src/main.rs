//! Measures the SDK side by side with the same work written by hand. See README.md.

mod by_hand;
mod measure;
mod rest;
mod sandbox_frames;
mod sandbox_open;
mod sandbox_page;
mod signing;

use std::process::ExitCode;

const USAGE: &str = "\
capecrypto-bench TOPIC [--strict]

  signing        one request's signature
  rest           calls over loopback against bare reqwest, by CPU time
  instructions   the same, in counted instructions; needs valgrind, takes minutes
  sandbox-frames the CPU time of a websocket frame in the sandbox
  sandbox-page   a page of an account with 100,000 orders in the sandbox
  sandbox-open   starting a sandbox with 1,000 markets
  all            all of these but `instructions`

  calls get|post|list reqwest|reqwest-with-deadlines|sdk COUNT
                 makes calls and prints nothing: for callgrind

--strict: exit with 1 if a result is above its bar";

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let before = arguments.len();
    arguments.retain(|argument| argument != "--strict");
    let strict = arguments.len() < before;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let all_ok = match *arguments {
        ["signing"] => signing::run(),
        ["rest"] => rest::run(),
        ["instructions"] => rest::instructions(),
        ["sandbox-frames"] => sandbox_frames::run(),
        ["sandbox-page"] => sandbox_page::run(),
        ["sandbox-open"] => sandbox_open::run(),
        ["all"] => {
            [signing::run(), rest::run(), sandbox_page::run(), sandbox_open::run(), sandbox_frames::run()]
                .into_iter()
                .all(|ok| ok)
        }
        ["calls", call, who, count] => {
            match count.parse().ok().and_then(|count| rest::calls(call, who, count)) {
                Some(()) => true,
                None => return usage(),
            }
        }
        // Only this program starts itself with this argument.
        ["serve"] => {
            rest::serve();
            true
        }
        _ => return usage(),
    };
    if all_ok || !strict { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}
