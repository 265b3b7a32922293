//! The search: every piece of every form of every value, in one pass over an output.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;

use crate::encodings::encodings;

/// What is searched for.
pub(crate) struct Needles<'v> {
    search: AhoCorasick,
    /// Whose each piece is. Most values of letters and digits look alike in several forms.
    owners: Vec<Vec<Owner<'v>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Owner<'v> {
    value: &'v str,
    encoding: &'static str,
}

/// What was found. Never the value itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit<'n> {
    /// The value's name.
    pub(crate) value: &'n str,
    /// How it was written.
    pub(crate) encoding: &'static str,
    /// Where in the output it begins.
    pub(crate) at: usize,
}

impl<'v> Needles<'v> {
    /// All forms of `values`, which have names.
    pub(crate) fn of(values: impl IntoIterator<Item = (&'v [u8], &'v str)>) -> Self {
        let mut pieces: BTreeMap<Vec<u8>, Vec<Owner<'v>>> = BTreeMap::new();
        for (bytes, value) in values {
            for form in encodings(bytes) {
                let owner = Owner { value, encoding: form.encoding };
                for piece in form.text.windows(form.piece) {
                    let owners = pieces.entry(piece.to_vec()).or_default();
                    if !owners.contains(&owner) {
                        owners.push(owner);
                    }
                }
            }
        }
        let search = AhoCorasick::new(pieces.keys()).expect("there are not too many pieces");
        Self { search, owners: pieces.into_values().collect() }
    }

    /// How many different pieces there are.
    pub(crate) fn pieces(&self) -> usize {
        self.owners.len()
    }

    /// The first piece in `bytes`.
    pub(crate) fn find<'n>(&'n self, bytes: &'n [u8]) -> Option<Hit<'n>> {
        self.hits(bytes).next()
    }

    /// Every piece in `bytes`, under the name of each form that has it.
    pub(crate) fn hits<'n>(&'n self, bytes: &'n [u8]) -> impl Iterator<Item = Hit<'n>> {
        self.search.find_overlapping_iter(bytes).flat_map(|found| {
            let owners = &self.owners[found.pattern().as_usize()];
            owners.iter().map(move |owner| Hit {
                value: owner.value,
                encoding: owner.encoding,
                at: found.start(),
            })
        })
    }
}
