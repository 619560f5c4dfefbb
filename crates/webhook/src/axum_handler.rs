//! The receiver as a handler of axum.

use crate::Receiver;
use axum::{extract::Request, handler::Handler, response::Response};
use std::pin::Pin;
use tower_service::Service;

/// Marks a handler that takes the whole request, in axum's trait. There is nothing to do with it.
#[derive(Debug, Clone, Copy)]
pub enum RawRequest {}

/// For `axum::routing::post`. It does the same as the receiver as a service of tower.
impl<S> Handler<RawRequest, S> for Receiver {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(mut self, request: Request, _: S) -> Self::Future {
        let answer = Service::call(&mut self, request);
        Box::pin(async move {
            let Ok(response) = answer.await;
            response.map(axum::body::Body::new)
        })
    }
}
