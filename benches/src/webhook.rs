//! Measures the check of a webhook's signature.

use crate::measure::{Bar, Candidate, Clock, Plan, compare, report};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use capecrypto_webhook::{Verifier, testing};
use ring::hmac;
use std::hint::black_box;

const PLAN: Plan = Plan { rounds: 101, calls: 10_000 };
const SECRET: &str = "a_secret_of_32_letters_and_digits";
const BODY: usize = 1024;

const BARS: &[Bar] = &[Bar { candidate: "Verifier::authenticate", clock: Clock::Wall, at_most: 1.3 }];

pub fn run() -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let verifier = Verifier::hmac("only", SECRET).expect("a valid secret");
    let body = body();
    let tag = hmac::sign(&key, body.as_bytes());
    let header = STANDARD.encode(tag.as_ref());
    let values = || [header.as_bytes()];
    assert!(verifier.verify_values(values(), body.as_bytes()).is_ok(), "both sign alike");

    let check = [
        Candidate {
            name: "ring's HMAC",
            run: repeat(|| {
                black_box(hmac::sign(&key, black_box(body.as_bytes())));
            }),
        },
        Candidate {
            name: "ring's check, decoded tag",
            run: repeat(|| {
                black_box(hmac::verify(&key, black_box(body.as_bytes()), tag.as_ref())).expect("it fits");
            }),
        },
        Candidate {
            name: "Verifier::authenticate",
            run: repeat(|| {
                black_box(verifier.authenticate(values(), black_box(body.as_bytes()))).expect("it fits");
            }),
        },
        Candidate {
            name: "Verifier::verify_values",
            run: repeat(|| {
                black_box(verifier.verify_values(values(), black_box(body.as_bytes()))).expect("it fits");
            }),
        },
    ];
    report("webhook: a delivery of 1 KiB", &compare(PLAN, check), BARS)
}

/// An event of exactly this many bytes.
fn body() -> String {
    let fill = |length| testing::completed().with("note", "x".repeat(length)).body();
    fill(BODY - fill(0).len())
}

fn repeat<'a>(mut work: impl FnMut() + 'a) -> Box<dyn FnMut(u32) + 'a> {
    Box::new(move |calls| (0..calls).for_each(|_| work()))
}
