//! Documents for the verification of customers, owners and merchants (documents: "Customers Management", "Merchant
//! Management").
//!
//! A file comes from memory ([`Upload::new`]), from the disk or from a stream ([`upload`](capecrypto_rest::upload)). Before
//! anything is sent, its size and its format are checked: it must be a JPEG, a PNG or a PDF, by its first bytes, and the one
//! that it is declared as.

use crate::{VERIFICATION, lists::Holder};
use capecrypto_models::{
    Arg, Date, DocumentType, FileFormat, Sensitive, Uid, Upload,
    param::{Param, Place},
};
use capecrypto_rest::{Checks, Nothing, endpoints, request};

endpoints! { VERIFICATION signed; hints crate::hints::hint; probe capecrypto_probe::Probe;
    POST "/customers/documents" UploadCustomerDocument -> Nothing,
        multipart checked unreviewed("the answer has no body");
    POST "/ubos/documents" (or "/customers/documents") UploadUboDocument -> Nothing,
        multipart checked unreviewed("the answer has no body");
    POST "/merchants/documents" UploadMerchantDocument -> Nothing,
        multipart checked unreviewed("the answer has no body");
}

const MIB: u64 = 1024 * 1024;

request! {
    /// Uploads a document of a customer (documents: "Upload Individual Customer Documents", "Upload Business Customer
    /// Documents"). One document per call; it is sent at most once.
    ///
    /// The customer is sent in the field `uid`, as the documents of 2026-04 say; in the older version in `customer_uid`.
    pub struct UploadCustomerDocument {
        upload: Paper,
        kind as "doc_type": DocumentType,
        customer as "uid" or "customer_uid": Arg<Uid>,
    }
    optional {
        /// Number of an identity document, which a passport needs. Not for documents of a business. Never printed.
        doc_number: Sensitive<String>,
        /// Date until which an identity document is valid, which a passport and a driver's licence need. Not for documents of
        /// a business.
        doc_expire: Arg<Date>,
    }
}

request! {
    /// Uploads a document of an ultimate beneficial owner of a business, whose uid is in the answer to the creation of the
    /// business (documents: "Upload UBO Documents"). One document per call; it is sent at most once.
    ///
    /// The older version has no call for it: there it is sent as a customer's, with the owner in `customer_ubo_uid`.
    pub struct UploadUboDocument {
        upload: Paper,
        kind as "doc_type": DocumentType,
        ubo as "uid" or "customer_ubo_uid": Arg<Uid>,
    }
    optional {
        /// Number of an identity document, which a passport needs. Never printed.
        doc_number: Sensitive<String>,
        /// Date until which an identity document is valid, which a passport and a driver's licence need.
        doc_expire: Arg<Date>,
    }
}

request! {
    /// Uploads a document of a merchant, which is a business (documents: "Upload Merchant Documents"; for aggregators). One
    /// document per call; it is sent at most once. Documents of the merchant's owners are sent by [`UploadUboDocument`].
    pub struct UploadMerchantDocument {
        upload: Paper,
        kind as "doc_type": DocumentType,
        merchant as "uid": Arg<Uid>,
    }
}

/// A file, and whose it is.
#[derive(Debug, Clone)]
struct Paper {
    file: Upload,
    holder: Holder,
}

impl Param for Paper {
    fn write(&self, place: &mut dyn Place) {
        self.file.write(place);
    }
}

impl UploadCustomerDocument {
    /// A document of a person: at most 4 MiB.
    pub fn individual(customer: impl Into<Arg<Uid>>, kind: impl Into<DocumentType>, upload: Upload) -> Self {
        Self::with(Paper { file: upload, holder: Holder::Person }, kind.into(), customer.into())
    }

    /// A document of a business. The documents name both 4 MB and 10 MB: a file above 10 MiB is refused here, and one
    /// above 4 MiB is sent with a warning.
    pub fn business(customer: impl Into<Arg<Uid>>, kind: impl Into<DocumentType>, upload: Upload) -> Self {
        Self::with(Paper { file: upload, holder: Holder::Business }, kind.into(), customer.into())
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        let Self { upload, kind, doc_number, doc_expire, .. } = self;
        check(upload, kind, doc_number.as_ref(), doc_expire.as_ref(), checks);
    }
}

impl UploadUboDocument {
    /// A document of an owner, of the size of a [business's](UploadCustomerDocument::business).
    pub fn new(ubo: impl Into<Arg<Uid>>, kind: impl Into<DocumentType>, upload: Upload) -> Self {
        Self::with(Paper { file: upload, holder: Holder::Ubo }, kind.into(), ubo.into())
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        let Self { upload, kind, doc_number, doc_expire, .. } = self;
        check(upload, kind, doc_number.as_ref(), doc_expire.as_ref(), checks);
    }
}

