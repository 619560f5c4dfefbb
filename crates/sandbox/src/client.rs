//! A small HTTP client: one request on one connection, to this machine unless other hosts are allowed.
//!
//! 1. A host that is not allowed is refused before its name is looked up. `localhost` is, and so are the addresses of this
//!    machine.
//! 2. The address that a name leads to is checked, and the connection goes to that address, so that no name is a way around.
//! 3. No redirect is followed, and no more of an answer is read than the caller wants.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};
use tokio::net::{TcpStream, lookup_host};

/// How long a request may take by default, with its whole answer.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);
const USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("capecrypto-sandbox/", env!("CARGO_PKG_VERSION")));

/// What the client may do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits<'a> {
    /// Hosts that are allowed in addition to this machine: names or addresses.
    pub(crate) hosts: &'a [String],
    /// How many bytes of the answer's body are read; the rest is not.
    pub(crate) most: usize,
    /// How long the request may take, with its whole answer.
    pub(crate) longest: Duration,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer. No text has the query of the URL, which may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// Nothing was sent, and nothing will be if it is tried again.
    #[error("{0}")]
    NotMade(String),
    #[error("{0}")]
    Failed(String),
}

/// Refuses a URL that nothing would be sent to.
pub(crate) fn check(url: &str, hosts: &[String]) -> Result<(), NoAnswer> {
    Target::of(url, hosts).map(|_| ())
}

/// Sends a request, and reads its answer.
pub(crate) async fn send(
    method: Method,
    url: &str,
    headers: HeaderMap,
    body: Bytes,
    limits: Limits<'_>,
) -> Result<Answer, NoAnswer> {
    let target = Target::of(url, limits.hosts)?;
    let request = target.request(method, headers, body)?;
    let work = async {
        let stream = target.connect().await?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
        // It ends when the sender is dropped. Its errors are those of the request.
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(|error| failed(&error))
    };
    let deadline = tokio::time::Instant::now() + limits.longest;
    let late = || NoAnswer::Failed(format!("no answer within {:?}", limits.longest));
    let answer = tokio::time::timeout_at(deadline, work).await.map_err(|_late| late())??;
    let (head, body) = answer.into_parts();
    // The status counts, whatever becomes of the body.
    let body = tokio::time::timeout_at(deadline, beginning(body, limits.most)).await.unwrap_or_default();
    Ok(Answer { status: head.status, body })
}

fn failed(error: &hyper::Error) -> NoAnswer {
    NoAnswer::Failed(format!("the connection broke: {error}"))
}

/// The first bytes of a body.
async fn beginning(mut body: Incoming, most: usize) -> Vec<u8> {
    let mut read = Vec::new();
    while read.len() < most {
        let Some(Ok(frame)) = body.frame().await else { break };
        if let Ok(data) = frame.into_data() {
            read.extend_from_slice(data.get(..data.len().min(most - read.len())).unwrap_or_default());
        }
    }
    read
}

/// Where a request goes.
struct Target {
    uri: Uri,
    /// Without the brackets of an IPv6 address, in lower case.
    host: String,
    port: u16,
    is_allowed_anywhere: bool,
}

