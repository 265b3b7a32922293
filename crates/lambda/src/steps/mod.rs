//! The four steps. Each asks what is done already before it does anything.

mod create;
mod finish;
mod rotation;
mod set;
mod test;

pub(crate) use rotation::Rotation;
