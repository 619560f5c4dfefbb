//! An answer before it is sent, and the wire form of answers and refusals.

use super::{
    clock::http_date,
    refusal::{self, Refusal},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;

/// A finished HTTP response.
pub(crate) type Outgoing = Response<Full<Bytes>>;

/// Status, body and paging headers.
#[derive(Debug)]
pub(crate) struct Reply {
    status: StatusCode,
    content_type: Option<HeaderValue>,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Vec<u8>,
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Reply {
    /// 200 with a JSON body.
    pub(crate) fn ok(body: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 201 with a JSON body.
    pub(crate) fn created(body: &impl Serialize) -> Self {
        Self::json(StatusCode::CREATED, body)
    }

    fn json(status: StatusCode, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self { status, content_type: Some(JSON), headers: Vec::new(), body },
            Err(_) => Self::from(Refusal::Codes(StatusCode::INTERNAL_SERVER_ERROR, vec![refusal::INTERNAL])),
        }
    }

    /// Any status, any body. A content type that is not a valid header value is left out.
    pub(crate) fn raw(status: u16, content_type: Option<&str>, body: String) -> Self {
        Self {
            // A status below 200 is not a final answer.
            status: StatusCode::from_u16(status.max(200)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type: content_type.and_then(|text| text.parse().ok()),
            headers: Vec::new(),
            body: body.into_bytes(),
        }
    }

    /// 204 without a body.
    pub(crate) fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, content_type: None, headers: Vec::new(), body: Vec::new() }
    }

    /// 303: the caller goes on to this address.
    pub(crate) fn see_other(location: &str) -> Self {
        let headers = location.parse().ok().map(|location| (header::LOCATION, location));
        let status = StatusCode::SEE_OTHER;
        Self { status, content_type: None, headers: headers.into_iter().collect(), body: Vec::new() }
    }

    /// Adds the header `Allow`: the methods that the path has.
    pub(crate) fn allow(mut self, methods: &[&str]) -> Self {
        self.headers.extend(methods.join(", ").parse().ok().map(|methods| (header::ALLOW, methods)));
        self
    }

    /// Adds the header that makes the body a file of this name.
    pub(crate) fn attachment(mut self, name: &str) -> Self {
        let disposition = format!("attachment; filename=\"{name}\"").parse().ok();
        self.headers.extend(disposition.map(|disposition| (header::CONTENT_DISPOSITION, disposition)));
        self
    }

    /// Adds a header whose value is a number.
    pub(crate) fn count(mut self, name: &'static str, value: usize) -> Self {
        self.headers.push((HeaderName::from_static(name), HeaderValue::from(value)));
        self
    }

    /// The wire form, dated by the exchange's clock.
    pub(crate) fn into_response(self, now_ms: i64) -> Outgoing {
        let mut response = Response::new(Full::new(Bytes::from(self.body)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if let Ok(date) = http_date(now_ms).parse() {
            headers.insert(header::DATE, date);
        }
        if let Some(content_type) = self.content_type {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Codes(status, errors) => Self::json(status, &serde_json::json!({ "errors": errors })),
            Refusal::Text(status, errors) => Self::json(status, &serde_json::json!({ "errors": errors })),
            Refusal::Sentence(status, error) => Self::json(status, &serde_json::json!({ "error": error })),
            Refusal::Method(methods) => {
                let refusal = Refusal::Text(StatusCode::METHOD_NOT_ALLOWED, refusal::METHOD_NOT_ALLOWED);
                Self::from(refusal).allow(&methods)
            }
            Refusal::Plain(status, text) => {
                Self { status, content_type: None, headers: Vec::new(), body: text.into() }
            }
        }
    }
}
