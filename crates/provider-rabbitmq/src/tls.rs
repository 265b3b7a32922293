//! TLS: whom the server may be.

use std::{path::PathBuf, sync::Arc};

use keywheel_core::{Effect, Error, ErrorKind, Result};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

const READ: &str = "read TLS files";

/// What rustls needs. The provider is named, so that nothing depends on which one a process installed. Without a file
/// nobody is believed.
pub(crate) fn config(root_certificate: Option<&PathBuf>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = root_certificate {
        let unusable = || {
            let message = "the file holds no certificates in PEM that can be used here";
            Error::not_applied(ErrorKind::InvalidConfig, READ, message).with("path", path.display())
        };
        // Read anew for each connection: whoever renews it need not restart anything.
        let text = std::fs::read(path)
            .map_err(|error| Error::from_io(READ, Effect::NotApplied, error).with("path", path.display()))?;
        for certificate in CertificateDer::pem_slice_iter(&text) {
            roots.add(certificate.map_err(|_| unusable())?).map_err(|_| unusable())?;
        }
        if roots.is_empty() {
            return Err(unusable());
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| {
            Error::not_applied(ErrorKind::Internal, READ, "no version of TLS").caused_by(error)
        })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Whether the server showed a certificate that is not believed: time does not mend that.
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
