//! Macros with which the crates of this workspace declare calls and their requests.

/// Declares the calls of a section, as a table.
///
/// The first line names the service that serves them, says whether they are `signed` or `public`, and names the function
/// with the crate's hints for error codes and the type of its check against the specification. Each further line names
/// method, path (and with `(or "…")` the path in the older version), request type and answer, then how the call is handled.
/// Each word of the handling is a function of [`Call`](crate::Call):
///
/// * `idempotent`: a write that may be repeated (a read always may);
/// * `same_key`: a write that may be repeated once, with the same nonce;
/// * `partly_idempotent`: the request has a function `fn may_be_repeated(&self) -> bool`;
/// * `urgent`: it leaves before others that wait for the rate limit;
/// * `checked`: the request has a function `fn check_arguments(&self, &mut Checks<'_>)`;
/// * `paged`: the request is [`Paged`](crate::Paged);
/// * `in_query`: a write whose parameters go into the query, and objects into a JSON body;
/// * `multipart`: it sends files; `csv`: the answer is a table;
/// * `secrets("names")`, or a constant: a recording and an intent leave out the values of these names;
/// * `facts`: the request has a function `fn facts_of_intent(&self) -> Vec<(&'static str, String)>`, for a write that is found
///   again by something else than its arguments;
/// * `reviewed`: the request has a function
///   `fn review_answer(&self, &mut Answer, &Environment) -> Result<(), E>`, where `E` is [`Mismatch`](crate::Mismatch) or
///   [`Objection`](crate::Objection);
/// * `unreviewed("why")`: the answer holds nothing that could be compared with the request.
///
/// A table of a server with another form of codes says so behind the access: `THINGS public; codes CODES; hints …`, where `CODES`
/// is a [`Codes`](crate::Codes).
///
/// A line with neither `reviewed` nor `unreviewed` does not compile:
///
/// ```
/// # mod hints { pub(crate) fn hint(_: &str) -> Option<&'static str> { None } }
/// const THINGS: capecrypto_auth::Service = capecrypto_auth::Service::new("things", "/api");
/// capecrypto_rest::endpoints! { THINGS public; hints crate::hints::hint; probe crate::Probe;
///     GET "/things/{id}" GetThing -> String, unreviewed("the answer is a text without the id");
/// }
/// capecrypto_rest::request! {
///     /// Reads a thing.
///     pub struct GetThing {
///         id: u64,
///     }
/// }
/// # fn main() { assert_eq!(CALLS[0].name, "GetThing"); let _ = GetThing::with(7); }
/// ```
///
/// ```compile_fail
/// # mod hints { pub(crate) fn hint(_: &str) -> Option<&'static str> { None } }
/// const THINGS: capecrypto_auth::Service = capecrypto_auth::Service::new("things", "/api");
/// capecrypto_rest::endpoints! { THINGS public; hints crate::hints::hint; probe crate::Probe;
///     POST "/things/{id}/cancel" CancelThing -> String, idempotent;
/// }
/// capecrypto_rest::request! {
///     /// Cancels a thing.
///     pub struct CancelThing {
///         id: u64,
///     }
/// }
/// # fn main() { assert_eq!(CALLS[0].name, "CancelThing"); }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! endpoints {
    ($service:ident $access:ident; hints $($rest:tt)+) => {
        $crate::endpoints! { $service $access; codes $crate::Codes::Dotted; hints $($rest)+ }
    };
    ($service:ident $access:ident; codes $codes:expr; hints $hint:path; probe $probe:path;
        $($method:ident $path:literal $((or $older:literal))? $request:ident -> $response:ty,
            $($flag:ident $(($reason:expr))?)+;)+
    ) => {
        $(impl $crate::Endpoint for $request {
            type Response = $response;
            const CALL: $crate::Call =
                $crate::Call::new(stringify!($request), $service, $crate::endpoints!(@method $method), $path)
                    $(.older_path($older))?
                    .$access()
                    .with_codes($codes)
                    $(.$flag($($reason)?))+;
            $crate::endpoints!(@repeat $($flag)+);
            fn hint(code: &str) -> Option<&'static str> {
                $hint(code)
            }
            $crate::endpoints!(@check $($flag)+);
            $crate::endpoints!(@facts $($flag)+);
            $crate::endpoints!(@review $response; $($flag)+);
        }
        $crate::endpoints!(@paged $request $($flag)+);)+

        /// Every call of this module.
        pub const CALLS: &[$crate::Call] = &[$(<$request as $crate::Endpoint>::CALL),+];

        /// Passes each request and answer of this module to the check against the specification.
        #[cfg(test)]
        pub(crate) fn probe(probe: &mut $probe) {
            $($crate::endpoints!(@probe probe $request $($flag)+);)+
        }
    };
    (@probe $probe:ident $request:ident csv $($rest:ident)*) => { $probe.export::<$request>() };
    (@probe $probe:ident $request:ident $other:ident $($rest:ident)*) => {
        $crate::endpoints!(@probe $probe $request $($rest)*)
    };
    (@probe $probe:ident $request:ident) => { $probe.call::<$request>() };
    (@method GET) => { $crate::Method::Get };
    (@method POST) => { $crate::Method::Post };
    (@method PUT) => { $crate::Method::Put };
    (@method PATCH) => { $crate::Method::Patch };
    (@method DELETE) => { $crate::Method::Delete };
    // These functions must not have the names of the trait's functions. If one is missing, the compiler then reports it;
    // with the same name, the trait's function would call itself.
    (@repeat partly_idempotent $($rest:ident)*) => {
        #[inline]
        fn repeat(&self) -> $crate::Repeat {
            if self.may_be_repeated() { $crate::Repeat::Safely } else { $crate::Repeat::Never }
        }
    };
    (@repeat $other:ident $($rest:ident)*) => { $crate::endpoints!(@repeat $($rest)*); };
    (@repeat) => {};
    (@check checked $($rest:ident)*) => {
        #[inline]
        fn check(&self, checks: &mut $crate::Checks<'_>) {
            self.check_arguments(checks);
        }
    };
    (@check $other:ident $($rest:ident)*) => { $crate::endpoints!(@check $($rest)*); };
    (@check) => {};
    (@facts facts $($rest:ident)*) => {
        #[inline]
        fn facts(&self) -> Vec<(&'static str, String)> {
            self.facts_of_intent()
        }
    };
    (@facts $other:ident $($rest:ident)*) => { $crate::endpoints!(@facts $($rest)*); };
    (@facts) => {};
    (@paged $request:ident paged $($rest:ident)*) => {
        const _: fn() = || {
            fn is_paged<T: $crate::Paged>() {}
            is_paged::<$request>();
        };
    };
    (@paged $request:ident $other:ident $($rest:ident)*) => { $crate::endpoints!(@paged $request $($rest)*); };
    (@paged $request:ident) => {};
    (@review $response:ty; reviewed) => {
        #[inline]
        fn review(
            &self,
            answer: &mut $response,
            environment: &$crate::__private::Environment,
        ) -> Result<(), $crate::Objection> {
            self.review_answer(answer, environment).map_err(Into::into)
        }
    };
    (@review $response:ty; unreviewed) => {};
    (@review $response:ty; $other:ident $($rest:ident)+) => {
        $crate::endpoints!(@review $response; $($rest)+);
    };
    (@review $response:ty; $($other:tt)*) => {
        compile_error!("end the line of a call with `reviewed`, or with `unreviewed(\"why\")`");
    };
}

