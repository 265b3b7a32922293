//! Tells people how rotations go: a projection of the engine's events, sent in the background.
//!
//! Nothing here can fail a rotation or hold one up. Messages wait in a bounded queue for each channel; at the end of a
//! run they are given a few seconds to leave, and what could not be delivered is told as an event.

mod mailbox;
mod office;
mod words;

pub(crate) use office::Post;

#[cfg(test)]
mod tests;
