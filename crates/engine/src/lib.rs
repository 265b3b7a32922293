//! Runs plans: observes the world, drives each rotation through the state machine of `keywheel_core::rotation`, keeps
//! the audit.
//!
//! One rotation is followed through [`engine`] (which rotations, how many at once) → [`drive`](engine::Engine::run)
//! (intent, action, outcome) → `act` (what each action does) and never back.

mod act;
pub mod audit;
mod clock;
mod doctor;
mod drive;
mod elsewhere;
pub mod engine;
mod event;
mod finished;
mod gather;
mod handles;
mod keys;
pub mod layers;
mod lease;
mod limits;
mod observe;
mod operator;
mod post;
mod provided;
mod report;
mod status;
mod stop;
mod verify;

pub use clock::SystemClock;
pub use doctor::{Examined, doctor};
pub use engine::{Engine, EngineParts};
pub use event::{Boundary, EngineEvent, NoBoundary, Observer, Point, Silent};
pub use keys::Keys;
pub use observe::observe;
pub use operator::Refused;
pub use provided::{ProvidedValues, StdinValue};
pub use report::{Ended, ItemReport, RunReport};
pub use status::{SecretStatus, State, Unfinished, status};
pub use stop::Stop;
pub use verify::{Verified, check_values, verify};