/// Declares a request and its parameters.
///
/// Required parameters are the fields of the struct and the arguments of `with`, which the public constructors call. Optional
/// parameters become setters. `as "name"` is the name on the wire if it differs, `or "name"` the name in the older version.
/// `(current_only)` marks a parameter that the older version does not know. `pages` adds limit and page, `times` a range of
/// time.
///
/// ```
/// use capecrypto_rest::{Paging, TimeRange, request};
/// request! {
///     /// Lists things.
///     pub struct ListThings {
///         owner as "owner_uid" or "uid": String,
///     }
///     optional {
///         /// Only of this colour.
///         colour (current_only): String,
///     }
///     pages Paging<100>, "25 when left out";
///     times TimeRange;
/// }
///
/// impl ListThings {
///     /// Lists the things of this owner.
///     pub fn new(owner: &str) -> Self {
///         Self::with(owner.to_owned())
///     }
/// }
/// # fn main() { let _ = ListThings::new("me").colour("red").limit(10).page(2); }
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! request {
    ($(#[$meta:meta])* $vis:vis struct $($rest:tt)*) => {
        $crate::__params! {
            $(#[$meta])*
            #[must_use = "a request does nothing until it is sent"]
            $vis struct $($rest)*
        }
    };
}

/// Declares an object in a request's body, in the same way as a request.
#[doc(hidden)]
#[macro_export]
macro_rules! object {
    ($(#[$meta:meta])* $vis:vis struct $name:ident $($rest:tt)*) => {
        $crate::__params! { $(#[$meta])* $vis struct $name $($rest)* }

        impl $crate::__private::Param for $name {
            #[inline]
            fn write(&self, place: &mut dyn $crate::__private::Place) {
                place.object(self);
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __params {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($field:ident $(as $wire:literal)? $(or $older:literal)? $(($only:ident))?: $ty:ty,)*
        }
        $(optional {
            $($(#[$doc:meta])*
            $option:ident $(as $option_wire:literal)? $(or $option_older:literal)? $(($option_only:ident))?:
                $option_ty:ty,)*
        })?
        $(pages $paging:ty, $default:literal;)?
        $(times $range:ty;)?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $vis struct $name {
            $($field: $ty,)*
            $($($option: Option<$option_ty>,)*)?
            $(pages: $paging,)?
            $(times: $range,)?
        }

        impl $name {
            /// A request with the required parameters only.
            fn with($($field: $ty),*) -> Self {
                Self {
                    $($field,)*
                    $($($option: None,)*)?
                    $(pages: <$paging>::default(),)?
                    $(times: <$range>::default(),)?
                }
            }

            $($($(#[$doc])*
            #[must_use = "a setter returns the changed request"]
            pub fn $option(mut self, $option: impl Into<$option_ty>) -> Self {
                self.$option = Some($option.into());
                self
            })*)?

            $(#[doc = concat!("Most rows of a page; ", $default, ".")]
            #[must_use = "a setter returns the changed request"]
            pub fn limit(mut self, limit: u32) -> Self {
                self.pages = <$paging>::limit(self.pages, limit);
                self
            }

            /// Page, from 1.
            #[must_use = "a setter returns the changed request"]
            pub fn page(mut self, page: u32) -> Self {
                self.pages = <$paging>::page(self.pages, page);
                self
            })?

            $(/// Only entries at this time or later.
            #[must_use = "a setter returns the changed request"]
            pub fn time_from(mut self, time_from: impl Into<$crate::__private::Timestamp>) -> Self {
                self.times = <$range>::from(self.times, time_from.into());
                self
            }

            /// Only entries before this time.
            #[must_use = "a setter returns the changed request"]
            pub fn time_to(mut self, time_to: impl Into<$crate::__private::Timestamp>) -> Self {
                self.times = <$range>::to(self.times, time_to.into());
                self
            })?
        }

        impl $crate::__private::Params for $name {
            #[inline]
            fn write_fields(&self, fields: &mut dyn $crate::__private::Fields) {
                let _ = &fields;
                $(fields.field(
                    $crate::__params!(@name $field $($wire)?)$(.older($older))?$(.$only())?,
                    &self.$field,
                );)*
                $($(fields.field(
                    $crate::__params!(@name $option $($option_wire)?)$(.older($option_older))?$(.$option_only())?,
                    &self.$option,
                );)*)?
                $(<$paging as $crate::__private::Params>::write_fields(&self.pages, fields);)?
                $(<$range as $crate::__private::Params>::write_fields(&self.times, fields);)?
            }
        }

        $(impl $crate::SetTimes for $name {
            fn set_times(
                &mut self,
                from: $crate::__private::Timestamp,
                to: $crate::__private::Timestamp,
            ) {
                self.times = <$range>::default().from(from).to(to);
            }

            fn has_times(&self) -> bool {
                self.times.start().is_some() || self.times.end().is_some()
            }
        })?

        $(impl $crate::SetPage for $name {
            fn set_page(&mut self, page: u32) {
                self.pages = <$paging>::page(self.pages, page);
            }
        })?
    };
    (@name $field:ident) => { $crate::__private::Name::new(stringify!($field)) };
    (@name $field:ident $wire:literal) => { $crate::__private::Name::new($wire) };
}
