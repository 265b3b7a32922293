//! How connections are encrypted and servers recognised.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use keywheel_core::{Error, ErrorKind, Result, inventory::CredentialRef};
use rustls::{
    ClientConfig, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_postgres::config::SslMode as Wire;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    certificate::{AnyName, Anybody},
    settings::SslMode,
};

const OPERATION: &str = "prepare TLS";

/// What a connection's encryption is made of.
pub(crate) struct TlsSource {
    pub(crate) mode: SslMode,
    pub(crate) roots: Option<PathBuf>,
    pub(crate) client: Option<ClientCertificate>,
}

/// With what keywheel shows who it is.
pub(crate) struct ClientCertificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: CredentialRef,
}

/// Encryption, read from its files when it is first used, and again after a handshake failed.
pub(crate) struct Tls {
    source: TlsSource,
    made: Mutex<Option<MakeRustlsConnect>>,
}

impl Tls {
    pub(crate) fn new(source: TlsSource) -> Self {
        Self { source, made: Mutex::default() }
    }

    /// As the protocol knows it: what is checked is the connector's business.
    pub(crate) fn wire(&self) -> Wire {
        match self.source.mode {
            SslMode::Disable => Wire::Disable,
            SslMode::Prefer => Wire::Prefer,
            SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => Wire::Require,
        }
    }

    /// Whether somebody between keywheel and the server could pass for it.
    pub(crate) fn trusts_anybody(&self) -> bool {
        match self.source.mode {
            SslMode::Disable | SslMode::Prefer => true,
            SslMode::Require => self.source.roots.is_none(),
            SslMode::VerifyCa | SslMode::VerifyFull => false,
        }
    }

    /// What makes encrypted connections.
    ///
    /// # Errors
    /// `InvalidConfig` when a file is missing or is not what it should be.
    pub(crate) fn connector(&self) -> Result<MakeRustlsConnect> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*made {
            return Ok(made.clone());
        }
        let fresh = MakeRustlsConnect::new(self.source.build()?);
        *made = Some(fresh.clone());
        Ok(fresh)
    }

    /// The files are read again the next time.
    pub(crate) fn forget(&self) {
        *self.made.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl TlsSource {
    fn build(&self) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = self.verifier(&provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| refused("the protocol versions"))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let Some(client) = &self.client else { return Ok(builder.with_no_client_auth()) };
        let (chain, key) = client.read()?;
        builder.with_client_auth_cert(chain, key).map_err(|_| {
            refused("the client certificate and its key do not belong together, or are not of a known sort")
                .with("certificate", client.certificate.display())
        })
    }

    fn verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
        let known = || -> Result<Arc<WebPkiServerVerifier>> {
            let roots = Arc::new(self.roots()?);
            WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
                .build()
                .map_err(|_| refused("no authority is known that could vouch for the server"))
        };
        Ok(match (self.mode, &self.roots) {
            (SslMode::Disable | SslMode::Prefer, _) | (SslMode::Require, None) => {
                Arc::new(Anybody::new(provider))
            }
            (SslMode::Require, Some(_)) | (SslMode::VerifyCa, _) => Arc::new(AnyName::new(known()?)),
            (SslMode::VerifyFull, _) => known()?,
        })
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut store = RootCertStore::empty();
        if let Some(path) = &self.roots {
            let unreadable = || {
                refused("the file with the authorities cannot be read, or holds no certificate in PEM")
                    .with("root-certificate", path.display())
            };
            for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable())? {
                store.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
            }
            return if store.is_empty() { Err(unreadable()) } else { Ok(store) };
        }
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if store.is_empty() {
            return Err(refused(
                "this machine has no list of authorities: install it (`ca-certificates`), or give `root-certificate`",
            ));
        }
        Ok(store)
    }
}

impl ClientCertificate {
    fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
        let unreadable = || {
            refused("the client certificate cannot be read, or is not PEM")
                .with("certificate", self.certificate.display())
        };
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(&self.certificate).map_err(|_| unreadable())?.collect();
        let chain = chain.map_err(|_| unreadable())?;
        let key = self.key.read()?;
        let key = PrivateKeyDer::from_pem_slice(key.expose_secret())
            .map_err(|_| refused("the client certificate's key is not PEM").with("key", &self.key))?;
        Ok((chain, key))
    }
}

fn refused(why: &'static str) -> Error {
    Error::not_applied(ErrorKind::InvalidConfig, OPERATION, why)
}
