//! The checks. Each returns a list of findings; [`assert_no_findings`](crate::assert_no_findings) fails the test.

mod answer;
mod calls;
mod frames;
mod handshake;
mod request;
mod response;
mod sensitive;
mod streams;
mod upkeep;

pub use answer::{answer, answers, codes, statuses};
pub use calls::{Who, calls, described, only, paged, same_key};
pub use frames::{SentFrame, confirmed, frames};
pub use handshake::{handshake, servers};
pub use request::{Sent, older_request, part_of, request, request_fixture, request_form};
pub use response::{event, response, webhook};
pub use sensitive::{hidden, request_hidden, secrets, unrecorded};
pub use streams::{Heard, Named, Topics, streams};
pub use upkeep::{Covered, covered, fixtures};

use crate::{Fault, Finding, Operation, SPEC_FILE, Spec};

/// The operation, or a finding if there is none.
fn operation<'a>(spec: &'a Spec, call: &str) -> Result<&'a Operation, Vec<Finding>> {
    spec.operation(call).ok_or_else(|| {
        vec![Finding::new(
            Fault::NotInSpec,
            call,
            "the spec has no operation of this id",
            format!("add an entry with operationId: {call} to {SPEC_FILE}, or fix the id in the test"),
        )]
    })
}
