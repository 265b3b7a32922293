//! What would keep a rotation from working: the service, then each secret. Only looks, and fetches no value.

use aws_sdk_secretsmanager::{Client, operation::describe_secret::DescribeSecretOutput};
use keywheel_core::{
    ErrorKind,
    provider::{Entrusted, Finding},
    secret::Stage,
};

use super::{first::SUFFIX, picture::Picture, requests::NOT_FOUND, store::Shared};
use crate::{
    call::Call,
    doctor,
    looks::{Look, at_each},
    writes::Resource,
};

/// The name of no secret.
const NOBODY: &str = "keywheel-doctor/no-such-secret";

/// The id of no version: whoever may read a secret is told so, and nothing is decrypted.
const NO_VERSION: &str = "00000000-0000-0000-0000-000000000000";

const DESCRIBE: &str = "secretsmanager:DescribeSecret";
const READ: &str = "secretsmanager:GetSecretValue";

/// What a rotation asks of a secret that has a value, beyond looking.
const NEXT: &[&str] = &[
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
];
/// What a first value asks of it, and of the secret in which it is pending.
const FIRST: &[&str] = &[
    "secretsmanager:CreateSecret",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
];
const PENDING: &[&str] = &[
    "secretsmanager:CreateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
];

pub(super) async fn findings(shared: &Shared, entrusted: &[Entrusted]) -> Vec<Finding> {
    let call = Call::new("examine", &*shared.access.clock, None);
    let client = match shared.client(call.operation).await {
        Ok(client) => client,
        Err(error) => return vec![doctor::no_region(&error)],
    };
    if let Some(finding) = service(&call, client).await {
        // Whatever is wrong with it is wrong for every secret.
        return vec![finding];
    }
    at_each(&shared.access, &call, entrusted, |secret| look(&call, client, secret), resource).await
}

async fn service(call: &Call<'_>, client: &Client) -> Option<Finding> {
    let failure = call.look(Box::pin(client.describe_secret().secret_id(NOBODY).send())).await.err()?;
    match failure.error.kind {
        // Whoever may look at some secrets alone is refused any other.
        ErrorKind::NotFound | ErrorKind::PermissionDenied => None,
        ErrorKind::Unauthenticated
        | ErrorKind::Unavailable
        | ErrorKind::TimedOut
        | ErrorKind::RateLimited
        | ErrorKind::Conflict
        | ErrorKind::InvalidConfig
        | ErrorKind::Unsupported
        | ErrorKind::Fenced
        | ErrorKind::Corrupt
        | ErrorKind::InvalidValue
        | ErrorKind::DeadlinePassed
        | ErrorKind::Rejected
        | ErrorKind::Internal => Some(doctor::finding(&failure, DESCRIBE, "*")),
    }
}

/// What a policy calls the secret called `name`; the service adds six characters to it.
fn resource(name: &str) -> String {
    format!("arn:aws:secretsmanager:*:*:secret:{name}-??????")
}

/// The same for one that is not there: the six characters are anybody's guess.
fn named(name: &str) -> Resource {
    Resource::Named("secretsmanager", format!("secret:{name}-keywhl"))
}

async fn look(call: &Call<'_>, client: &Client, entrusted: &Entrusted) -> Look {
    let mut look = Look::default();
    let name = &*entrusted.location.key;
    match call.look(Box::pin(client.describe_secret().secret_id(name).send())).await {
        Ok(output) => state(call, entrusted, output, &mut look),
        // Its first value is yet to come.
        Err(failure) if failure.is(NOT_FOUND) => {
            look.writes(named(name), FIRST);
            look.writes(named(&format!("{name}{SUFFIX}")), PENDING);
            return look;
        }
        Err(failure) => look.failed(&failure, DESCRIBE, &resource(name)),
    }
    let request = client.get_secret_value().secret_id(name).version_id(NO_VERSION);
    match call.look(Box::pin(request.send())).await {
        Ok(_) => {}
        Err(failure) if failure.is(NOT_FOUND) => {}
        // One that is scheduled for deletion is in no state to be read, which is said already.
        Err(failure) if failure.is(&["InvalidRequestException"]) => {}
        Err(failure) => look.failed(&failure, READ, &resource(name)),
    }
    look
}

/// What the secret is, and whether a rotation could begin.
fn state(call: &Call<'_>, entrusted: &Entrusted, output: DescribeSecretOutput, look: &mut Look) {
    let name = &*entrusted.location.key;
    if let Some(arn) = &output.arn {
        look.writes(Resource::Arn(arn.clone()), NEXT);
    }
    let owner = output.owning_service.clone().filter(|_| entrusted.rotated);
    let rotated_there = output.rotation_enabled == Some(true) && entrusted.rotated;
    let picture = Picture::of(output);
    if picture.at(Stage::Current).is_none() {
        look.writes(named(&format!("{name}{SUFFIX}")), PENDING);
    }
    let usable = if entrusted.rotated { picture.writable(call, name) } else { picture.readable(call, name) };
    if let Err(error) = usable {
        return look.found(Finding::error(
            error.message,
            "until then a rotation is refused before anything is staged",
        ));
    }
    if let Some(owner) = owner {
        look.found(Finding::error(
            format!("the service `{owner}` manages the secret, and nobody else can change it"),
            "have that service rotate it, and leave it out of the inventory",
        ));
    }
    if rotated_there {
        look.found(Finding::warning(
            "AWS rotates the secret as well: the two would get in each other's way",
            format!("`aws secretsmanager cancel-rotate-secret --secret-id {name}`, or `automation: manual`"),
        ));
    }
    let strange = |id: &&str| picture.note(id).is_none();
    if let Some(other) = picture.at(Stage::Pending).filter(strange).filter(|_| entrusted.rotated) {
        look.found(Finding::error(
            format!("version {other} has AWSPENDING, and keywheel did not stage it: a rotation is in flight, or was left"),
            format!(
                "if nobody needs it: `aws secretsmanager update-secret-version-stage --secret-id {name} --version-stage \
                 AWSPENDING --remove-from-version-id {other}`"
            ),
        ));
    }
}
