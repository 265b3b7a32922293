//! Values and fingerprints without an inventory.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser};
use keywheel::core::{
    FingerprintMode,
    generate::{
        BytesRecipe, CharacterClass, CookieKeyRecipe, Encoding, KeyAlgorithm, KeyPairRecipe, PasswordRecipe,
        Recipe, SAFE_SYMBOLS,
    },
};

#[derive(Args, Debug)]
pub(crate) struct Generate {
    #[command(subcommand)]
    pub(crate) kind: GenerateKind,
}

#[derive(Subcommand, Debug)]
pub(crate) enum GenerateKind {
    /// A password
    Password(PasswordArgs),
    /// Random bytes
    Bytes(BytesArgs),
    /// A 64-byte master key for signed and encrypted cookies
    CookieKey(CookieKeyArgs),
    /// A private key, PKCS#8 in PEM
    KeyPair(KeyPairArgs),
}

/// Where the value goes.
#[derive(Args, Debug)]
pub(crate) struct Where {
    /// Write it to this new file, which only you can read
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct PasswordArgs {
    /// Characters
    #[arg(long, default_value_t = PasswordRecipe::default().length)]
    length: usize,

    /// Kinds of characters, each of which is present
    #[arg(
        long,
        value_delimiter = ',',
        value_parser = names(&CharacterClass::ALL, CharacterClass::as_str),
        default_values = ["lower", "upper", "digit", "symbol"]
    )]
    classes: Vec<CharacterClass>,

    /// The symbols to draw from
    #[arg(long, default_value = SAFE_SYMBOLS, allow_hyphen_values = true)]
    symbols: String,

    /// Characters that never appear
    #[arg(long, default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    exclude: String,

    /// Why fewer than 16 characters will do
    #[arg(long, value_name = "REASON")]
    allow_short: Option<String>,

    #[command(flatten)]
    pub(crate) place: Where,
}

#[derive(Args, Debug)]
pub(crate) struct BytesArgs {
    /// Bytes, before they are encoded
    #[arg(long, default_value_t = BytesRecipe::default().length)]
    length: usize,

    /// How they are written
    #[arg(long, value_parser = encodings(), default_value = "base64")]
    encoding: Encoding,

    /// Why fewer than 16 bytes will do
    #[arg(long, value_name = "REASON")]
    allow_short: Option<String>,

    #[command(flatten)]
    pub(crate) place: Where,
}

#[derive(Args, Debug)]
pub(crate) struct CookieKeyArgs {
    /// How the 64 bytes are written
    #[arg(long, value_parser = encodings(), default_value = "base64")]
    encoding: Encoding,

    #[command(flatten)]
    pub(crate) place: Where,
}

#[derive(Args, Debug)]
pub(crate) struct KeyPairArgs {
    /// The kind of key and its size: what its consumers understand
    #[arg(long, value_parser = names(&KeyAlgorithm::ALL, KeyAlgorithm::as_str))]
    algorithm: KeyAlgorithm,

    /// Print the public half as PEM once the private one is in --out
    #[arg(long, requires = "out")]
    pub(crate) public: bool,

    /// Print the public half as a JSON Web Key once the private one is in --out
    #[arg(long, requires = "out", conflicts_with = "public")]
    pub(crate) jwk: bool,

    #[command(flatten)]
    pub(crate) place: Where,
}

impl GenerateKind {
    /// The recipe that was asked for, and where its value goes.
    pub(crate) fn recipe(&self) -> (Recipe, &Where) {
        match self {
            Self::Password(args) => {
                let recipe = PasswordRecipe {
                    length: args.length,
                    classes: args.classes.iter().copied().collect(),
                    symbols: args.symbols.clone(),
                    exclude: args.exclude.clone(),
                    allow_short: args.allow_short.clone(),
                };
                (Recipe::Password(recipe), &args.place)
            }
            Self::Bytes(args) => {
                let recipe = BytesRecipe {
                    length: args.length,
                    encoding: args.encoding,
                    allow_short: args.allow_short.clone(),
                };
                (Recipe::Bytes(recipe), &args.place)
            }
            Self::CookieKey(args) => {
                (Recipe::CookieKey(CookieKeyRecipe { encoding: args.encoding }), &args.place)
            }
            Self::KeyPair(args) => {
                (Recipe::KeyPair(KeyPairRecipe { algorithm: args.algorithm }), &args.place)
            }
        }
    }
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("source").required(true))]
pub(crate) struct FingerprintArgs {
    /// What the stores hold of this secret
    #[arg(group = "source")]
    pub(crate) name: Option<String>,

    /// The bytes of this file, without one line end at the end
    #[arg(long, group = "source", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// The bytes of stdin, without one line end at the end
    #[arg(long, group = "source")]
    pub(crate) stdin: bool,

    /// How it is computed [default: as the inventory says for a NAME, else plain]
    #[arg(long, value_parser = names(&MODES, mode_name))]
    pub(crate) mode: Option<FingerprintMode>,
}

const MODES: [FingerprintMode; 3] =
    [FingerprintMode::Plain, FingerprintMode::Keyed, FingerprintMode::CookieKey];

fn mode_name(mode: FingerprintMode) -> &'static str {
    match mode {
        FingerprintMode::Plain => "plain",
        FingerprintMode::Keyed => "keyed",
        FingerprintMode::CookieKey => "cookie-key",
    }
}

fn encodings() -> impl TypedValueParser<Value = Encoding> {
    names(&[Encoding::Raw, Encoding::Hex, Encoding::Base64, Encoding::Base64Url], Encoding::as_str)
}

/// A parser for values that know their own names.
fn names<T: Copy + Send + Sync + 'static>(
    values: &'static [T],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(values.iter().map(|value| name(*value))).map(move |text| {
        *values.iter().find(|value| name(**value) == text).expect("the parser lets only these names through")
    })
}
