//! The server that checks credentials, through keywheel's rotators.

use std::sync::Arc;

use keywheel_core::{
    CallContext, Effect, Error, ErrorKind, Identity, Result,
    provider::{Administrator, Mistake, Surroundings, Target},
    rotator::{Probe, Rotator},
};
use keywheel_provider_mysql::{MysqlSettings, ServerSetting, StrategySetting, TlsMode, TlsSettings};
use keywheel_provider_postgres::{PostgresSettings, SslMode, TurnsSettings};

use crate::{document::Login, engine::Engine, settings::Settings};

/// One server, as a document with AWSCURRENT names it. The others are compared with that before they get here.
pub(crate) struct Database {
    rotator: Arc<dyn Rotator>,
    engine: Engine,
}

impl Database {
    /// Where the user changes its own password, and where logins are tried.
    ///
    /// # Errors
    /// `InvalidConfig` when the document names no server.
    pub(crate) fn own(settings: &Settings, surroundings: &Surroundings, current: &Login) -> Result<Self> {
        Self::made(settings, surroundings, current, &current.user, None)
    }

    /// Where `administrator` changes `original` and its clone.
    ///
    /// # Errors
    /// As [`Database::own`].
    pub(crate) fn of_pair(
        settings: &Settings,
        surroundings: &Surroundings,
        current: &Login,
        original: &Identity,
        administrator: Administrator,
    ) -> Result<Self> {
        Self::made(settings, surroundings, current, original, Some(administrator))
    }

    fn made(
        settings: &Settings,
        surroundings: &Surroundings,
        current: &Login,
        identity: &Identity,
        administrator: Option<Administrator>,
    ) -> Result<Self> {
        let target: Result<Arc<dyn Target>, Vec<Mistake>> = match current.engine {
            Engine::Postgres => postgres(settings, current, administrator.is_some())
                .resolve(surroundings, administrator)
                .map(|target| Arc::new(target) as _),
            Engine::MySql | Engine::MariaDb => mysql(settings, current, administrator.is_some())
                .resolve(surroundings, administrator)
                .map(|target| Arc::new(target) as _),
        };
        let target = target.map_err(|mistakes| {
            let words: Vec<_> = mistakes
                .iter()
                .map(|Mistake { field, message, hint }| format!("{field}: {message} ({hint})"))
                .collect();
            let message = format!("the document names no server that can be reached: {}", words.join("; "));
            Error::not_applied(ErrorKind::InvalidConfig, "configure", message)
        })?;
        Ok(Self { rotator: target.rotator(Some(identity)), engine: current.engine })
    }

    /// Whether a login with this credential works.
    pub(crate) async fn accepts(&self, login: &Login) -> Result<bool> {
        match self.rotator.probe(login.credential()).await? {
            Probe::Accepted => Ok(true),
            Probe::Rejected => Ok(false),
        }
    }

    /// Has the server accept `new`. `working` is a credential that it accepts now.
    pub(crate) async fn apply(&self, context: &CallContext, new: &Login, working: &Login) -> Result<()> {
        self.rotator.apply(context, new.credential(), Some(working.credential())).await
    }

    /// Whether a clone that may log in is changed only once it is known whose it is.
    pub(crate) fn keeps_strangers(&self) -> bool {
        match self.engine {
            // Whose it is shows in its membership.
            Engine::Postgres => false,
            Engine::MySql | Engine::MariaDb => true,
        }
    }

    /// As [`Database::apply`], for the one of two users whose credential was `previous`, and is replaced.
    ///
    /// The rotator of `MySQL` changes a clone only that is locked, as it leaves it at the end of a turn: one that may log in
    /// could be somebody else's. Nothing ends a turn here, but that the secret itself had the clone's credential says whose it
    /// is. The turn is ended first.
    pub(crate) async fn replace(
        &self,
        context: &CallContext,
        new: &Login,
        working: &Login,
        previous: &Login,
    ) -> Result<()> {
        match self.engine {
            Engine::Postgres => self.apply(context, new, working).await,
            Engine::MySql | Engine::MariaDb => {
                let (old, remaining) = (previous.credential(), Some(working.credential()));
                self.rotator.revoke(context, old, remaining).await?;
                let applied = self.apply(context, new, working).await;
                applied.map_err(|error| Error { effect: Effect::MaybeApplied, ..error })
            }
        }
    }
}

fn postgres(settings: &Settings, login: &Login, pair: bool) -> PostgresSettings {
    PostgresSettings {
        host: login.host.clone(),
        port: login.port,
        database: login.database.clone().unwrap_or_else(|| "postgres".to_owned()),
        sslmode: Some(if login.tls { SslMode::VerifyFull } else { SslMode::Disable }),
        root_certificate: settings.root_certificates.clone().filter(|_| login.tls),
        client_certificate: None,
        strategy: if pair { TurnsSettings::Alternating } else { TurnsSettings::InPlace },
        login: None,
    }
}

fn mysql(settings: &Settings, login: &Login, pair: bool) -> MysqlSettings {
    MysqlSettings {
        host: login.host.clone(),
        port: login.port,
        tls: TlsSettings {
            mode: if login.tls { TlsMode::VerifyFull } else { TlsMode::Disable },
            root_certificate: settings.root_certificates.clone().filter(|_| login.tls),
            server_name: None,
        },
        login: None,
        strategy: if pair { StrategySetting::Alternating } else { StrategySetting::InPlace },
        account_host: settings.account_host.clone(),
        server: Some(if login.engine == Engine::MariaDb {
            ServerSetting::Mariadb
        } else {
            ServerSetting::Mysql
        }),
        clear_statements: false,
    }
}
