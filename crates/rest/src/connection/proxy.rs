//! The address of a proxy.

use super::without_brackets;
use crate::Error;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use capecrypto_auth::Origin;
use http::{
    HeaderValue, Uri,
    uri::{Authority, PathAndQuery},
};
use percent_encoding::percent_decode_str;
use std::{fmt, net::IpAddr};

/// A proxy that everything goes through.
#[derive(Clone)]
pub(crate) struct Proxy {
    /// Scheme, host and port.
    pub(super) address: Uri,
    /// The header with user and password.
    pub(super) credentials: Option<HeaderValue>,
}

impl Proxy {
    /// Reads a proxy's URL, and checks that the proxy can be used for this origin. The error does not quote the URL, because
    /// it may have a password.
    pub(crate) fn parse(text: &str, origin: &Origin) -> Result<Self, Error> {
        let refused = |why: &str| {
            Error::config(format!("proxy: {why}; give http://host:port or https://user:password@host:port"))
        };
        // A URI may also be a path or only a host, and what follows `#` would be left out.
        if !text.contains("://") || text.contains(":///") || text.contains('#') {
            return Err(refused("it is not a URL"));
        }
        let parts = text.parse::<Uri>().map_err(|_| refused("it is not a URL"))?.into_parts();
        let (Some(scheme), Some(whole)) = (parts.scheme, parts.authority) else {
            return Err(refused("it is not a URL"));
        };
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(refused("only http and https proxies are supported, not SOCKS"));
        }
        if parts.path_and_query.is_some_and(|rest| rest.as_str() != "/") {
            return Err(refused("it has more than scheme, user, host and port"));
        }
        let (user, address) = match whole.as_str().rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, whole.as_str()),
        };
        let authority: Authority = address.parse().map_err(|_| refused("its host cannot be used"))?;
        if authority.host().is_empty() {
            return Err(refused("it has no host"));
        }
        let after_host = address.get(authority.host().len()..).unwrap_or_default();
        if !after_host.is_empty() && authority.port_u16().is_none() {
            return Err(refused("its port is not a number from 0 to 65535"));
        }
        if origin.is_loopback() && !is_on_this_machine(authority.host()) {
            return Err(Error::config(
                "proxy: the environment is on this machine, but the proxy is not, so keys of the sandbox would leave this machine; \
                 leave the proxy out, or use another environment",
            ));
        }
        let address = Uri::builder()
            .scheme(scheme)
            .authority(authority)
            .path_and_query(PathAndQuery::from_static("/"))
            .build()
            .map_err(|_| refused("it cannot be used"))?;
        let credentials = user.map(basic).transpose().map_err(|()| refused("its user cannot be sent"))?;
        Ok(Self { address, credentials })
    }
}

fn is_on_this_machine(host: &str) -> bool {
    let address = without_brackets(host).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// The header for a user and a password in the form of a URL, where special characters are written as `%40`.
fn basic(user: &str) -> Result<HeaderValue, ()> {
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let mut plain: Vec<u8> = percent_decode_str(name).collect();
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    let mut header = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(plain))).map_err(|_| ())?;
    header.set_sensitive(true);
    Ok(header)
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(text: &str) -> Proxy {
        Proxy::parse(text, &Origin::parse("https://trade.example").unwrap()).unwrap()
    }

    #[test]
    fn user_and_password_are_sent_as_they_were_before_they_were_written_into_the_url() {
        for (url, sent) in [
            ("http://user:word@proxy.example:3128", Some("Basic dXNlcjp3b3Jk")),
            ("http://us%40er:w%3Ao%2Frd@proxy.example", Some("Basic dXNAZXI6dzpvL3Jk")),
            ("http://user@proxy.example", Some("Basic dXNlcjo=")),
            ("http://proxy.example", None),
        ] {
            let Proxy { address, credentials } = proxy(url);
            assert_eq!(credentials.as_ref().map(|header| header.to_str().unwrap()), sent, "{url}");
            assert!(credentials.is_none_or(|header| header.is_sensitive()));
            assert!(!address.to_string().contains('@'), "{url}");
        }
    }

    #[test]
    fn the_address_has_scheme_host_and_port_only() {
        for (url, address) in [
            ("http://user:word@proxy.example:3128/", "http://proxy.example:3128/"),
            ("https://proxy.example", "https://proxy.example/"),
            ("http://[::1]:9", "http://[::1]:9/"),
        ] {
            assert_eq!(proxy(url).address.to_string(), address);
        }
    }
}
