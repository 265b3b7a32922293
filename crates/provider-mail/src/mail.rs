//! From a message to a mail.

use std::{fmt::Write as _, time::SystemTime};

use keywheel_core::{Error, ErrorKind, Result, message::Message};
use lettre::message::{Mailbox, header::ContentType};

use crate::messenger::OPERATION;

/// The mail that says what `message` says.
pub(crate) fn mail(message: &Message, from: &Mailbox, to: &[Mailbox]) -> Result<lettre::Message> {
    let mut mail = lettre::Message::builder()
        .from(from.clone())
        .date(SystemTime::from(message.at))
        // The same for every repetition: mail servers and readers drop what they have.
        .message_id(Some(id(message)))
        .subject(format!("keywheel: {} {}", message.secret, message.occasion))
        .header(ContentType::TEXT_PLAIN);
    for recipient in to {
        mail = mail.to(recipient.clone());
    }
    mail.body(body(message)).map_err(|error| {
        Error::not_applied(ErrorKind::Internal, OPERATION, format!("the mail cannot be written: {error}"))
    })
}

/// `<…@keywheel>`, of letters that may stand there: <https://www.rfc-editor.org/rfc/rfc5322#section-3.6.4>.
fn id(message: &Message) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let letters: String = message.id.chars().map(|letter| if fits(letter) { letter } else { '.' }).collect();
    format!("<{letters}@keywheel>")
}

fn body(message: &Message) -> String {
    let mut text = format!("{}\n\n", message.words);
    let rotation = message.rotation.map(|rotation| rotation.to_string());
    let lines = [
        ("secret", Some(message.secret.as_str())),
        ("environment", message.environment.as_deref()),
        ("owner", message.owner.as_deref()),
        ("rotation", rotation.as_deref()),
    ];
    for (name, value) in lines.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        let _ = writeln!(text, "{name}: {value}");
    }
    let _ = writeln!(text, "time: {}", message.at);
    text
}
