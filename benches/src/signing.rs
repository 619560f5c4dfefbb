//! Measures the signature of one request.

use crate::{
    by_hand::{self, KEY, SECRET, Signer},
    measure::{Bar, Candidate, Clock, Plan, compare, report},
};
use capecrypto_auth::{CapeSigner, Sign, ToSign};
use std::hint::black_box;

const PLAN: Plan = Plan { rounds: 101, calls: 20_000 };
const NONCE: u64 = 1_700_000_000_000;

const SIGNATURE: &[Bar] = &[Bar { candidate: "CapeSigner::signature", clock: Clock::Wall, at_most: 1.2 }];
const HEADERS: &[Bar] = &[Bar { candidate: "Sign::sign", clock: Clock::Wall, at_most: 1.2 }];

pub fn run() -> bool {
    let (ours, theirs) = (CapeSigner::new(&by_hand::credentials()), Signer::new(KEY, SECRET));
    assert_eq!(ours.signature(NONCE), theirs.signature(NONCE), "both sign alike");

    let signature = [
        Candidate {
            name: "HMAC by hand",
            run: repeat(|nonce| {
                black_box(theirs.signature(nonce));
            }),
        },
        Candidate {
            name: "CapeSigner::signature",
            run: repeat(|nonce| {
                black_box(ours.signature(nonce));
            }),
        },
    ];
    let signature = compare(PLAN, signature);

    let headers = [
        Candidate {
            name: "three headers by hand",
            run: repeat(|nonce| {
                black_box(theirs.headers(nonce));
            }),
        },
        Candidate {
            name: "Sign::sign",
            run: repeat(|nonce| {
                black_box(ours.sign(&ToSign {
                    nonce,
                    unix_millis: nonce,
                    method: "GET",
                    path_and_query: "/api/v2/atlas/account/balances/zar",
                    body: &[],
                    acting_as: None,
                }));
            }),
        },
    ];
    let headers = compare(PLAN, headers);

    let signature = report("signing: the signature", &signature, SIGNATURE);
    report("signing: the headers of a request", &headers, HEADERS) & signature
}

fn repeat<'a>(mut work: impl FnMut(u64) + 'a) -> Box<dyn FnMut(u32) + 'a> {
    Box::new(move |calls| (NONCE..).take(calls as usize).for_each(|nonce| work(black_box(nonce))))
}
