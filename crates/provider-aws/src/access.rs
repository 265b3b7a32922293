//! Who asks, and where: the SDK's configuration, made when it is first needed.

use std::{net::IpAddr, sync::Arc, time::Duration};

use aws_config::{
    BehaviorVersion, ConfigLoader, Region, SdkConfig, sts::AssumeRoleProvider, timeout::TimeoutConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use aws_smithy_http_client::{
    Builder, Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{http::SharedHttpClient, runtime_components::RuntimeComponents};
use keywheel_core::{Clock, Error, ErrorKind, Result, inventory::CredentialRef};
use tokio::sync::OnceCell;

use crate::put_off::{self, PutOff};

/// How long the answer to one request may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// Keys of an IAM user.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: CredentialRef,
}

/// A role that is assumed.
pub(crate) struct Assumed {
    pub(crate) arn: String,
    pub(crate) external_id: Option<String>,
    pub(crate) session_name: String,
    pub(crate) endpoint: Option<String>,
}

/// What every client of one store is made of.
pub(crate) struct Access {
    region: Option<String>,
    profile: Option<String>,
    keys: Option<Keys>,
    assumed: Option<Assumed>,
    pub(crate) endpoint: Option<String>,
    pub(crate) clock: Arc<dyn Clock>,
    loaded: OnceCell<SdkConfig>,
}

impl Access {
    pub(crate) fn new(
        region: Option<String>,
        profile: Option<String>,
        keys: Option<Keys>,
        assumed: Option<Assumed>,
        endpoint: Option<String>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { region, profile, keys, assumed, endpoint, clock, loaded: OnceCell::new() }
    }

    /// For a person.
    pub(crate) fn describe(&self) -> String {
        let region = self.region.as_deref().unwrap_or("the environment's region");
        match &self.endpoint {
            Some(endpoint) => format!("{region}, at {endpoint}"),
            None => region.to_owned(),
        }
    }

    /// Which requests a client of this configuration sends again.
    pub(crate) fn put_off(&self) -> PutOff {
        PutOff::new(&self.clock)
    }

    /// The role that the settings name.
    #[cfg(feature = "iam")]
    pub(crate) fn role(&self) -> Option<&str> {
        self.assumed.as_ref().map(|assumed| assumed.arn.as_str())
    }

    /// The address at which every service is asked: what stands in for AWS on this machine is all of it. An endpoint
    /// elsewhere is that of one service.
    #[cfg(feature = "iam")]
    pub(crate) fn endpoint_of_all(&self) -> Option<String> {
        self.endpoint.clone().filter(|endpoint| is_loopback(endpoint))
    }

    /// The address of STS, if it is not the public one.
    #[cfg(feature = "iam")]
    pub(crate) fn endpoint_of_sts(&self) -> Option<String> {
        let own = self.assumed.as_ref().and_then(|assumed| assumed.endpoint.clone());
        own.or_else(|| self.endpoint_of_all())
    }

    /// The configuration, without the service's own address.
    pub(crate) async fn config(&self, operation: &'static str) -> Result<&SdkConfig> {
        let config = self.loaded.get_or_init(|| self.load()).await;
        if config.region().is_none() {
            let message = "no region is known: write `region`, or set AWS_REGION";
            return Err(Error::not_applied(ErrorKind::InvalidConfig, operation, message));
        }
        Ok(config)
    }

    async fn load(&self) -> SdkConfig {
        let config = self.loader(self.endpoint.as_deref()).load().await;
        let Some(assumed) = &self.assumed else { return config };
        let mut sts = self.loader(assumed.endpoint.as_deref());
        if let Some(endpoint) = &assumed.endpoint {
            sts = sts.endpoint_url(endpoint);
        }
        let sts = sts.load().await;
        let mut role = AssumeRoleProvider::builder(&assumed.arn).session_name(&assumed.session_name);
        if let Some(id) = &assumed.external_id {
            role = role.external_id(id);
        }
        if let Some(region) = config.region() {
            role = role.region(region.clone());
        }
        let role = role.configure(&sts).build().await;
        config.into_builder().credentials_provider(SharedCredentialsProvider::new(role)).build()
    }

    fn loader(&self, endpoint: Option<&str>) -> ConfigLoader {
        let timeouts =
            TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(PATIENCE).build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client(endpoint))
            .retry_config(put_off::retries())
            .timeout_config(timeouts);
        if let Some(region) = &self.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(keys) = &self.keys {
            loader = loader.credentials_provider(keys.clone());
        }
        loader
    }
}

/// rustls with aws-lc-rs. The environment's proxy is for the network, not for this machine.
fn http_client(endpoint: Option<&str>) -> SharedHttpClient {
    let tls = Provider::Rustls(CryptoMode::AwsLc);
    if !endpoint.is_some_and(is_loopback) {
        return Builder::new().tls_provider(tls).build_https();
    }
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector =
            Connector::builder().proxy_config(ProxyConfig::disabled()).tls_provider(tls.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector.build()
    })
}

fn is_loopback(endpoint: &str) -> bool {
    let host = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let host = host.trim_end_matches('/').rsplit_once(':').map_or(host, |(host, _port)| host);
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Read anew whenever the SDK asks: whoever rotates the keys need not restart anything.
impl ProvideCredentials for Keys {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(self.read())
    }
}

impl Keys {
    fn read(&self) -> Result<Credentials, CredentialsError> {
        let secret = self.secret.read().map_err(CredentialsError::not_loaded)?;
        let text = std::str::from_utf8(secret.expose_secret())
            .map_err(|_| CredentialsError::not_loaded("the secret access key is no text"))?;
        Ok(Credentials::from_keys(&self.id, text, None))
    }
}
