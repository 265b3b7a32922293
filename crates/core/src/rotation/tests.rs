//! The state machine under test: its routes as a person reads them, its laws, and random walks over a modelled world.

mod laws;
mod refusals;
mod regressions;
mod routes;
mod specs;
mod story;
mod walk;
mod world;
