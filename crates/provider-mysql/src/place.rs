//! Where the server is, and how connections to it are made.

use std::path::PathBuf;

use keywheel_core::{Error, ErrorKind, Result, SecretValue};
use mysql_async::{Conn, Opts, OptsBuilder, SslOpts};
use rustls::crypto::aws_lc_rs;

/// How the server shows who it is.
pub(crate) struct Tls {
    pub(crate) verified: bool,
    pub(crate) roots: Option<PathBuf>,
    pub(crate) server_name: Option<String>,
}

/// One server.
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) tls: Option<Tls>,
}

impl Place {
    /// Logs in. The session is set up with `setup`; without one nothing is asked but the login.
    pub(crate) async fn login(
        &self,
        user: &str,
        password: &str,
        setup: Option<&str>,
    ) -> mysql_async::Result<Conn> {
        // The library builds its own TLS settings, with the provider of the process. Whoever came first keeps it: there is
        // one kind in this program.
        let _first = aws_lc_rs::default_provider().install_default();
        let options = OptsBuilder::default()
            .ip_or_hostname(self.host.clone())
            .tcp_port(self.port)
            .user(Some(user))
            .pass(Some(password))
            // Or it would go on over the server's socket: another account may be the one that matches there.
            .prefer_socket(false)
            // Otherwise it asks for them, and an account whose password has expired may ask nothing.
            .max_allowed_packet(Some(16 * 1024 * 1024))
            .wait_timeout(Some(28_800))
            .stmt_cache_size(0)
            .setup(setup.map(|setup| vec![setup.to_owned()]).unwrap_or_default())
            .ssl_opts(self.tls.as_ref().map(Tls::options));
        Conn::new(Opts::from(options)).await
    }
}

impl Tls {
    fn options(&self) -> SslOpts {
        let mut options = SslOpts::default().with_danger_accept_invalid_certs(!self.verified);
        if let Some(roots) = &self.roots {
            options = options.with_disable_built_in_roots(true).with_root_certs(vec![roots.clone().into()]);
        }
        options.with_danger_tls_hostname_override(self.server_name.clone())
    }
}

/// A password as the library takes it.
pub(crate) fn text<'a>(operation: &'static str, value: &'a SecretValue) -> Result<&'a str> {
    let refused = |why: &str| Error::not_applied(ErrorKind::InvalidValue, operation, why);
    let text = std::str::from_utf8(value.expose_secret())
        .map_err(|_| refused("a password of an account must be UTF-8"))?;
    if text.is_empty() {
        return Err(refused("an account must have a password: this one is empty"));
    }
    if text.contains('\0') {
        return Err(refused("a password of an account cannot hold NUL"));
    }
    Ok(text)
}
