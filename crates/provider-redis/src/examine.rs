//! What `doctor` finds: a server that cannot be rotated, rights that are missing, a user that is not as it should be.

use keywheel_core::{Error, ErrorKind, Result, provider::Finding, rotator::Strategy};
use redis::{Pipeline, Value, cmd, pipe};

use crate::{
    server::{Link, Login, Persistence, Session, User, as_administrator, ask},
    target::Shared,
};

const EXAMINE: &str = "examine";

/// One request that rotations make, with arguments that are only looked at, and the rule that allows it.
struct Right {
    request: &'static [&'static str],
    rule: &'static str,
}

const ALWAYS: [Right; 5] = [
    Right { request: &["INFO"], rule: "+info" },
    Right { request: &["ACL", "GETUSER", "default"], rule: "+acl|getuser" },
    Right { request: &["ACL", "SETUSER", "default"], rule: "+acl|setuser" },
    Right { request: &["MULTI"], rule: "+multi" },
    Right { request: &["EXEC"], rule: "+exec" },
];
const WHERE_SAVED: Right = Right { request: &["CONFIG", "GET", "aclfile"], rule: "+config|get" };
const SAVE_USERS: Right = Right { request: &["ACL", "SAVE"], rule: "+acl|save" };
const SAVE_CONFIG: Right = Right { request: &["CONFIG", "REWRITE"], rule: "+config|rewrite" };
const CLOSE: Right = Right { request: &["CLIENT", "KILL", "USER", "default"], rule: "+client|kill" };

/// One finding for each thing that stands in the way of rotating `name`.
pub(crate) async fn examine(shared: &Shared, name: &str) -> Vec<Finding> {
    let outcome = match &shared.login {
        Some(login) => with_login(shared, login, name).await,
        None => without_login(shared).await,
    };
    outcome.unwrap_or_else(|error| vec![from_error(&error)])
}

async fn without_login(shared: &Shared) -> Result<Vec<Finding>> {
    let link = Link::open(&shared.address).await?;
    // An answer, be it a refusal, shows that the server is there.
    ask(EXAMINE, &link, pipe().cmd("PING")).await?;
    let hint = "declare a `login` that may look, or rotate once by hand and watch: `keywheel rotate NAME`";
    let message = "the user changes its own password, so its rights and where the server keeps users cannot be seen \
                   without that password";
    Ok(vec![Finding::warning(message, hint)])
}

async fn with_login(shared: &Shared, login: &Login, name: &str) -> Result<Vec<Finding>> {
    let link = as_administrator(&shared.address, login).await?;
    let mut wanted: Vec<&Right> = ALWAYS.iter().collect();
    wanted.extend(shared.persists.then_some(&WHERE_SAVED));
    wanted.extend(shared.flush_sessions.then_some(&CLOSE));
    let mut findings = missing(&link, login, &wanted).await?;
    if !findings.iter().all(|finding| finding.severity == keywheel_core::provider::Severity::Warning) {
        return Ok(findings);
    }
    let session = Session::begin(EXAMINE, link, shared.persists).await?;
    let save = match session.persistence {
        Persistence::AclFile => Some(&SAVE_USERS),
        Persistence::ConfigFile => Some(&SAVE_CONFIG),
        Persistence::Accepted => None,
    };
    if let (Some(save), true) = (save, findings.is_empty()) {
        findings.extend(missing(&session.link, login, &[save]).await?);
    }
    findings.extend(obstacles(session.user(EXAMINE, name).await?, name, shared.strategy));
    Ok(findings)
}

/// The rights that `login` lacks, asked of the server without doing anything.
async fn missing(link: &Link, login: &Login, wanted: &[&Right]) -> Result<Vec<Finding>> {
    let mut questions = Pipeline::new();
    for right in wanted {
        let mut question = cmd("ACL");
        question.arg("DRYRUN").arg(&login.user).arg(right.request);
        questions.add_command(question);
    }
    let answers = ask(EXAMINE, link, &mut questions).await?;
    if answers.iter().any(Result::is_err) {
        let hint = format!("Redis 7 tells with `ACL SETUSER {} +acl|dryrun`", login.user);
        let message = "whether the administrator may do what a rotation does cannot be asked of this server";
        return Ok(vec![Finding::warning(message, hint)]);
    }
    let lacking = wanted.iter().zip(&answers).filter(|(_, answer)| !matches!(answer, Ok(Value::Okay)));
    Ok(lacking
        .map(|(right, _)| {
            let shown: Vec<_> = right.request.iter().copied().filter(|word| *word != "default").collect();
            Finding::error(
                format!("the administrator {} may not run `{}`", login.user, shown.join(" ")),
                format!("run `ACL SETUSER {} {}` on the server, and save its users", login.user, right.rule),
            )
        })
        .collect())
}

fn obstacles(user: Option<User>, name: &str, strategy: Strategy) -> Vec<Finding> {
    let Some(user) = user else {
        let hint =
            "create it with its rules and the password that the store has; keywheel does not create users";
        return vec![Finding::error(format!("the server has no user {name}"), hint)];
    };
    let mut findings = Vec::new();
    if user.nopass {
        let hint =
            format!("give it one with `ACL SETUSER {name} resetpass`, then `>PASSWORD` as the store has it");
        findings.push(Finding::error(format!("the user {name} needs no password (`nopass`)"), hint));
    }
    if !user.on {
        let hint = format!("run `ACL SETUSER {name} on`");
        findings.push(Finding::error(format!("the user {name} is off: no password of it is accepted"), hint));
    }
    let usual = if strategy.keeps_old() { 2 } else { 1 };
    if user.passwords() > usual {
        let count = user.passwords();
        let hint = format!(
            "look at `ACL GETUSER {name}` and remove what nobody uses with `ACL SETUSER {name} !HASH`"
        );
        let message = format!(
            "the user {name} accepts {count} passwords, more than keywheel gave it; it leaves the others"
        );
        findings.push(Finding::warning(message, hint));
    }
    findings
}

fn from_error(error: &Error) -> Finding {
    let hint = match error.kind {
        ErrorKind::Unauthenticated => "check `login`: the user, and the password that it names",
        ErrorKind::Unavailable | ErrorKind::TimedOut => {
            "check `host`, `port` and `tls`, and that the server runs"
        }
        ErrorKind::PermissionDenied => "give the administrator the right",
        ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::RateLimited
        | ErrorKind::InvalidConfig
        | ErrorKind::Unsupported
        | ErrorKind::Fenced
        | ErrorKind::Corrupt
        | ErrorKind::InvalidValue
        | ErrorKind::DeadlinePassed
        | ErrorKind::Rejected
        | ErrorKind::Internal => "change the settings or the server as it says",
    };
    Finding::error(error.to_string(), hint)
}
