//! The checks. Each returns what it found wrong; [`assert_no_complaints`](crate::assert_no_complaints) fails a test.

mod answer;
mod calls;
mod request;
mod response;
mod upkeep;

pub use answer::{answer, codes, statuses};
pub use calls::{Who, calls, described, only, paged};
pub use request::{Sent, part_of, request, request_fixture};
pub use response::{event, response};
pub use upkeep::{Covered, covered, fixtures};

use crate::{Complaint, Fault, Operation, SPEC_FILE, Spec};

/// The operation, or the complaint that there is none.
fn operation<'a>(spec: &'a Spec, call: &str) -> Result<&'a Operation, Vec<Complaint>> {
    spec.operation(call).ok_or_else(|| {
        vec![Complaint::new(
            Fault::NotInSpec,
            call,
            "the spec has no operation of this id",
            format!("add an entry with operationId: {call} to {SPEC_FILE}, or mend the id in the test"),
        )]
    })
}
