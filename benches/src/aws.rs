//! The stand-in for AWS, and clients of its services as the bare loops use them.

use std::{fs, path::Path};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use keywheel::core::{Entropy as _, OsEntropy};
use keywheel_testservers::Moto;

use crate::measure::{Outcome, words};

const REGION: &str = "eu-central-1";

/// How many secrets each run rotates: the stand-in does a few hundred requests in a second.
pub(crate) const SECRETS: usize = 60;
pub(crate) const AT_ONCE: [usize; 4] = [1, 4, 16, 64];

/// What the clients of the bare loops are made of. They repeat nothing.
pub(crate) fn config(server: &Moto) -> SdkConfig {
    let credentials = Credentials::new("AKIABENCH", "of-the-bare-loop", None, None, "bench");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(format!("http://127.0.0.1:{}", server.port()))
        .http_client(http_client())
        .build()
}

/// As keywheel's own, without the proxy of the environment.
fn http_client() -> aws_smithy_runtime_api::client::http::SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let tls = Provider::Rustls(CryptoMode::AwsLc);
        let mut connector = Connector::builder().proxy_config(ProxyConfig::disabled()).tls_provider(tls);
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(
            components
                .and_then(aws_smithy_runtime_api::client::runtime_components::RuntimeComponents::sleep_impl),
        );
        connector.build()
    })
}

/// A store of `kind` at the stand-in, as an inventory in `directory` declares it.
pub(crate) fn declaration(kind: &str, server: &Moto, directory: &Path) -> Outcome<String> {
    fs::write(directory.join("key"), "of-keywheel").map_err(words)?;
    let access = format!(
        "{{ keys: {{ id: AKIAKEYWHEEL, secret: 'file:key' }}, endpoint: 'http://127.0.0.1:{}' }}",
        server.port()
    );
    Ok(format!("{kind}: {{ region: {REGION}, access: {access} }}"))
}

/// How many requests of a client are in its log.
pub(crate) fn asked(server: &Moto) -> usize {
    server.log().lines().filter(|line| line.contains("POST / ")).count()
}

/// A rotation's id, and the mark that keywheel puts beside its value.
pub(crate) fn mark() -> Outcome<(String, String)> {
    let id = OsEntropy.rotation_id().map_err(words)?.to_string();
    let mark = format!("keywheel?rotation={id}&started=2026-11-20T09%3A18%3A24.123456789Z&by=bench");
    Ok((id, mark))
}
