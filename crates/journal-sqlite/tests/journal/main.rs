//! The journal's contract, sentence by sentence, and what tries to break it.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod leases;
#[cfg(test)]
mod refusals;
#[cfg(test)]
#[cfg(test)]
mod support;
