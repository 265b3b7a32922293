//! Certificates: the authorities of a file are believed, others are not.

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    sync::Arc,
};

use keywheel_core::{Effect, ErrorKind};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::scene::{called_at, promoted, some_print, unhurried};

/// A server that answers 204 to whoever believes it; its certificate is in `file`.
fn server(file: &Path) -> u16 {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(file, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // The thread ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok_and(|read| read > 0) {
                let _gone = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
                stream.conn.send_close_notify();
                let _gone = stream.flush();
            }
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_believed_when_its_authority_is_named_and_only_then() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    let port = server(&file);
    let url = format!("https://localhost:{port}/reload");
    let more = format!(", ca-file: '{}'", file.display());
    called_at(&url, &more).notifier().notify(&unhurried(), &promoted(some_print())).await.unwrap();

    let error =
        called_at(&url, "").notifier().notify(&unhurried(), &promoted(some_print())).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (ErrorKind::InvalidConfig, Effect::NotApplied), "{error}");

    std::fs::write(&file, "no certificate").unwrap();
    let error =
        called_at(&url, &more).notifier().notify(&unhurried(), &promoted(some_print())).await.unwrap_err();
    assert!(error.to_string().contains("holds no certificate"), "{error}");
}
