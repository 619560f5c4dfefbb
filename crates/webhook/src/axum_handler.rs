//! The receiver as a handler of axum.

use crate::{Receiver, Sender};
use axum::{
    extract::{OriginalUri, Request},
    handler::Handler,
    response::Response,
};
use std::pin::Pin;
use tower_service::Service;

/// Marks a handler that takes the whole request, in axum's trait. There is nothing to do with it.
#[derive(Debug, Clone, Copy)]
pub enum RawRequest {}

/// For `axum::routing::any`, or `post` if the sender has no other method. It does the same as the receiver as a service of tower.
impl<S, V: Sender> Handler<RawRequest, S> for Receiver<V> {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(mut self, mut request: Request, _: S) -> Self::Future {
        // In a router that is nested in another one, the path has lost its beginning, which a sender may have signed.
        let original = request.extensions().get().map(|OriginalUri(uri)| uri.clone());
        if let Some(uri) = original {
            *request.uri_mut() = uri;
        }
        let answer = Service::call(&mut self, request);
        Box::pin(async move {
            let Ok(response) = answer.await;
            response.map(axum::body::Body::new)
        })
    }
}
