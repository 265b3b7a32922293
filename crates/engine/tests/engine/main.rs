//! The engine as a whole: real rotations over modelled stores, targets and consumers, looked at from outside.

#[cfg(test)]
mod dead;
#[cfg(test)]
mod document;
mod durable;
#[cfg(test)]
mod fan_out;
mod gather;
mod handed;
#[cfg(test)]
mod lease;
#[cfg(test)]
mod leftovers;
#[cfg(test)]
mod life;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod meanwhile;
#[cfg(test)]
mod order;
#[cfg(test)]
mod overlap;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod plan;
mod post;
#[cfg(test)]
mod process;
#[cfg(test)]
mod reissued;
#[cfg(test)]
mod replicas;
#[cfg(test)]
mod rollback;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod signing;
#[cfg(test)]
mod view;
#[cfg(test)]
mod whose;
mod witness;
#[cfg(test)]
mod world;
