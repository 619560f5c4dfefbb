//! The key of an event, by which a repeated one is recognised.

use capecrypto_models::{DepositEventKind, DepositId, Malformed, WebhookEvent};
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::{fmt, fmt::Write as _, str::FromStr};

const MATCHED: &str = "payment_reference.deposit_matched";
const COMPLETED: &str = "payment_reference.completed";
const FAILED: &str = "payment_reference.failed";

/// Longest part of a key that is written out, in characters after escaping. A longer one is replaced by its SHA-256.
const LONGEST_PART: usize = 96;

/// Longest key: four parts of that length, and what is between them.
const LONGEST: usize = 4 * LONGEST_PART + 3;

/// Names an event by what it says, so that the same one is known again: the exchange's deliveries have no number of their own.
///
/// It holds no secret. Two deliveries of one event have the same key, also if their bodies differ in other fields, for example
/// in the time.
///
/// | Event | Text of its key |
/// | --- | --- |
/// | `payment_reference.deposit_matched`, `completed`, `failed` | `event/reference/deposit` |
/// | `payment_reference.duplicate_deposit` | `event/reference/further deposit/count` |
/// | `deposit.…` with the deposit's number (`deposit_id`, otherwise `id`) | `event/deposit` |
/// | `deposit.…` without it, and every unknown event | `event/sha256:…` of the body without white space around it |
///
/// In a part, everything but `A-Z a-z 0-9 . _ -` is written as `%` and two hex digits for each byte of its UTF-8. A part with
/// more than 96 characters is replaced by `sha256:` and the lower-case hex of its SHA-256. So different events have different
/// texts, and a text has at most 387 characters. The text stays the same in later versions: stores may keep it.
///
/// ```
/// use capecrypto_models::DepositId;
/// use capecrypto_webhook::EventKey;
/// let key = EventKey::completed("PAY-ABC123", DepositId::new(456));
/// assert_eq!(key.as_str(), "payment_reference.completed/PAY-ABC123/456");
/// assert_eq!(key.as_str().parse(), Ok(key));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey(Box<str>);

impl EventKey {
    /// The key of an event.
    pub fn of(event: &WebhookEvent) -> Self {
        match event {
            WebhookEvent::DepositMatched(matched) => {
                Self::deposit_matched(&matched.reference, matched.deposit_id)
            }
            WebhookEvent::Completed(completed) => Self::completed(&completed.reference, completed.deposit_id),
            WebhookEvent::Failed(failed) => Self::failed(&failed.reference, failed.deposit_id),
            WebhookEvent::DuplicateDeposit(further) => Self::join(&[
                event.name(),
                &further.reference,
                &further.duplicate_deposit_id.to_string(),
                &further.duplicate_count.to_string(),
            ]),
            WebhookEvent::Deposit(deposit) => match deposit_of(deposit.json()) {
                Some(id) => Self::deposit(deposit.kind(), id),
                None => Self::of_body(event.name(), deposit.json()),
            },
            WebhookEvent::Unknown(unknown) => Self::of_body(unknown.name(), unknown.json()),
            // The enum may grow in another version of its crate; its events are recognised by their whole text too.
            other => Self::of_body(other.name(), &serde_json::to_string(other).unwrap_or_default()),
        }
    }

    /// The key of `payment_reference.deposit_matched`, for a program that learned of it without a webhook.
    pub fn deposit_matched(reference: &str, deposit: DepositId) -> Self {
        Self::join(&[MATCHED, reference, &deposit.to_string()])
    }

    /// The key of `payment_reference.completed`, for a program that learned of it without a webhook.
    pub fn completed(reference: &str, deposit: DepositId) -> Self {
        Self::join(&[COMPLETED, reference, &deposit.to_string()])
    }

    /// The key of `payment_reference.failed`, for a program that learned of it without a webhook.
    pub fn failed(reference: &str, deposit: DepositId) -> Self {
        Self::join(&[FAILED, reference, &deposit.to_string()])
    }

    /// The key of an event of a deposit, for a program that learned of it without a webhook.
    pub fn deposit(kind: DepositEventKind, deposit: DepositId) -> Self {
        Self::join(&[kind.name(), &deposit.to_string()])
    }

    /// The key of an event of another sender: the name of the event, which no event of the exchange has, and up to three parts that tell it
    /// from all others of this name. What comes behind the third part is replaced, together with that part, by one digest.
    ///
    /// ```
    /// use capecrypto_webhook::EventKey;
    /// let key = EventKey::other("other.transfer", &["4c416854", "SUCCESS"]);
    /// assert_eq!(key.as_str(), "other.transfer/4c416854/SUCCESS");
    /// ```
    pub fn other(event: &str, parts: &[&str]) -> Self {
        let few = |last: &[&str]| {
            let all: Vec<&str> = std::iter::once(event).chain(last.iter().copied()).collect();
            Self::join(&all)
        };
        match parts {
            [] => few(&[""]),
            [first, second, rest @ ..] if rest.len() > 1 => {
                // Each part with its length, so that different parts have different texts.
                let rest: String = rest.iter().map(|part| format!("{}:{part}", part.len())).collect();
                let mut digest = String::new();
                push_digest(&mut digest, &rest);
                few(&[first, second, &digest])
            }
            all => few(all),
        }
    }

    /// The name of its event, such as `payment_reference.completed`. A name that no event has may be escaped.
    pub fn event(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// Its text, for a store.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of_body(name: &str, json: &str) -> Self {
        let mut key = Self::join(&[name]).0.into_string();
        key.push('/');
        push_digest(&mut key, json);
        Self(key.into())
    }

    fn join(parts: &[&str]) -> Self {
        let mut key = String::with_capacity(64);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                key.push('/');
            }
            let start = key.len();
            // A part of this many bytes is too long however it is escaped.
            if part.len() <= LONGEST_PART {
                push_escaped(&mut key, part);
            }
            if part.len() > LONGEST_PART || key.len() - start > LONGEST_PART {
                key.truncate(start);
                push_digest(&mut key, part);
            }
        }
        Self(key.into())
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

fn push_escaped(key: &mut String, part: &str) {
    for byte in part.bytes() {
        if is_plain(byte) {
            key.push(char::from(byte));
        } else {
            // Writing to a `String` does not fail.
            let _ = write!(key, "%{byte:02X}");
        }
    }
}

fn push_digest(key: &mut String, text: &str) {
    key.push_str("sha256:");
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(key, "{byte:02x}");
    }
}

/// The deposit's number in an event whose fields no document describes.
fn deposit_of(json: &str) -> Option<DepositId> {
    // The values are kept raw, because one that is not a number is not an error here.
    #[derive(Deserialize)]
    struct Fields<'a> {
        #[serde(borrow, default)]
        deposit_id: Option<&'a RawValue>,
        #[serde(borrow, default)]
        id: Option<&'a RawValue>,
    }
    let fields: Fields<'_> = serde_json::from_str(json).ok()?;
    let number = |raw: &RawValue| serde_json::from_str(raw.get()).ok();
    fields.deposit_id.and_then(number).or_else(|| fields.id.and_then(number))
}

impl fmt::Display for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventKey({})", self.0)
    }
}

impl FromStr for EventKey {
    type Err = Malformed;

    /// Reads a key that a store has kept.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let known = |byte| is_plain(byte) || matches!(byte, b'/' | b'%' | b':');
        if text.contains('/') && text.len() <= LONGEST && text.bytes().all(known) {
            Ok(Self(text.into()))
        } else {
            Err(Malformed::new(
                "it is not the key of an event",
                "give the text of `EventKey::as_str`, unchanged",
            ))
        }
    }
}