impl UploadMerchantDocument {
    /// A document of a merchant, of the size of a [business's](UploadCustomerDocument::business).
    pub fn new(merchant: impl Into<Arg<Uid>>, kind: impl Into<DocumentType>, upload: Upload) -> Self {
        Self::with(Paper { file: upload, holder: Holder::Business }, kind.into(), merchant.into())
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        check(&self.upload, &self.kind, None, None, checks);
    }
}

/// Checks what stands in a form for a document.
fn check(
    Paper { file, holder }: &Paper,
    kind: &DocumentType,
    number: Option<&Sensitive<String>>,
    expire: Option<&Arg<Date>>,
    checks: &mut Checks<'_>,
) {
    let holder = *holder;
    if check_size(file, holder, checks) {
        check_format(file, checks);
    }
    let rule = holder.document(kind);
    if rule.is_none() && kind.is_known() {
        let why = format!("the documents do not list '{kind}' for {holder}");
        let known: Vec<_> = holder.documents().map(|rule| rule.name).collect();
        checks.warn("doc_type", why, format!("listed are {}", known.join(", ")));
    }
    let number = number.filter(|number| !number.expose().is_empty());
    for (name, is_given, is_needed) in [
        ("doc_number", number.is_some(), rule.is_some_and(|rule| rule.has_number)),
        ("doc_expire", expire.is_some(), rule.is_some_and(|rule| rule.has_expiry)),
    ] {
        if is_needed && !is_given {
            checks.warn(name, format!("the documents of 2026-04 require it for '{kind}'"), "set it");
        } else if is_given && holder == Holder::Business {
            checks.warn(name, "a document of a business has none", "leave it out");
        }
    }
    if let (Some(until), Some(now)) = (expire.and_then(|expire| expire.value().ok()), checks.now())
        && Date::of(now).is_ok_and(|today| *until < today)
    {
        checks.warn("doc_expire", format!("the paper was valid until {until} only"), "send a valid one");
    }
}

/// Whether the file has a size that the exchange takes.
fn check_size(file: &Upload, holder: Holder, checks: &mut Checks<'_>) -> bool {
    let size = file.length();
    let most = if holder == Holder::Person { 4 * MIB } else { 10 * MIB };
    if size == 0 {
        checks.refuse("upload", "the file is empty", "give the document's image or PDF");
    } else if size > most {
        let why = format!("the file has {size} bytes, and the exchange takes {most} at most");
        checks.refuse("upload", why, "scan it with a lower resolution");
    } else if size > 4 * MIB {
        let why = format!("the file has {size} bytes; in one place the documents say 4 MB at most");
        checks.warn("upload", why, "scan it with a lower resolution if the exchange refuses it");
    }
    (1..=most).contains(&size)
}

/// Compares a file's declared type and its name with its first bytes.
fn check_format(file: &Upload, checks: &mut Checks<'_>) {
    let content = FileFormat::of_content(file.head());
    let declared = file.content_type();
    match (FileFormat::of_media_type(declared), content) {
        (Some(format), Some(content)) if format != content => {
            let why =
                format!("the file is declared as {declared}, but its first bytes are those of a {content}");
            checks.refuse("upload", why, format!("declare it as {}", content.media_type()));
            return;
        }
        (Some(format), None) => {
            let why = format!(
                "the file is declared as {declared}, but its first bytes are not those of a {format}"
            );
            checks.refuse("upload", why, "give a JPEG, a PNG or a PDF");
            return;
        }
        (Some(_), Some(_)) => {}
        (None, content) => {
            let why = format!("{declared} is not one of the types that the documents name");
            let remedy = match content {
                Some(content) => format!("declare it as {}, which it is", content.media_type()),
                None => "give image/jpeg, image/png or application/pdf".to_owned(),
            };
            checks.warn("upload", why, remedy);
        }
    }
    if let (Some(name), Some(content)) = (FileFormat::of_name(file.name()), content)
        && name != content
    {
        let why = format!("the file's name is that of a {name}, but it is a {content}");
        checks.warn("upload", why, "give it a name with the right end");
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

    impl Samples for UploadUboDocument {
        fn smallest() -> Self {
            Self::new("ID_UBO_001_ABC", "Passport", upload())
        }
        fn fullest() -> Self {
            Self::smallest().doc_number(Sensitive::new("M98765432".to_owned())).doc_expire("2029-06-30")
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.ubo, "Selfie", upload())
        }
    }

    impl Samples for UploadMerchantDocument {
        fn smallest() -> Self {
            Self::new("CCT1234567", "Board Resolution", upload())
        }
        fn answered(seed: &Seed) -> Self {
            Self::new(seed.merchant, "Board Resolution", upload())
        }
    }
}
