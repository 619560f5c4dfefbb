//! TLS. The provider is passed by value, so it does not depend on other crates in the user's program.

use crate::Error;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::sync::Arc;

#[cfg(feature = "aws-lc")]
fn provider() -> Option<CryptoProvider> {
    Some(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(all(feature = "ring", not(feature = "aws-lc")))]
fn provider() -> Option<CryptoProvider> {
    Some(rustls::crypto::ring::default_provider())
}

#[cfg(not(any(feature = "ring", feature = "aws-lc")))]
fn provider() -> Option<CryptoProvider> {
    None
}

/// The TLS configuration. The machine's certificates are loaded for `https` only, so that a machine without certificates
/// can use the sandbox.
pub(crate) fn config(https: bool, roots: &[Vec<u8>]) -> Result<ClientConfig, Error> {
    let provider = Arc::new(provider().ok_or_else(|| {
        Error::config("no TLS provider is compiled in; enable the feature `ring` or `aws-lc`")
    })?);
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::config("TLS could not be set up").with_source(error))?;
    let mut extra = Vec::new();
    for pem in roots {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let certificates = certificates.map_err(|error| {
            Error::config(
                "root certificate: it is not PEM; give a file that begins with -----BEGIN CERTIFICATE-----",
            )
            .with_source(error)
        })?;
        if certificates.is_empty() {
            return Err(Error::config(
                "root certificate: the PEM holds no certificate; give a file that does",
            ));
        }
        extra.extend(certificates);
    }
    if !https {
        return Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let verifier =
        rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider).map_err(|error| {
            Error::config("this machine's certificates could not be loaded; install the CA certificates")
                .with_source(error)
        })?;
    // rustls calls any verifier "dangerous" that is not its own; this one is the platform's.
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}
