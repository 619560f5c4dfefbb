//! Measures the SDK side by side with the same work written by hand. See README.md.

mod book;
mod by_hand;
mod counting;
mod csv;
mod live_path;
mod measure;
mod onboarding;
mod receiver;
mod rest;
mod sandbox_frames;
mod sandbox_open;
mod sandbox_page;
mod signing;
mod transactions;
mod upload;
mod webhook;

use std::process::ExitCode;

const USAGE: &str = "\
capecrypto-bench TOPIC [--strict]

  signing        one request's signature
  rest           calls over loopback against bare reqwest, by CPU time
  csv            a table of 100,000 transactions to a file, against copying its bytes
  transactions   decoding a page of 1,000 transactions
  upload         a document of 10 MiB against bare reqwest, and the memory that it needs
  onboarding     checking the form of a business with ten owners
  webhook        checking the signature of a webhook
  book           an increment of the order book, from its text to the best prices
  receiver [--write]
                 deliveries of webhooks a second, into SQLite and PostgreSQL; --write: into docs/PERFORMANCE.md
  instructions   the calls and the book in counted instructions; needs valgrind, takes minutes
  book-instructions
                 only the book
  live-path      from the socket's bytes to the best price
  sandbox-frames the CPU time of a websocket frame in the sandbox
  sandbox-page   a page of an account with 100,000 orders in the sandbox
  sandbox-open   starting a sandbox with 1,000 markets
  all            all of these but the receiver and the counted instructions

  calls get|post|list reqwest|reqwest-with-deadlines|sdk COUNT
                 makes calls and prints nothing: for callgrind
  frames LEVELS documented|flat|one-space|unknown-field|bare-numbers by-hand|unchecked|sdk COUNT
                 feeds increments to a book and prints nothing: for callgrind

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
        ["csv"] => csv::run(),
        ["transactions"] => transactions::run(),
        ["upload"] => upload::run(),
        ["onboarding"] => onboarding::run(),
        ["webhook"] => webhook::run(),
        ["receiver"] => receiver::run(false),
        ["receiver", "--write"] => receiver::run(true),
        ["receive", store] => receiver::serve(store).is_some(),
        ["book"] => book::run(),
        ["book-instructions"] => book::instructions(),
        ["instructions"] => [rest::instructions(), book::instructions()].into_iter().all(|ok| ok),
        ["live-path"] => live_path::run(),
        ["sandbox-frames"] => sandbox_frames::run(),
        ["sandbox-page"] => sandbox_page::run(),
        ["sandbox-open"] => sandbox_open::run(),
        ["all"] => {
            let topics = [
                signing::run,
                rest::run,
                csv::run,
                transactions::run,
                onboarding::run,
                upload::run,
                webhook::run,
                book::run,
                live_path::run,
                sandbox_page::run,
                sandbox_open::run,
                sandbox_frames::run,
            ];
            topics.map(|run| run()).into_iter().all(|ok| ok)
        }
        ["calls", call, who, count] => {
            match count.parse().ok().and_then(|count| rest::calls(call, who, count)) {
                Some(()) => true,
                None => return usage(),
            }
        }
        ["frames", levels, form, who, count] => {
            match count.parse().ok().and_then(|count| book::frames(levels, form, who, count)) {
                Some(()) => true,
                None => return usage(),
            }
        }
        ["live-frames", who, shape] => match live_path::pass(who, shape == "singly") {
            Some(()) => true,
            None => return usage(),
        },
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
