//! Checks how a client connects to the websocket: server, path, query and headers.

use crate::{Fault, Finding, STREAMS_FILE, Streams};

/// Compares where environments have the websocket with the description: for each its id, its host and its path.
pub fn servers<'a>(
    streams: &Streams,
    place: &str,
    have: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
) -> Vec<Finding> {
    let have: Vec<_> = have.into_iter().collect();
    let known: Vec<_> =
        streams.servers.iter().map(|s| (s.id.as_str(), s.host.as_str(), s.path.as_str())).collect();
    let finding = |fault, server: &(&str, &str, &str), problem: &str| {
        let (id, host, path) = server;
        let remedy = format!("correct {place}, or the servers of {STREAMS_FILE}");
        Finding::new(fault, format!("server {id}"), format!("{problem}: {host}{path}"), remedy)
    };
    let strange = have.iter().filter(|server| !known.contains(server));
    let missing = known.iter().filter(|server| !have.contains(server));
    strange
        .map(|server| finding(Fault::NotInSpec, server, "the client connects where the file has no server"))
        .chain(
            missing.map(|s| finding(Fault::NotInCode, s, "the client does not connect to the file's server")),
        )
        .collect()
}

/// Checks a client's handshake to a server of the description: path, query, headers. `target` is the path with the query;
/// `headers` are the names of all headers.
pub fn handshake<'a>(
    streams: &Streams,
    server: &str,
    connection: &str,
    target: &str,
    headers: impl IntoIterator<Item = &'a str>,
) -> Vec<Finding> {
    let place = format!("handshake: {connection} of {server}");
    let mut findings = Vec::new();
    let mut report = |fault, problem: String| {
        let remedy = format!("correct the client's handshake, or the channel {connection} in {STREAMS_FILE}");
        findings.push(Finding::new(fault, place.clone(), problem, remedy));
    };
    let found = streams.servers.iter().find(|known| known.id == server).zip(streams.connection(connection));
    let Some((server, connection)) = found else {
        report(Fault::NotInSpec, "the file has no such server or no such channel".to_owned());
        return findings;
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let wanted = format!("{}{}", server.path, connection.address);
    if path != wanted {
        report(Fault::WrongTarget, format!("the path is {path}, the file has {wanted}"));
    }
    let may_be_private = !connection.headers.is_empty();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (key, name) = part.split_once('=').unwrap_or(("", part));
        match streams.topic(name) {
            _ if !connection.query.iter().any(|known| known == key) => {
                report(
                    Fault::StrangeKey,
                    format!("the query has '{part}', the file allows {:?}", connection.query),
                );
            }
            None => report(Fault::NotInSpec, format!("'{name}' is no topic of the file")),
            Some(topic) if topic.private && !may_be_private => {
                report(
                    Fault::WrongPlace,
                    format!("'{name}' is the account's, and this connection is public"),
                );
            }
            Some(_) => {}
        }
    }
    let sent: Vec<String> = headers.into_iter().map(str::to_lowercase).collect();
    let secret = streams.connections.iter().flat_map(|connection| &connection.headers);
    for header in secret {
        let needed = connection.headers.contains(header);
        match sent.contains(&header.to_lowercase()) {
            false if needed => report(Fault::MissingKey, format!("the header {header} is missing")),
            true if !needed => {
                report(Fault::StrangeKey, format!("the header {header} is sent, and not needed"));
            }
            _ => {}
        }
    }
    findings
}
