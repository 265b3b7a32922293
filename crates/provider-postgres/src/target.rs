//! A declared server whose roles get new passwords.

use std::sync::Arc;

use keywheel_core::{
    Identity,
    provider::{Administrator, Connection, Mistake, PasswordSource, Surroundings, Target},
    rotator::{Rotator, Strategy},
};

use crate::{
    admin::{Admin, Login},
    rotator::{PostgresRotator, Shared},
    settings::{LoginSettings, PostgresSettings, TurnsSettings, Written},
};

/// A target of kind `postgres`.
pub struct PostgresTarget {
    shared: Arc<Shared>,
}

impl PostgresSettings {
    /// The target that these settings declare. An `administrator` whose password the caller holds makes the changes in
    /// place of `login`. Looks at no file and no server.
    ///
    /// # Errors
    /// Every mistake, not only the first.
    pub fn resolve(
        self,
        surroundings: &Surroundings,
        administrator: Option<Administrator>,
    ) -> Result<PostgresTarget, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let Self { host, port, database, sslmode, root_certificate, client_certificate, strategy, login } =
            self;
        let written = Written { host, port, database, sslmode, root_certificate, client_certificate };
        let address = Arc::new(written.resolve(&surroundings.base, &mut mistakes));
        let strategy = match strategy {
            TurnsSettings::InPlace => Strategy::InPlace,
            TurnsSettings::Alternating => Strategy::Alternating,
        };
        if login.is_none() && administrator.is_none() && strategy == Strategy::Alternating {
            mistakes.push(Mistake::new(
                "login",
                "roles that take turns are changed by a third one, and nothing says which",
                "write `login: {user: keywheel, password: file:PATH}`, or `strategy: in-place` for a role that changes its own \
                 password",
            ));
        }
        let login = match administrator {
            Some(Administrator { user, password }) => {
                let password = PasswordSource::Held(password);
                named(user, &mut mistakes).map(|user| Login { user, password })
            }
            None => login.and_then(|login| login.resolve(surroundings, &mut mistakes)),
        };
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let clock = Arc::clone(&surroundings.clock);
        let admin = login.map(|login| Admin::new(Arc::clone(&address), login, Arc::clone(&clock)));
        Ok(PostgresTarget { shared: Arc::new(Shared { address, admin, strategy, clock }) })
    }
}

impl LoginSettings {
    pub(crate) fn resolve(self, surroundings: &Surroundings, mistakes: &mut Vec<Mistake>) -> Option<Login> {
        let user = named(self.user, mistakes)?;
        Some(Login { user, password: PasswordSource::Named(self.password.beside(&surroundings.base)) })
    }
}

fn named(user: String, mistakes: &mut Vec<Mistake>) -> Option<String> {
    if user.is_empty() || user.contains('\0') {
        mistakes.push(Mistake::new("login.user", "no role is called that", "write the role's name"));
        return None;
    }
    Some(user)
}

impl Target for PostgresTarget {
    fn describe(&self) -> String {
        format!("PostgreSQL at {}", self.shared.address)
    }

    fn strategy(&self) -> Strategy {
        self.shared.strategy
    }

    fn connection(&self) -> Option<Connection> {
        let address = &self.shared.address;
        Some(Connection {
            engine: "postgres",
            host: address.host.clone(),
            port: address.port,
            database: Some(address.database.clone()),
        })
    }

    fn rotator(&self, identity: Option<&Identity>) -> Arc<dyn Rotator> {
        Arc::new(PostgresRotator::new(Arc::clone(&self.shared), identity.cloned()))
    }
}
