//! The control door: does what no API call can do, for tests and for programs on this machine. Over HTTP it is JSON
//! under `/sandbox/…`; `GET /sandbox` lists its operations.

mod beneficiaries;
pub(crate) mod cabital;
mod clock;
pub(crate) mod control;
pub(crate) mod deposits;
mod faults;
mod history;
mod lightning;
mod markets;
pub(crate) mod money;
mod operation;
pub(crate) mod payments;
mod people;
mod sockets;
mod transfers;
pub(crate) mod verification;
mod vouchers;
pub(crate) mod webhooks;
mod withdrawals;

use self::{
    control::Control,
    operation::{Input, Operation},
};
use crate::{
    base::{refusal::Refusal, reply::Reply},
    host::Host,
};
use http::{StatusCode, header, request::Parts};
use std::{net::SocketAddr, sync::Arc};

/// All operations of the door.
fn operations() -> impl Iterator<Item = &'static Operation> {
    let themes = [
        money::OPERATIONS,
        deposits::OPERATIONS,
        payments::OPERATIONS,
        vouchers::OPERATIONS,
        transfers::OPERATIONS,
        lightning::OPERATIONS,
        people::OPERATIONS,
        verification::OPERATIONS,
        markets::OPERATIONS,
        beneficiaries::OPERATIONS,
        history::OPERATIONS,
        withdrawals::OPERATIONS,
        clock::OPERATIONS,
        faults::OPERATIONS,
        sockets::OPERATIONS,
        webhooks::OPERATIONS,
        cabital::OPERATIONS,
    ];
    themes.into_iter().flatten()
}

/// Refuses callers from other machines, and web pages. A browser sends the header `Origin` for a page; no page may use
/// the door, not even one of this machine.
pub(crate) fn admit(peer: SocketAddr, head: &Parts) -> Result<(), Refusal> {
    let is_page = head.headers.contains_key(header::ORIGIN);
    if peer.ip().is_loopback() && !is_page { Ok(()) } else { Err(control::loopback_only()) }
}

/// Serves one request of the door.
pub(crate) fn serve(host: &Arc<Host>, head: &Parts, body: &[u8]) -> Result<Reply, Refusal> {
    let path = head.uri.path().strip_prefix("/sandbox/").unwrap_or_default();
    if path.is_empty() {
        return Ok(Reply::ok(&operations().collect::<Vec<_>>()));
    }
    let fitting = || operations().filter_map(|operation| Some((operation, segment(operation.path, path)?)));
    if fitting().next().is_none() {
        return Err(Refusal::Plain(StatusCode::NOT_FOUND, "404 Not Found"));
    }
    let Some((operation, segment)) =
        fitting().find(|(operation, _)| head.method.as_str() == operation.method)
    else {
        return Err(Refusal::Method(fitting().map(|(operation, _)| operation.method).collect()));
    };
    let control = Control { host: Arc::clone(host) };
    Ok(Reply::ok(&(operation.run)(&control, &Input { segment, body })?))
}

/// The segment at the template's `{…}`; `None` if the path does not match the template.
fn segment<'a>(template: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, after)) = template.split_once('{') else { return (template == path).then_some("") };
    let (_, after) = after.split_once('}')?;
    let segment = path.strip_prefix(before)?.strip_suffix(after)?;
    (!segment.is_empty() && !segment.contains('/')).then_some(segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_shows_what_the_door_offers() {
        let row = |operation: &Operation| {
            let library: Vec<_> = operation.library.split(", ").map(|name| format!("`{name}`")).collect();
            format!(
                "| {} | `{} {}`: {} |\n",
                library.join(", "),
                operation.method,
                operation.path,
                operation.about
            )
        };
        let table: String = operations().map(row).collect();
        let readme = include_str!("../../README.md");
        assert!(readme.contains(&table), "the README's table differs; replace it with this one:\n{table}");
    }

    #[test]
    fn a_path_fits_its_template_alone() {
        assert_eq!(segment("ledger", "ledger"), Some(""));
        assert_eq!(
            segment("markets/{market}/restart_engine", "markets/btczar/restart_engine"),
            Some("btczar")
        );
        assert_eq!(segment("journal/{after}", "journal/12"), Some("12"));
        for path in ["", "markets/restart_engine", "markets//restart_engine", "markets/a/b/restart_engine"] {
            assert_eq!(segment("markets/{market}/restart_engine", path), None, "{path}");
        }
    }
}
