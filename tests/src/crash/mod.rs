//! The crash harness, whatever is rotated: stories, the points at which a run is killed, and the table.

mod kill;
mod recover;
mod stage;
mod steps;
mod story;
mod table;
mod trouble;

pub use kill::{Recovered, Spot, boundaries, kill};
pub use recover::{PATIENCE, recover};
pub use stage::{Stage, expect, outwait_the_overlap, told, unharmed};
pub use steps::{Step, steps, takes_all};
pub use story::{End, Leg, Story};
pub use table::Table;
pub use trouble::{Trouble, meet};
