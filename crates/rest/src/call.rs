//! A call of the API, as data.

use crate::names;
use capecrypto_auth::Service;
use std::fmt;

/// A call of the API.
///
/// It is made by [`new`](Self::new) and the functions below it. In a table of calls, each flag is such a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Name of the request's type, such as `CreateOrder`.
    pub name: &'static str,
    /// The service, which the environment maps to a path.
    pub service: Service,
    /// The method.
    pub method: Method,
    /// Path below the service's path; `{name}` is replaced by the parameter with that name. A last segment `{name?}` is left out,
    /// with its slash, if the request does not have it.
    pub path: &'static str,
    /// The path in the older version of the API.
    pub older_path: &'static str,
    /// Whether it carries a signature.
    pub signed: bool,
    /// Where the parameters go that are not part of the path.
    pub form: Form,
    /// The form of answer that it asks for.
    pub accept: Accept,
    /// How long it may take.
    pub deadline: Deadline,
    /// Whether it may be sent again with any arguments.
    pub repeat: Repeat,
    /// Whether it leaves before other calls that wait for the rate limit, as cancellations do.
    pub urgent: bool,
    /// Whether its answer is one page of several.
    pub paged: bool,
    /// Why its answer is not compared with the request; `None` if it is compared.
    pub unreviewed: Option<&'static str>,
    /// Names, separated by spaces, whose values a recording and an intent leave out, in addition to those that are always
    /// left out.
    pub secrets: &'static str,
    /// How its server writes the codes of a refusal.
    pub codes: Codes,
}

/// How a server writes the codes of a refusal. Only a refusal with a code of this form is the server's own word; any other one may
/// come from a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Codes {
    /// Words between dots, such as `market.order.invalid_side`, in `errors` or `error`.
    Dotted,
    /// Capital letters and three digits, such as `PA001`, in `code`. A `message` stands beside it.
    Numbered {
        /// Codes after which a write may have been done, such as that of an internal error.
        doubtful: &'static [&'static str],
    },
}

/// An HTTP method of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// Where the parameters of a call go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Into the query string.
    Query,
    /// Into a JSON object.
    Json,
    /// Into the query string, and objects, which a query string cannot hold, into a JSON object.
    QueryAndJson,
    /// Into the fields of a form, files among them.
    Multipart,
}

/// The form of answer that a call asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accept {
    /// JSON, or nothing.
    Json,
    /// A table as CSV.
    Csv,
}

/// How long a call may take: which of the [`Timeouts`](crate::Timeouts) apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deadline {
    /// `attempt` and `call`.
    Default,
    /// `upload`: the server checks a file before it answers.
    Upload,
    /// `export`: the server builds a long list before it answers.
    Export,
}

/// Whether a call may be sent again if its outcome is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeat {
    /// No.
    Never,
    /// Yes: sending it twice has the same effect as sending it once.
    Safely,
    /// Only with the same nonce and the same bytes: the server takes a nonce once, as an idempotency key. After an unknown
    /// outcome it is sent once more in this way, with a new time and signature.
    SameKey,
}

impl Method {
    /// Upper-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The API's method for an HTTP method; `None` if the API does not use it.
    pub fn of(method: &http::Method) -> Option<Self> {
        let all = [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete];
        all.into_iter().find(|known| known.as_str() == method.as_str())
    }
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {})", self.name, self.method, self.path)
    }
}

impl Call {
    /// A public call of this name. Parameters of a GET or DELETE go into the query, those of other methods into JSON. A GET
    /// may be sent again.
    pub const fn new(name: &'static str, service: Service, method: Method, path: &'static str) -> Self {
        let (form, repeat) = match method {
            Method::Get => (Form::Query, Repeat::Safely),
            Method::Delete => (Form::Query, Repeat::Never),
            Method::Post | Method::Put | Method::Patch => (Form::Json, Repeat::Never),
        };
        Self {
            name,
            service,
            method,
            path,
            older_path: path,
            signed: false,
            form,
            accept: Accept::Json,
            deadline: Deadline::Default,
            repeat,
            urgent: false,
            paged: false,
            unreviewed: None,
            secrets: "",
            codes: Codes::Dotted,
        }
    }

