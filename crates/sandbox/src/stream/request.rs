//! Requests of a client, in the URL's query and in text frames.

use crate::base::config::Profile;

/// The streams that the query names. Nothing is percent-decoded; a query with another `?` names none.
///
/// Upstream accepts `stream=a&stream=b` and `stream=a,b`. The documents also write a bare name after `&`: upstream
/// ignores it, the profile `docs` accepts it.
pub(super) fn streams_of_query(query: Option<&str>, profile: Profile) -> Vec<String> {
    let query = query.unwrap_or_default();
    if query.contains('?') {
        return Vec::new();
    }
    query
        .split('&')
        .filter_map(|part| match part.strip_prefix("stream=") {
            Some(names) => Some(names),
            None if profile == Profile::Docs && !part.contains('=') => Some(part),
            None => None,
        })
        .flat_map(|names| names.split(','))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A text frame of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// The bare word `ping`.
    Ping,
    /// `{"event":"subscribe","streams":[…]}`.
    Subscribe(Vec<String>),
    /// `{"event":"unsubscribe","streams":[…]}`.
    Unsubscribe(Vec<String>),
}

/// Reads a frame; the error is the text of the answer.
pub(super) fn parse(frame: &str) -> Result<Request, String> {
    if frame == "ping" {
        return Ok(Request::Ping);
    }
    let whole: serde_json::Value =
        serde_json::from_str(frame).map_err(|error| format!("Could not parse message: {error}"))?;
    let serde_json::Value::Object(fields) = whole else {
        return Err("Could not parse message: not an object".to_owned());
    };
    let request: fn(Vec<String>) -> Request = match fields.get("event").and_then(|event| event.as_str()) {
        Some("subscribe") => Request::Subscribe,
        Some("unsubscribe") => Request::Unsubscribe,
        _ => return Err("Could not parse Type: Invalid event".to_owned()),
    };
    match fields.get("streams") {
        None => Err("No streams provided".to_owned()),
        Some(serde_json::Value::Array(names)) if names.is_empty() => Err("No streams provided".to_owned()),
        Some(serde_json::Value::Array(names)) => names
            .iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .map(request)
            .ok_or_else(|| "Could not parse message: a stream's name is not text".to_owned()),
        // Upstream ignores a text and confirms the unchanged subscriptions.
        Some(serde_json::Value::String(_)) => Ok(request(Vec::new())),
        // Upstream, `null` crashes the whole server; here it is an error.
        Some(_) => Err("Could not parse message: streams is not a list".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_raw_query() {
        let docs = |query| streams_of_query(Some(query), Profile::Docs);
        let legacy = |query| streams_of_query(Some(query), Profile::Legacy);
        assert_eq!(docs("stream=btczar.ob-inc&stream=order"), ["btczar.ob-inc", "order"]);
        assert_eq!(legacy("stream=a.b,c.d&cache=1&stream="), ["a.b", "c.d"]);
        assert_eq!(docs("stream=btczar.ob-inc&ethzar.ob-inc&x=1"), ["btczar.ob-inc", "ethzar.ob-inc"]);
        assert_eq!(legacy("stream=btczar.ob-inc&ethzar.ob-inc"), ["btczar.ob-inc"]);
        assert_eq!(docs("stream=btczar%2Eob-inc"), ["btczar%2Eob-inc"]);
        assert!(docs("stream=a?stream=b").is_empty());
        assert!(streams_of_query(None, Profile::Docs).is_empty());
    }

    #[test]
    fn reads_frames() {
        assert_eq!(parse("ping"), Ok(Request::Ping));
        let names = vec!["a.b".to_owned(), "order".to_owned()];
        assert_eq!(
            parse(r#"{"event":"subscribe","streams":["a.b","order"]}"#),
            Ok(Request::Subscribe(names))
        );
        assert_eq!(parse(r#"{"event":"unsubscribe","streams":"x"}"#), Ok(Request::Unsubscribe(vec![])));
        for (frame, error) in [
            (r#"{"event":"subscribe"}"#, "No streams provided"),
            (r#"{"event":"subscribe","streams":[]}"#, "No streams provided"),
            (r#"{"event":"sub","streams":["a"]}"#, "Could not parse Type: Invalid event"),
            (r#"{"streams":["a"]}"#, "Could not parse Type: Invalid event"),
            (r#"{"event":"subscribe","streams":null}"#, "Could not parse message: streams is not a list"),
            (
                r#"{"event":"subscribe","streams":[1]}"#,
                "Could not parse message: a stream's name is not text",
            ),
            ("[]", "Could not parse message: not an object"),
        ] {
            assert_eq!(parse(frame), Err(error.to_owned()), "{frame}");
        }
        assert!(parse("pong").unwrap_err().starts_with("Could not parse message: "));
        assert!(parse(&"[".repeat(500)).is_err());
    }
}
