//! The rotations and values that the cases use.

use std::time::Duration;

use jiff::Timestamp;
use keywheel_core::{CallContext, Fence, Initiator, RotationId, SecretName, SecretValue};

/// When the rotations of the cases begin.
pub(super) fn started_at() -> Timestamp {
    Timestamp::from_second(1_772_330_400).expect("a time in 2026")
}

/// Who begins them.
pub(super) fn initiator() -> Initiator {
    "conformance@testkit".into()
}

/// The circumstances of a call of the `number`-th rotation.
pub(super) fn context(number: u8) -> CallContext {
    CallContext {
        rotation: rotation(number),
        started_at: started_at(),
        initiator: initiator(),
        deadline: Duration::MAX,
        fence: Fence(1),
    }
}

/// The id of the `number`-th rotation.
pub(super) fn rotation(number: u8) -> RotationId {
    RotationId::from_random([number; 16])
}

/// The `number`-th value: text, one line, of 32 bytes, different for each number.
pub(super) fn value(number: u8) -> SecretValue {
    SecretValue::from_vec(format!("conformance-value-{number:014}").into_bytes())
}

/// A secret's name.
pub(super) fn secret() -> SecretName {
    "db-password".into()
}

/// Panics if `text` shows `value` in one of the forms in which bytes are usually printed.
pub(super) fn assert_free_of(value: &SecretValue, text: &str) {
    let bytes = value.expose_secret();
    let hex = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let list = format!("{bytes:?}");
    let plain = String::from_utf8_lossy(bytes);
    for form in [plain.as_ref(), hex.as_str(), list.trim_matches(['[', ']'])] {
        assert!(!text.contains(form), "the value shows");
    }
}
