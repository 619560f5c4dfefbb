//! Documents for the verification of customers (documents: "Customers Management").

use crate::VERIFICATION;
use capecrypto_models::{Arg, Date, DocumentType, Sensitive, Uid, Upload};
use capecrypto_rest::{Checks, Nothing, endpoints, request};

endpoints! { VERIFICATION signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/customers/documents" UploadCustomerDocument -> Nothing, multipart checked unreviewed("the answer names nothing");
}

const MIB: usize = 1024 * 1024;
/// Media types of what the documents name: JPG, PNG, PDF.
const TYPES: [&str; 3] = ["image/jpeg", "image/png", "application/pdf"];

request! {
    /// Sends a document of a customer (documents: "Upload Individual Customer Documents", "Upload Business Customer
    /// Documents"). One document a call; it is sent at most once.
    ///
    /// The customer stands in the field `uid`, as the text of 2026-04 has it; in the older version in `customer_uid`.
    pub struct UploadCustomerDocument {
        upload: SizedUpload,
        kind as "doc_type": DocumentType,
        customer as "uid" or "customer_uid": Arg<Uid>,
    }
    optional {
        /// Number of an identity document. Never shown.
        doc_number: Sensitive<String>,
        /// Until when an identity document is valid.
        doc_expire: Arg<Date>,
    }
}

/// A file with the most bytes that the exchange takes of its kind.
#[derive(Debug, Clone)]
struct SizedUpload {
    file: Upload,
    most: usize,
}

impl capecrypto_models::param::Param for SizedUpload {
    fn write(&self, place: &mut dyn capecrypto_models::param::Place) {
        place.file(&self.file);
    }
}

impl UploadCustomerDocument {
    /// Of a person: at most 4 MiB.
    pub fn individual(customer: impl Into<Arg<Uid>>, kind: impl Into<DocumentType>, upload: Upload) -> Self {
        Self::with(SizedUpload { file: upload, most: 4 * MIB }, kind.into(), customer.into())
    }

    /// Of a business. The documents name 4 MB and 10 MB: above 10 MiB it is refused, above 4 MiB there is a warning.
    pub fn business(customer: impl Into<Arg<Uid>>, kind: impl Into<DocumentType>, upload: Upload) -> Self {
        Self::with(SizedUpload { file: upload, most: 10 * MIB }, kind.into(), customer.into())
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        let SizedUpload { file, most } = &self.upload;
        let size = file.content().len();
        if size == 0 {
            checks.refuse("upload", "the file is empty", "give the document's image or PDF");
        } else if size > *most {
            let why = format!("the file has {size} bytes, and the exchange takes {most}");
            checks.refuse("upload", why, "scan it with a lower resolution");
        } else if size > 4 * MIB {
            let why = format!("the file has {size} bytes; in one place the documents say 4 MB at most");
            checks.warn("upload", why, "scan it with a lower resolution where it is refused");
        }
        if !TYPES.contains(&file.content_type()) {
            let why = format!("{} is none of the types that the documents name", file.content_type());
            checks.warn("upload", why, "give image/jpeg, image/png or application/pdf");
        }
    }
}

#[cfg(test)]
mod samples {
    use super::*;
    use capecrypto_probe::{Samples, Seed};

    fn upload() -> Upload {
        Upload::new("passport.jpg", "image/jpeg", [0xff, 0xd8, 0xff])
    }

    impl Samples for UploadCustomerDocument {
        fn smallest() -> Self {
            Self::individual("CCT1234567", "Passport", upload())
        }
        fn fullest() -> Self {
            Self::smallest().doc_number(Sensitive::new("M12345678".to_owned())).doc_expire("2028-12-31")
        }
        fn answered(seed: &Seed) -> Self {
            Self::individual(seed.customer, "Passport", upload())
        }
    }
}
