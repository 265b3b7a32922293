//! TLS: whom the server may be, and who keywheel is to it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use keywheel_core::{Effect, Error, ErrorKind, Result, inventory::CredentialRef};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};

const READ: &str = "read TLS files";

/// The files of one target. They are read anew for each connection: whoever renews them need not restart anything.
pub(crate) struct TlsFiles {
    pub(crate) root_certificate: PathBuf,
    pub(crate) client: Option<(PathBuf, CredentialRef)>,
    pub(crate) server_name: String,
}

impl TlsFiles {
    /// Whether a certificate could be for `name`.
    pub(crate) fn is_name(name: &str) -> bool {
        ServerName::try_from(name).is_ok()
    }

    /// The name that the server's certificate must have.
    pub(crate) fn server_name(&self) -> Result<ServerName<'static>> {
        ServerName::try_from(self.server_name.clone()).map_err(|_| {
            let message = "no certificate can be for this host: write `tls.server-name`";
            Error::not_applied(ErrorKind::InvalidConfig, "connect", message).with("host", &self.server_name)
        })
    }

    /// What rustls needs. The provider is named, so that nothing depends on which one a process installed.
    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.root_certificate)? {
            roots.add(certificate).map_err(|_| unusable(&self.root_certificate))?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                Error::not_applied(ErrorKind::Internal, READ, "no version of TLS").caused_by(error)
            })?
            .with_root_certificates(roots);
        let config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((path, key)) => {
                let pem = key.read()?;
                let key = PrivateKeyDer::from_pem_slice(pem.expose_secret()).map_err(|_| not_a_key(key))?;
                builder.with_client_auth_cert(certificates(path)?, key).map_err(|_| unusable(path))?
            }
        };
        Ok(Arc::new(config))
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let text = std::fs::read(path)
        .map_err(|error| Error::from_io(READ, Effect::NotApplied, error).with("path", path.display()))?;
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|_| unusable(path))?;
    if certificates.is_empty() { Err(unusable(path)) } else { Ok(certificates) }
}

fn unusable(path: &Path) -> Error {
    let message = "the file holds no certificates in PEM that can be used here";
    Error::not_applied(ErrorKind::InvalidConfig, READ, message).with("path", path.display())
}

fn not_a_key(key: &CredentialRef) -> Error {
    let message = "this is no private key in PEM";
    Error::not_applied(ErrorKind::InvalidConfig, READ, message).with("credential", key)
}
