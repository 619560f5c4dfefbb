//! The events that the exchange sends to a merchant's server: `webhooks` of the specification.

use serde_norway::Value;

/// An event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) tag: String,
    pub(crate) name: String,
    pub(crate) section: String,
    /// The schema of its payload.
    pub(crate) payload: String,
    pub(crate) sdk: String,
    pub(crate) since: String,
}

/// The events of the specification, in its order.
pub(crate) fn events(spec: &Value) -> Result<Vec<Event>, String> {
    let webhooks = spec.get("webhooks").and_then(Value::as_mapping).into_iter().flatten();
    webhooks.map(|(name, item)| Event::read(name.as_str().unwrap_or_default(), item)).collect()
}

impl Event {
    fn read(name: &str, item: &Value) -> Result<Self, String> {
        let node = item.get("post").ok_or_else(|| format!("the webhook {name} has no post"))?;
        let given = |key: &str, found: Option<&Value>| {
            let found = found.and_then(Value::as_str).map(str::to_owned);
            found.ok_or_else(|| format!("the webhook {name}: {key} is missing"))
        };
        let text = |key: &str| given(key, node.get(key));
        let body = node.get("requestBody").and_then(|body| body.get("content")?.get("application/json"));
        let schema = body.and_then(|body| body.get("schema")?.get("$ref"));
        let payload = given("a $ref in its body", schema)?;
        Ok(Self {
            tag: given("tags", node.get("tags").and_then(|tags| tags.get(0)))?,
            name: name.to_owned(),
            section: text("x-section")?,
            payload: payload.rsplit('/').next().unwrap_or_default().to_owned(),
            sdk: text("x-sdk")?,
            since: text("x-since")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_event_is_named() {
        let good = "webhooks:\n  row.moved:\n    post:\n      tags: [Events]\n      x-sdk: Event::Moved\n      \
                    x-section: Moved row\n      x-since: 0.2.0\n      \
                    requestBody: { content: { application/json: { schema: { $ref: '#/components/schemas/Moved' } } } }\n";
        let read = |text: &str| events(&serde_norway::from_str(text).unwrap());
        let event = read(good).unwrap().remove(0);
        assert_eq!((event.name.as_str(), event.payload.as_str()), ("row.moved", "Moved"));
        for (old, new, word) in [
            ("post:", "put:", "post"),
            ("x-sdk", "x-skd", "x-sdk"),
            ("{ $ref: '#/components/schemas/Moved' }", "{}", "$ref"),
        ] {
            let error = read(&good.replace(old, new)).unwrap_err();
            assert!(error.contains(word) && error.contains("row.moved"), "{error}");
        }
    }
}
