//! The client of one endpoint: rustls with aws-lc-rs, no redirects, a connection of its own for each call.

use std::{path::PathBuf, sync::Arc, time::Duration};

use keywheel_core::{Effect, Error, ErrorKind, Result};
use reqwest::{Client, redirect::Policy};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// How long a server may take to accept a connection.
const CONNECT_TIME: Duration = Duration::from_secs(5);

const OPERATION: &str = "prepare TLS";

/// Whom to believe.
#[derive(Clone, Debug)]
pub(super) enum Roots {
    /// No TLS.
    None,
    /// The certificate authorities of this system.
    System,
    /// Those in one PEM file, and no others.
    File(PathBuf),
}

/// Makes a client. Reads certificates: not to be called from an asynchronous task.
pub(super) fn client(roots: &Roots, direct: bool) -> Result<Client> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(defect)?
        .with_root_certificates(store(roots)?)
        .with_no_client_auth();
    let builder = Client::builder()
        .tls_backend_preconfigured(config)
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIME)
        // A connection that was kept may be dead, and then nobody knows whether the request arrived.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("keywheel/", env!("CARGO_PKG_VERSION")));
    // The environment's proxy is for the network, not for this machine.
    let builder = if direct { builder.no_proxy() } else { builder };
    builder.build().map_err(defect)
}

fn store(roots: &Roots) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::None => {}
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            let (added, _unreadable) = store.add_parsable_certificates(found.certs);
            if added == 0 {
                let message = "this system has no certificate authorities; install the package ca-certificates, or name a \
                               `ca-file`";
                return Err(Error::not_applied(ErrorKind::InvalidConfig, OPERATION, message));
            }
        }
        Roots::File(path) => {
            let unusable = |why: String| {
                Error::not_applied(ErrorKind::InvalidConfig, OPERATION, why).with("ca-file", path.display())
            };
            let text = std::fs::read(path).map_err(|error| {
                Error::from_io(OPERATION, Effect::NotApplied, error).with("ca-file", path.display())
            })?;
            for certificate in CertificateDer::pem_slice_iter(&text) {
                let certificate = certificate.map_err(|error| unusable(format!("it is not PEM: {error}")))?;
                store.add(certificate).map_err(|error| unusable(error.to_string()))?;
            }
            if store.is_empty() {
                return Err(unusable("it holds no certificate".to_owned()));
            }
        }
    }
    Ok(store)
}

fn defect(error: impl std::fmt::Display) -> Error {
    Error::not_applied(ErrorKind::Internal, OPERATION, format!("the client cannot be made: {error}"))
}
