//! Certificates: the authorities of a file are believed, others are not, and a server may want one of ours.

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    sync::Arc,
};

use keywheel_core::{Effect, ErrorKind, secret::Stage};
use keywheel_testservers::Authority;
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};

use crate::scene::Scene;

/// A server that has only clients of `authority`, and says that it is sealed.
fn server(authority: &Authority) -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let [certificate, key] = authority.issue("localhost");
    let mut clients = RootCertStore::empty();
    clients.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(clients), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
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
                let body = r#"{"errors":["Vault is sealed"]}"#;
                let _gone = write!(
                    stream,
                    "HTTP/1.1 503 Sealed\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.conn.send_close_notify();
                let _gone = stream.flush();
            }
        }
    });
    port
}

fn put(directory: &Path, name: &str, text: &str) {
    std::fs::write(directory.join(name), text).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_prove_who_they_are() {
    let (ours, strangers) = (Authority::called("ours"), Authority::called("strangers"));
    let port = server(&ours);
    let settings = format!(
        "address: 'https://localhost:{port}'\nauth: {{ token: 'file:token' }}\ntls: {{ ca-file: ca.pem, \
         client-certificate: client.pem, client-key: 'file:client.key' }}"
    );
    let scene = Scene::with("s.token", &settings);
    let directory = scene.directory.path();
    let secret = scene.at("app/database");
    // With TLS 1.3 a client has done its part before it is refused: the alert, or no more than the end of the connection.
    let refused: &[_] = &[ErrorKind::InvalidConfig, ErrorKind::Unavailable];
    for (authority, client, kinds, words) in [
        (&ours, &ours, &[ErrorKind::Unavailable][..], "sealed"),
        (&strangers, &ours, &[ErrorKind::InvalidConfig], "cannot be reached"),
        (&ours, &strangers, refused, "gave no answer"),
    ] {
        put(directory, "ca.pem", &authority.pem());
        let [certificate, key] = client.issue("keywheel");
        put(directory, "client.pem", &certificate);
        put(directory, "client.key", &key);
        let error = secret.read(Stage::Current).await.unwrap_err();
        assert!(kinds.contains(&error.kind) && error.effect == Effect::NotApplied, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    put(directory, "client.key", "no key");
    let error = secret.read(Stage::Current).await.unwrap_err();
    assert!(error.to_string().contains("holds no private key"), "{error}");
    put(directory, "ca.pem", "no certificate");
    let error = secret.read(Stage::Current).await.unwrap_err();
    assert!(error.to_string().contains("holds no certificates"), "{error}");
}
