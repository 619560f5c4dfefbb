//! Documents for the verification of customers (documents: "Customers Management").

use crate::VERIFICATION;
use capecrypto_models::{Arg, Date, DocumentType, Sensitive, Uid, Upload};
use capecrypto_rest::{Checks, Nothing, endpoints, request};

endpoints! { VERIFICATION signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/customers/documents" UploadCustomerDocument -> Nothing, multipart checked unreviewed("the answer has no body");
}

const MIB: u64 = 1024 * 1024;
/// Media types of the file formats that the documents name: JPG, PNG, PDF.
const TYPES: [&str; 3] = ["image/jpeg", "image/png", "application/pdf"];

request! {
    /// Uploads a document of a customer (documents: "Upload Individual Customer Documents", "Upload Business Customer
    /// Documents"). One document per call; it is sent at most once.
    ///
    /// The customer is sent in the field `uid`, as the documents of 2026-04 say; in the older version in `customer_uid`.
    pub struct UploadCustomerDocument {
        upload: SizedUpload,
        kind as "doc_type": DocumentType,
        customer as "uid" or "customer_uid": Arg<Uid>,
    }
    optional {
        /// Number of an identity document. Never printed.
        doc_number: Sensitive<String>,
        /// Date until which an identity document is valid.
        doc_expire: Arg<Date>,
    }
}

/// A file, with the largest size in bytes that the exchange accepts for it.
#[derive(Debug, Clone)]
struct SizedUpload {
    file: Upload,
    most: u64,
}

impl capecrypto_models::param::Param for SizedUpload {
    fn write(&self, place: &mut dyn capecrypto_models::param::Place) {
        place.file(&self.file);
    }
}

impl UploadCustomerDocument {
    /// A document of a person: at most 4 MiB.
    pub fn individual(customer: impl Into<Arg<Uid>>, kind: impl Into<DocumentType>, upload: Upload) -> Self {
        Self::with(SizedUpload { file: upload, most: 4 * MIB }, kind.into(), customer.into())
    }

    /// A document of a business. The documents name both 4 MB and 10 MB: a file above 10 MiB is refused here, and one
    /// above 4 MiB is sent with a warning.
    pub fn business(customer: impl Into<Arg<Uid>>, kind: impl Into<DocumentType>, upload: Upload) -> Self {
        Self::with(SizedUpload { file: upload, most: 10 * MIB }, kind.into(), customer.into())
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        let SizedUpload { file, most } = &self.upload;
        let size = file.length();
        if size == 0 {
            checks.refuse("upload", "the file is empty", "give the document's image or PDF");
        } else if size > *most {
            let why = format!("the file has {size} bytes, and the exchange takes {most} at most");
            checks.refuse("upload", why, "scan it with a lower resolution");
        } else if size > 4 * MIB {
            let why = format!("the file has {size} bytes; in one place the documents say 4 MB at most");
            checks.warn("upload", why, "scan it with a lower resolution if the exchange refuses it");
        }
        if !TYPES.contains(&file.content_type()) {
            let why = format!("{} is not one of the types that the documents name", file.content_type());
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
            Self::individual(seed.customer, "Selfie", upload())
        }
    }
}
