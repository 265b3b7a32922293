//! A declared target of kind `mysql`.

use std::sync::Arc;

use keywheel_core::{
    Identity,
    provider::{Connection, Target},
    rotator::{Rotator, Strategy},
};

use crate::{admin::Admin, flavour::Flavour, rotator::MysqlRotator};

/// What holds for every account of a target.
pub(crate) struct Rules {
    pub(crate) strategy: Strategy,
    pub(crate) account_host: Option<String>,
    pub(crate) flavour: Option<Flavour>,
    pub(crate) clear_statements: bool,
}

/// A server whose accounts are rotated.
pub struct MysqlTarget {
    admin: Arc<Admin>,
    rules: Arc<Rules>,
}

impl MysqlTarget {
    pub(crate) fn new(admin: Admin, rules: Rules) -> Self {
        Self { admin: Arc::new(admin), rules: Arc::new(rules) }
    }
}

impl Target for MysqlTarget {
    fn describe(&self) -> String {
        let place = &self.admin.place;
        format!("{} at {}:{}", self.rules.flavour.unwrap_or(Flavour::MySql).engine(), place.host, place.port)
    }

    fn strategy(&self) -> Strategy {
        self.rules.strategy
    }

    fn connection(&self) -> Option<Connection> {
        let place = &self.admin.place;
        Some(Connection {
            engine: self.rules.flavour.unwrap_or(Flavour::MySql).engine(),
            host: place.host.clone(),
            port: place.port,
            database: None,
        })
    }

    fn rotator(&self, identity: Option<&Identity>) -> Arc<dyn Rotator> {
        Arc::new(MysqlRotator::new(self.admin.clone(), self.rules.clone(), identity.cloned()))
    }
}
