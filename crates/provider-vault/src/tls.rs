//! TLS: whom the server may be, and who we are.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use keywheel_core::{Effect, Error, ErrorKind, Result, SecretValue, inventory::CredentialRef};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

const READ: &str = "read TLS files";

/// The settings, with paths that start anywhere.
#[derive(Debug, Default)]
pub(crate) struct Tls {
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) client: Option<(PathBuf, CredentialRef)>,
}

/// What rustls needs. The provider is named, so that nothing depends on which one a process installed. The files may be
/// others than those that [`files`] just read: then the next call makes another one.
pub(crate) fn config(tls: &Tls, plain: bool) -> Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::not_applied(ErrorKind::Internal, READ, "no version of TLS").caused_by(error))?
        .with_root_certificates(if plain { RootCertStore::empty() } else { roots(tls)? });
    let Some((certificate, key)) = &tls.client else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(certificate)?;
    let refused = |why: &str| Error::not_applied(ErrorKind::InvalidConfig, READ, why).with("client-key", key);
    let text = key.read()?;
    let key = PrivateKeyDer::from_pem_slice(text.expose_secret())
        .map_err(|_| refused("it holds no private key in PEM"))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|_| refused("it is not the key of the client's certificate, or of an unknown sort"))
}

/// What is in the files that the settings name.
pub(crate) fn files(tls: &Tls) -> Result<Vec<SecretValue>> {
    let mut found = Vec::new();
    for path in tls.ca_file.iter().chain(tls.client.as_ref().map(|(certificate, _)| certificate)) {
        found.push(SecretValue::from_vec(text(path)?));
    }
    if let Some((_, key)) = &tls.client {
        found.push(key.read()?);
    }
    Ok(found)
}

fn text(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|error| Error::from_io(READ, Effect::NotApplied, error).with("path", path.display()))
}

fn roots(tls: &Tls) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    let Some(path) = &tls.ca_file else {
        let (added, _unreadable) =
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if added == 0 {
            let message = "this system has no certificate authorities; install the package ca-certificates, or name a \
                           `tls.ca-file`";
            return Err(Error::not_applied(ErrorKind::InvalidConfig, READ, message));
        }
        return Ok(store);
    };
    for certificate in certificates(path)? {
        store.add(certificate).map_err(|_| unusable(path))?;
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = text(path)?;
    let all: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(|| unusable(path))
}

fn unusable(path: &Path) -> Error {
    let message = "the file holds no certificates in PEM that can be used here";
    Error::not_applied(ErrorKind::InvalidConfig, READ, message).with("path", path.display())
}

/// Whether the server showed a certificate that is not believed, or did not believe ours: time does not mend that.
pub(crate) fn is_distrust(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(current) = next {
        if current.is::<rustls::Error>() {
            return true;
        }
        // An I/O error hides what it was made of from `source`.
        let inner = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    false
}
