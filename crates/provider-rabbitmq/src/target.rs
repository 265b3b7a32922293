//! One declared server.

use std::{path::PathBuf, sync::Arc};

use keywheel_core::{
    Clock, Identity,
    inventory::CredentialRef,
    provider::{Connection, Target},
    rotator::{Rotator, Strategy},
};
use reqwest::Url;

use crate::rotator::RabbitmqRotator;

/// A declared target of kind `rabbitmq`.
pub struct RabbitmqTarget(Arc<Shared>);

/// What the rotators of one target share.
pub(crate) struct Shared {
    pub(crate) host: String,
    pub(crate) amqp_port: u16,
    /// The management API, without a path.
    pub(crate) management: Url,
    /// Whether the server is this machine: no proxy of the environment is asked then.
    pub(crate) loopback: bool,
    /// Whom to believe; without it nothing is encrypted.
    pub(crate) root_certificate: Option<PathBuf>,
    pub(crate) login: Login,
    pub(crate) strategy: Strategy,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The administrator.
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: CredentialRef,
}

impl RabbitmqTarget {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl Target for RabbitmqTarget {
    fn describe(&self) -> String {
        let Shared { host, amqp_port, management, root_certificate, .. } = &*self.0;
        let how = if root_certificate.is_some() { " with TLS" } else { "" };
        let port = management.port_or_known_default().unwrap_or_default();
        format!("RabbitMQ at {host}:{amqp_port}{how}, management at port {port}")
    }

    fn strategy(&self) -> Strategy {
        self.0.strategy
    }

    fn connection(&self) -> Option<Connection> {
        let Shared { host, amqp_port, .. } = &*self.0;
        Some(Connection { engine: "rabbitmq", host: host.clone(), port: *amqp_port, database: None })
    }

    fn rotator(&self, identity: Option<&Identity>) -> Arc<dyn Rotator> {
        Arc::new(RabbitmqRotator::new(Arc::clone(&self.0), identity.cloned()))
    }
}
