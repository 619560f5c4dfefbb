//! Reads the topics of `docs/api/cape.asyncapi.yaml`, for the generated tables.

use crate::workspace::root;
use serde_norway::Value;

/// The description of the websocket. It is written by hand.
pub(crate) const STREAMS: &str = "docs/api/cape.asyncapi.yaml";

/// What can be subscribed to.
pub(crate) struct Topic {
    pub(crate) address: String,
    pub(crate) section: String,
    pub(crate) sdk: String,
    pub(crate) since: String,
    /// The schemas of its payloads in the specification.
    pub(crate) payloads: Vec<String>,
    pub(crate) signed: bool,
}

/// The topics of the description, in its order.
pub(crate) fn read() -> Result<Vec<Topic>, String> {
    let text = std::fs::read_to_string(root().join(STREAMS)).map_err(|error| error.to_string())?;
    topics(&text)
}

pub(crate) fn topics(text: &str) -> Result<Vec<Topic>, String> {
    let root: Value = serde_norway::from_str(text).map_err(|error| error.to_string())?;
    let channels = root.get("channels").and_then(Value::as_mapping).into_iter().flatten();
    let mut topics = Vec::new();
    for (name, channel) in channels {
        let name = name.as_str().unwrap_or_default();
        let text = |key: &str| {
            let found = channel.get(key).and_then(Value::as_str).map(str::to_owned);
            found.ok_or_else(|| format!("the channel {name}: {key} is missing"))
        };
        let address = text("address")?;
        // The address of a connection is a path.
        if address.starts_with('/') {
            continue;
        }
        let target = format!("#/channels/{name}");
        let operations = root.get("operations").and_then(Value::as_mapping).into_iter().flatten();
        let operation = operations.map(|(_, operation)| operation).find(|operation| {
            let channel = operation.get("channel").and_then(|channel| channel.get("$ref"));
            channel.and_then(Value::as_str) == Some(&target)
        });
        let security = operation.and_then(|operation| operation.get("security")).and_then(Value::as_sequence);
        let messages = channel.get("messages").and_then(Value::as_mapping).into_iter().flatten();
        let payloads = messages.filter_map(|(_, message)| {
            let message = message.get("$ref")?.as_str()?.rsplit('/').next()?;
            payload(root.get("components")?.get("messages")?.get(message)?)
        });
        topics.push(Topic {
            section: text("x-section")?,
            sdk: text("x-sdk")?,
            since: text("x-since")?,
            payloads: payloads.collect(),
            signed: security.is_some_and(|security| !security.is_empty()),
            address,
        });
    }
    Ok(topics)
}

/// The first schema of the specification that a message refers to.
fn payload(node: &Value) -> Option<String> {
    if let Some(target) = node.get("$ref").and_then(Value::as_str) {
        return target.rsplit_once("#/components/schemas/").map(|(_, name)| name.to_owned());
    }
    node.as_mapping()?.into_iter().find_map(|(_, node)| payload(node))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r##"
channels:
  public: { address: /public }
  rows:
    address: "{market}.rows"
    x-section: Rows
    x-sdk: Event::Rows
    x-since: "0.1.0"
    messages: { all: { $ref: "#/components/messages/all" }, one: { $ref: "#/components/messages/one" } }
  own: { address: own, x-section: "-", x-sdk: Event::Own, x-since: "0.2.0" }
operations:
  send_rows: { channel: { $ref: "#/channels/rows" }, security: [] }
  send_own: { channel: { $ref: "#/channels/own" }, security: [{ $ref: "#/components/securitySchemes/signed" }] }
components:
  messages:
    all: { payload: { schema: { properties: { rows: { $ref: "./x.yaml#/components/schemas/AllRows" } } } } }
    one: { payload: { properties: { row: { $ref: "./x.yaml#/components/schemas/OneRow" } } } }
"##;

    #[test]
    fn a_topic_has_its_payloads_and_its_signature_and_a_connection_is_none() {
        let topics = topics(SMALL).unwrap();
        let rows: Vec<_> = topics.iter().map(|topic| (topic.address.as_str(), topic.signed)).collect();
        assert_eq!(rows, [("{market}.rows", false), ("own", true)]);
        assert_eq!(topics[0].payloads, ["AllRows", "OneRow"]);
    }

    #[test]
    fn an_incomplete_topic_is_named() {
        let error = topics(&SMALL.replace("    x-sdk: Event::Rows\n", "")).map(|_| ()).unwrap_err();
        assert!(error.contains("the channel rows: x-sdk"), "{error}");
    }
}
