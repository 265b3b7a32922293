//! `keywheel generate`.

use std::io::{IsTerminal, Write};

use keywheel::core::{OsEntropy, SecretValue, generate::PublicKey};

use crate::{
    args::{Generate, GenerateKind, KeyPairArgs},
    commands::Outcome,
    exit,
    failure::Failure,
    look, run,
};

/// Makes one value, and writes it to stdout or a new file.
pub(super) fn run(args: &Generate) -> Outcome {
    let (recipe, place) = args.kind.recipe();
    let mistakes = recipe.validate();
    if let Some(first) = mistakes.first() {
        let words: Vec<_> =
            mistakes.iter().map(|mistake| format!("--{} {}", mistake.field, mistake.message)).collect();
        // The recipe's own words are for the inventory.
        let hint = first.hint.replace("`allow-short: \"…\"`", "`--allow-short REASON`");
        return Err(Failure::usage(words.join("; ")).next(hint));
    }
    let value = recipe.generate(&OsEntropy).map_err(|error| Failure::of(&error.into(), exit::NOT_DONE))?;
    match &place.out {
        Some(path) => {
            run::write_new(path, value.expose_secret(), false)?;
            look::tell(&format!("Wrote {recipe} to {}, which only you can read.", path.display()));
        }
        None => print(&value)?,
    }
    match &args.kind {
        GenerateKind::KeyPair(pair) => public_half(pair, &value),
        GenerateKind::Password(_) | GenerateKind::Bytes(_) | GenerateKind::CookieKey(_) => Ok(exit::DONE),
    }
}

/// A line end follows where a person reads or `$(…)` drops it; raw bytes in a pipe stay as they are.
fn print(value: &SecretValue) -> Result<(), Failure> {
    let terminal = std::io::stdout().is_terminal();
    let text = std::str::from_utf8(value.expose_secret()).is_ok();
    if terminal && !text {
        return Err(
            Failure::usage("raw bytes would confuse the terminal").next("add `--out FILE`, or pipe them")
        );
    }
    let mut stdout = std::io::stdout().lock();
    let line_end: &[u8] = if text && !value.expose_secret().ends_with(b"\n") { b"\n" } else { b"" };
    stdout
        .write_all(value.expose_secret())
        .and_then(|()| stdout.write_all(line_end))
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::new(exit::NOT_DONE, format!("the value cannot be written: {error}")))?;
    if terminal {
        look::tell(
            "This value is on your screen and perhaps in its scrollback; `--out FILE` keeps it off both.",
        );
    }
    Ok(())
}

fn public_half(pair: &KeyPairArgs, private: &SecretValue) -> Outcome {
    if !pair.public && !pair.jwk {
        return Ok(exit::DONE);
    }
    let public =
        PublicKey::of(private).map_err(|error| Failure::new(exit::BUG, format!("the new key: {error}")))?;
    if pair.jwk {
        look::say(&look::document(public.jwk()))?;
    } else {
        look::say(&public.spki_pem())?;
    }
    Ok(exit::DONE)
}
