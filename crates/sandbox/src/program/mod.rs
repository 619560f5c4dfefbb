//! What the program `capecrypto-sandbox` does besides running an exchange. Only its own main file uses this: it is no interface, and
//! may change with every version.

mod arguments;
mod listen;
mod samples;
mod trigger;

use self::{listen::Listen, trigger::Trigger};
use std::process::ExitCode;

/// A subcommand, ready to run.
#[derive(Debug)]
pub enum Tool {
    /// Sends one event.
    Trigger(Trigger),
    /// Shows the deliveries of a running sandbox, and forwards them.
    Listen(Listen),
}

/// What the arguments of a subcommand ask for.
#[derive(Debug)]
pub enum Asked {
    /// To print this help.
    Help(&'static str),
    /// To run it.
    Run(Tool),
    /// Something that it does not understand: the problem, and the help.
    Wrong(String, &'static str),
}

impl Tool {
    /// Reads the arguments behind the name of a subcommand. `None` if there is no subcommand with this name.
    pub fn read(name: &str, arguments: impl Iterator<Item = String>) -> Option<Asked> {
        let (read, usage) = match name {
            "trigger" => (Trigger::read(arguments).map(|found| found.map(Self::Trigger)), trigger::USAGE),
            "listen" => (Listen::read(arguments).map(|found| found.map(Self::Listen)), listen::USAGE),
            _ => return None,
        };
        Some(match read {
            Ok(Some(tool)) => Asked::Run(tool),
            Ok(None) => Asked::Help(usage),
            Err(problem) => Asked::Wrong(problem, usage),
        })
    }

    /// Whether it ends when standard input ends.
    #[must_use]
    pub fn exits_with_stdin(&self) -> bool {
        matches!(self, Self::Listen(listen) if listen.exit_with_stdin)
    }

    /// The exit code if it is interrupted.
    #[must_use]
    pub fn interrupted(&self) -> ExitCode {
        match self {
            Self::Trigger(_) => ExitCode::FAILURE,
            Self::Listen(_) => ExitCode::SUCCESS,
        }
    }

    /// Does its work, and tells the user on standard output and standard error.
    pub async fn run(&self) -> ExitCode {
        match self {
            Self::Trigger(trigger) => trigger.run().await,
            Self::Listen(listen) => listen.run().await,
        }
    }
}
