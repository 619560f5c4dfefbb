//! A call of the API, as data.

use crate::recording;
use capecrypto_auth::Service;
use std::fmt;

/// A call of the API.
///
/// It is made by [`new`](Self::new) and the functions behind it, which a table of calls names as its flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Name of the request's type, such as `CreateOrder`.
    pub name: &'static str,
    /// The service, which the environment maps to a path.
    pub service: Service,
    /// The method.
    pub method: Method,
    /// Path below the service's; `{name}` is filled from the parameter of that name.
    pub path: &'static str,
    /// The same in the older version of the API.
    pub older_path: &'static str,
    /// Whether it carries a signature.
    pub signed: bool,
    /// Where its parameters go, but for those in the path.
    pub form: Form,
    /// What it asks the server to answer with.
    pub accept: Accept,
    /// How long it may take.
    pub deadline: Deadline,
    /// Whether it may be sent again, whatever its arguments.
    pub repeat: Repeat,
    /// Whether it leaves before others that wait for the rate limit, as cancellations do.
    pub urgent: bool,
    /// Whether its answer is one page of several.
    pub paged: bool,
    /// Why its answer is not held against the request; `None` where it is.
    pub unreviewed: Option<&'static str>,
    /// Names whose values no recording holds, with spaces between them, besides those that are always left out.
    pub secrets: &'static str,
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
    /// Into the fields of a form, files among them.
    Multipart,
}

/// What a call asks the server to answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Accept {
    /// JSON, or nothing.
    Json,
    /// A table as CSV.
    Csv,
}

/// How long a call may take: which of the [`Timeouts`](crate::Timeouts) count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deadline {
    /// `attempt` and `call`.
    Default,
    /// `upload`: the server looks at a file before it answers.
    Upload,
    /// `export`: the server puts a long list together before it answers.
    Export,
}

/// Whether a call may be sent again where its outcome is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repeat {
    /// No.
    Never,
    /// Yes: sending it twice does no more than sending it once.
    Safely,
    /// Only with the same idempotency key and the same bytes, by the crate that knows the key: the transport sends it once.
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

    /// The method of a name that an HTTP client uses; `None` where the API has none of that name.
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
    /// A public call of this name. Parameters of a GET or DELETE go into the query, those of others into JSON; a GET may be
    /// sent again.
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
        }
    }

    /// Another path in the older version.
    #[must_use]
    pub const fn older_path(self, older_path: &'static str) -> Self {
        Self { older_path, ..self }
    }

    /// It carries a signature.
    #[must_use]
    pub const fn signed(self) -> Self {
        Self { signed: true, ..self }
    }

    /// It carries none.
    #[must_use]
    pub const fn public(self) -> Self {
        Self { signed: false, ..self }
    }

    /// It may be sent again, whatever its arguments.
    #[must_use]
    pub const fn idempotent(self) -> Self {
        Self { repeat: Repeat::Safely, ..self }
    }

    /// It may be sent again with some arguments: the request says with which.
    #[must_use]
    pub const fn partly_idempotent(self) -> Self {
        self
    }

    /// It leaves before others that wait for the rate limit.
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

    /// Its answer is held against the request.
    #[must_use]
    pub const fn reviewed(self) -> Self {
        self
    }

    /// Its answer is not, for this reason.
    #[must_use]
    pub const fn unreviewed(self, why: &'static str) -> Self {
        Self { unreviewed: Some(why), ..self }
    }

    /// Values of these names, with spaces between them, are left out of a [`Recording`](crate::Recording): a person's data in its
    /// answer. What opens an account or is worth money is left out by itself.
    #[must_use]
    pub const fn secrets(self, names: &'static str) -> Self {
        Self { secrets: names, ..self }
    }

    /// Whether a [`Recording`](crate::Recording) of it leaves out the values of this name.
    ///
    /// ```
    /// use capecrypto_rest::{Call, Method};
    /// const THINGS: capecrypto_auth::Service = capecrypto_auth::Service::new("things", "/api");
    /// let call = Call::new("ListThings", THINGS, Method::Get, "/things").secrets("sender receiver");
    /// assert!(call.hides("sender") && call.hides("voucher_pin") && !call.hides("amount"));
    /// ```
    pub fn hides(self, name: &str) -> bool {
        recording::is_secret(name)
            || self.secrets.split_ascii_whitespace().any(|secret| recording::is_same(secret, name))
    }

    /// It sends files, in the fields of a form.
    #[must_use]
    pub const fn multipart(self) -> Self {
        Self { form: Form::Multipart, deadline: Deadline::Upload, ..self }
    }

    /// It is answered with a table as CSV, which may be long.
    #[must_use]
    pub const fn csv(self) -> Self {
        Self { accept: Accept::Csv, deadline: Deadline::Export, ..self }
    }
}
