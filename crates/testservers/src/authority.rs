//! Certificates for servers that speak TLS.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// An authority that nobody knows but the test.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one, of a name that others may have too.
    ///
    /// # Panics
    /// When the system gives no randomness.
    pub fn called(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, key()).expect("a certificate of an authority"))
    }

    /// Its certificate, in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for the host or the person called `name`, and its key, in PEM.
    ///
    /// # Panics
    /// When no certificate can be for such a name.
    pub fn issue(&self, name: &str) -> [String; 2] {
        let key = key();
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name for a certificate");
        // PostgreSQL takes whom a client's certificate is for from here.
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        [certificate.pem(), key.serialize_pem()]
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