    /// Its server writes codes in this way.
    #[must_use]
    pub const fn with_codes(self, codes: Codes) -> Self {
        Self { codes, ..self }
    }

    /// It may be sent again with the same nonce and the same bytes.
    #[must_use]
    pub const fn same_key(self) -> Self {
        Self { repeat: Repeat::SameKey, ..self }
    }

    /// Sets another path for the older version.
    #[must_use]
    pub const fn older_path(self, older_path: &'static str) -> Self {
        Self { older_path, ..self }
    }

    /// It carries a signature.
    #[must_use]
    pub const fn signed(self) -> Self {
        Self { signed: true, ..self }
    }

    /// It carries no signature.
    #[must_use]
    pub const fn public(self) -> Self {
        Self { signed: false, ..self }
    }

    /// It may be sent again with any arguments.
    #[must_use]
    pub const fn idempotent(self) -> Self {
        Self { repeat: Repeat::Safely, ..self }
    }

    /// It may be sent again with some arguments; the request decides.
    #[must_use]
    pub const fn partly_idempotent(self) -> Self {
        self
    }

    /// Its request adds facts to its [`Intent`](crate::Intent).
    #[must_use]
    pub const fn facts(self) -> Self {
        self
    }

    /// It leaves before other calls that wait for the rate limit.
    #[must_use]
    pub const fn urgent(self) -> Self {
        Self { urgent: true, ..self }
    }

    /// Its arguments are checked against each other, or against the environment.
    #[must_use]
    pub const fn checked(self) -> Self {
        self
    }

    /// Its answer is one page of several.
    #[must_use]
    pub const fn paged(self) -> Self {
        Self { paged: true, ..self }
    }

    /// Its answer is compared with the request.
    #[must_use]
    pub const fn reviewed(self) -> Self {
        self
    }

    /// Its answer is not compared with the request, for this reason.
    #[must_use]
    pub const fn unreviewed(self, why: &'static str) -> Self {
        Self { unreviewed: Some(why), ..self }
    }

    /// Sets names, separated by spaces, whose values a [`Recording`](crate::Recording) and an [`Intent`](crate::Intent) leave
    /// out, such as personal data. Values that give access to an account or are worth money are always left out.
    #[must_use]
    pub const fn secrets(self, names: &'static str) -> Self {
        Self { secrets: names, ..self }
    }

    /// Whether a [`Recording`](crate::Recording) and an [`Intent`](crate::Intent) of it leave out the values of this name.
    ///
    /// ```
    /// use capecrypto_rest::{Call, Method};
    /// const THINGS: capecrypto_auth::Service = capecrypto_auth::Service::new("things", "/api");
    /// let call = Call::new("ListThings", THINGS, Method::Get, "/things").secrets("sender receiver");
    /// assert!(call.hides("sender") && call.hides("voucher_pin") && !call.hides("amount"));
    /// ```
    pub fn hides(self, name: &str) -> bool {
        names::is_secret(name)
            || self.secrets.split_ascii_whitespace().any(|secret| names::is_same(secret, name))
    }

    /// A write whose parameters go into the query, and objects into a JSON body.
    #[must_use]
    pub const fn in_query(self) -> Self {
        Self { form: Form::QueryAndJson, ..self }
    }

    /// It sends files, in the fields of a form.
    #[must_use]
    pub const fn multipart(self) -> Self {
        Self { form: Form::Multipart, deadline: Deadline::Upload, ..self }
    }

    /// Its answer is a table as CSV, which may be long.
    #[must_use]
    pub const fn csv(self) -> Self {
        Self { accept: Accept::Csv, deadline: Deadline::Export, ..self }
    }
}
