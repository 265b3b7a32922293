//! The layers by themselves, over models that answer, refuse, or hang.

#[cfg(test)]
mod calls;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod retrying;
#[cfg(test)]
mod timed;
#[cfg(test)]
mod traced;
