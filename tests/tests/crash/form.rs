//! What is rotated: the five forms in which an application keeps a secret.

use std::fmt;

use keywheel_tests::Place;

/// The form of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    Password,
    Variable,
    Field,
    SigningKey,
    TwoStores,
}

impl Form {
    pub(crate) const ALL: [Self; 5] =
        [Self::Password, Self::Variable, Self::Field, Self::SigningKey, Self::TwoStores];

    /// The entry's keys, but for the overlap.
    pub(crate) fn entry(self) -> &'static str {
        match self {
            Self::Password => "generate: password, stores: [files]",
            Self::Variable => "generate: password, stores: [{ store: dotenv, key: DB }]",
            Self::Field => "generate: password, stores: [{ store: config, key: /db/password }]",
            Self::SigningKey => {
                "flow: signing-key, generate: { bytes: { length: 64, encoding: base64 } }, stores: [files]"
            }
            Self::TwoStores => "generate: password, stores: [files, { store: config, key: /db/password }]",
        }
    }

    /// Where it is kept, the primary place first.
    pub(crate) fn places(self) -> Vec<Place> {
        let file = Place::file("secrets/db");
        let variable = Place::Variable("app.env".to_owned(), "DB".to_owned());
        let field = Place::Field("config.json".to_owned(), "/db/password".to_owned());
        match self {
            Self::Password | Self::SigningKey => vec![file],
            Self::Variable => vec![variable],
            Self::Field => vec![field],
            Self::TwoStores => vec![file, field],
        }
    }

    /// Whether consumers accept several keys.
    pub(crate) fn is_ring(self) -> bool {
        self == Self::SigningKey
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Password => "password",
            Self::Variable => ".env variable",
            Self::Field => "document field",
            Self::SigningKey => "signing key",
            Self::TwoStores => "two stores",
        })
    }
}