impl Target {
    /// Reads a URL. Refuses it if its host is not allowed.
    fn of(url: &str, hosts: &[String]) -> Result<Self, NoAnswer> {
        let refused = |why: String| Err(NoAnswer::NotMade(why));
        let Ok(uri) = url.parse::<Uri>() else {
            return refused("this is no URL; give one like http://127.0.0.1:3000/hook".to_owned());
        };
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return refused(
                    "https needs TLS, which the sandbox does not have; give an http:// URL of this machine"
                        .to_owned(),
                );
            }
            _ => return refused("the URL must begin with http://".to_owned()),
        }
        let (Some(host), Some(authority)) = (uri.host(), uri.authority()) else {
            return refused("the URL has no host; give one like http://127.0.0.1:3000/hook".to_owned());
        };
        if authority.as_str().contains('@') {
            return refused("the URL has a user name, which is not sent; leave it out".to_owned());
        }
        let host = plain(host);
        let is_allowed_anywhere = hosts.iter().any(|allowed| plain(allowed) == host);
        let is_local = match host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        };
        if !is_local && !is_allowed_anywhere {
            return refused(format!(
                "{host} is not this machine; use 127.0.0.1 or localhost, or allow it with --webhook-host {host} \
                 (`Builder::webhook_host`)"
            ));
        }
        let port = uri.port_u16().unwrap_or(80);
        Ok(Self { uri, host, port, is_allowed_anywhere })
    }

    fn request(
        &self,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, NoAnswer> {
        let path = self.uri.path_and_query().map_or("/", |path| path.as_str());
        let host = self.uri.authority().map_or("", |authority| authority.as_str());
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, host)
            .header(header::USER_AGENT, USER_AGENT)
            .header(header::CONNECTION, "close")
            .body(Full::new(body))
            .map_err(|_| {
                NoAnswer::NotMade("the URL cannot be sent; leave out unusual characters".to_owned())
            })?;
        request.headers_mut().extend(headers);
        Ok(request)
    }

    /// Connects to the first address of the host that may be reached and accepts.
    async fn connect(&self) -> Result<TcpStream, NoAnswer> {
        let found: Vec<SocketAddr> = match lookup_host((self.host.as_str(), self.port)).await {
            Ok(found) => found.collect(),
            Err(error) => return Err(NoAnswer::Failed(format!("{} is not found: {error}", self.host))),
        };
        let is_fine = |address: &SocketAddr| self.is_allowed_anywhere || address.ip().is_loopback();
        let mut problem = NoAnswer::NotMade(format!(
            "{} leads to another machine; allow it with --webhook-host {0} (`Builder::webhook_host`)",
            self.host
        ));
        for address in found.into_iter().filter(is_fine) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => {
                    problem =
                        NoAnswer::Failed(format!("cannot connect to {}:{}: {error}", self.host, self.port));
                }
            }
        }
        Err(problem)
    }
}

/// A host in one form: without brackets, without a dot at its end, in lower case.
fn plain(host: &str) -> String {
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    inner.strip_suffix('.').unwrap_or(inner).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str, hosts: &[&str]) -> Option<String> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        match Target::of(url, &hosts) {
            Ok(_) => None,
            Err(NoAnswer::NotMade(why)) => Some(why),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn only_this_machine_is_allowed() {
        for url in [
            "http://127.0.0.1",
            "http://127.9.9.9:80/x?y",
            "http://[::1]:3000/hook",
            "http://LOCALHOST:1",
            "http://shop.localhost./x",
        ] {
            assert_eq!(refusal(url, &[]), None, "{url}");
        }
        for url in [
            "http://example.com/hook",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://169.254.169.254/x",
            "http://[::ffff:127.0.0.1]/",
            "http://[::2]",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://notlocalhost",
        ] {
            let why = refusal(url, &[]).expect(url);
            assert!(why.contains("is not this machine") && why.contains("--webhook-host"), "{url}: {why}");
        }
        for (url, problem) in [
            ("https://127.0.0.1/", "https needs TLS"),
            ("ftp://127.0.0.1/", "must begin with http://"),
            ("127.0.0.1:80", "must begin with http://"),
            ("http://127.0.0.1@example.com/", "has a user name"),
            ("http://", "no URL"),
            ("", "no URL"),
        ] {
            let why = refusal(url, &["example.com"]).expect(url);
            assert!(why.contains(problem), "{url}: {why}");
        }
    }

    #[test]
    fn other_hosts_are_allowed_by_their_names() {
        let allowed = ["Shop.example", "10.0.0.1", "::2"];
        for url in ["http://shop.EXAMPLE:8080/x", "http://10.0.0.1/", "http://[::2]/"] {
            assert_eq!(refusal(url, &allowed), None, "{url}");
        }
        assert!(refusal("http://other.example", &allowed).is_some());
        assert!(refusal("http://my.shop.example", &allowed).is_some());
    }

    #[tokio::test]
    async fn a_name_that_leads_elsewhere_is_no_way_around() {
        // The name passed the first check, and its address does not pass the second.
        let elsewhere = Target {
            uri: "http://localhost:9".parse().unwrap(),
            host: "192.0.2.1".to_owned(),
            port: 9,
            is_allowed_anywhere: false,
        };
        let why = elsewhere.connect().await.unwrap_err();
        assert!(matches!(&why, NoAnswer::NotMade(why) if why.contains("leads to another machine")), "{why}");
    }
}
