//! A connection whose login may change users.

use keywheel_core::{Effect, Error, ErrorKind, Result, SecretValue, inventory::CredentialRef};
use redis::{Cmd, Pipeline, cmd, pipe};

use super::{
    failure::classify,
    link::{Address, Link},
    reply::{ask, lines, read},
    user::User,
};

const LOG_IN: &str = "log in";

/// The administrator.
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: CredentialRef,
}

/// Where a change of users is kept over a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// In the file of users.
    AclFile,
    /// In the configuration file.
    ConfigFile,
    /// Nowhere, and the operator accepts that.
    Accepted,
}

impl Persistence {
    /// The request that writes it.
    pub(crate) fn save(self) -> Option<Cmd> {
        let (command, subcommand) = match self {
            Self::AclFile => ("ACL", "SAVE"),
            Self::ConfigFile => ("CONFIG", "REWRITE"),
            Self::Accepted => return None,
        };
        let mut save = cmd(command);
        save.arg(subcommand);
        Some(save)
    }
}

/// A connection to a server whose users may be changed here.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) link: Link,
    pub(crate) persistence: Persistence,
}

impl Session {
    /// Looks at the server behind a connection that is logged in. `persists` is false where the operator accepts that
    /// changes are lost.
    pub(crate) async fn begin(operation: &'static str, link: Link, persists: bool) -> Result<Self> {
        let mut looks = pipe();
        looks.cmd("INFO").arg("server");
        if persists {
            looks.cmd("CONFIG").arg("GET").arg("aclfile");
        }
        let mut replies = ask(operation, &link, &mut looks).await?.into_iter();
        let server: String = read(operation, replies.next())?;
        let server = lines(&server);
        // Valkey calls it by its own name.
        let mode = server.get("redis_mode").or_else(|| server.get("server_mode"));
        check_mode(operation, mode.copied().unwrap_or_default())?;
        let persistence = if persists {
            let files: Vec<String> = read(operation, replies.next())?;
            let in_config = server.get("config_file").is_some_and(|file| !file.is_empty());
            match files.get(1).is_some_and(|file| !file.is_empty()) {
                true => Persistence::AclFile,
                false if in_config => Persistence::ConfigFile,
                false => return Err(would_be_lost(operation)),
            }
        } else {
            Persistence::Accepted
        };
        Ok(Self { link, persistence })
    }

    /// The user, on a server that is still one whose users may be changed.
    pub(crate) async fn user(&self, operation: &'static str, name: &str) -> Result<Option<User>> {
        // A fail-over may have made it a replica since it was connected to.
        let mut looks = pipe();
        looks.cmd("INFO").arg("replication").cmd("ACL").arg("GETUSER").arg(name);
        let mut replies = ask(operation, &self.link, &mut looks).await?.into_iter();
        let replication: String = read(operation, replies.next())?;
        if lines(&replication).get("role") != Some(&"master") {
            let message = "this is a replica, whose users are its own and not its master's: name the master";
            return Err(Error::not_applied(ErrorKind::InvalidConfig, operation, message));
        }
        User::read(operation, replies.next())
    }

    /// Closes every connection of `name` but this one.
    pub(crate) async fn close_connections(&self, operation: &'static str, name: &str) -> Result<()> {
        let mut kill = Pipeline::new();
        kill.cmd("CLIENT").arg("KILL").arg("USER").arg(name);
        let mut connection = self.link.connection.clone();
        let given_up = self.link.unless_answered();
        let outcome = self.link.reply(kill.exec_async(&mut connection)).await;
        given_up.answered();
        // The password is gone by now, whatever becomes of this.
        outcome.map_err(|error| {
            let error = classify(operation, Effect::MaybeApplied, &error);
            Error { effect: Effect::MaybeApplied, ..error }
        })
    }
}

fn check_mode(operation: &'static str, mode: &str) -> Result<()> {
    let message = match mode {
        "sentinel" => "this is a Sentinel: name the master that it watches",
        "cluster" => {
            "this is a node of a cluster, where each node has its own users: keywheel does not rotate those"
        }
        "standalone" => return Ok(()),
        _ => "the server does not say whether it stands alone, and keywheel changes users of no other",
    };
    Err(Error::not_applied(ErrorKind::Unsupported, operation, message))
}

fn would_be_lost(operation: &'static str) -> Error {
    let message = "the server has neither an ACL file nor a configuration file, so a restart would bring the old \
                   passwords back; start it with `aclfile` or a configuration file, or accept it with \
                   `persist: { none: \"why\" }`";
    Error::not_applied(ErrorKind::InvalidConfig, operation, message)
}

/// Logs in. `Ok(false)` if the server refused the credential itself.
pub(crate) async fn log_in(link: &Link, user: &str, password: &SecretValue) -> Result<bool> {
    let mut connection = link.connection.clone();
    let mut auth = cmd("AUTH");
    auth.arg(user).arg(password.expose_secret());
    let outcome: Result<(), _> = link.reply(auth.query_async(&mut connection)).await;
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.code() == Some("WRONGPASS") => Ok(false),
        Err(error) => Err(classify(LOG_IN, Effect::NotApplied, &error)),
    }
}

/// Whether a new connection can log in with this credential, and be answered.
pub(crate) async fn try_login(
    operation: &'static str,
    address: &Address,
    user: &str,
    password: &SecretValue,
) -> Result<bool> {
    let link = Link::open(address).await?;
    let mut login = pipe();
    login.cmd("AUTH").arg(user).arg(password.expose_secret()).cmd("PING");
    let mut replies = ask(operation, &link, &mut login).await?.into_iter();
    let failed = |error: &redis::RedisError| classify(operation, Effect::NotApplied, error);
    match replies.next() {
        Some(Err(error)) if error.code() == Some("WRONGPASS") => return Ok(false),
        Some(Err(error)) => return Err(failed(&error)),
        Some(Ok(_)) | None => {}
    }
    match replies.next() {
        Some(Ok(_)) => Ok(true),
        // It is logged in; that it may not say PING is another matter.
        Some(Err(error)) if error.code() == Some("NOPERM") => Ok(true),
        Some(Err(error)) => Err(failed(&error)),
        None => Err(super::reply::strange(operation)),
    }
}

/// A connection that is logged in as the administrator.
pub(crate) async fn as_administrator(address: &Address, login: &Login) -> Result<Link> {
    let password = login.password.read()?;
    let link = Link::open(address).await?;
    if log_in(&link, &login.user, &password).await? {
        return Ok(link);
    }
    let message = "the server refused the administrator's login";
    Err(Error::not_applied(ErrorKind::Unauthenticated, LOG_IN, message).with("user", &login.user))
}
