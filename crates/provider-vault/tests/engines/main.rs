//! What the server makes itself, over a real `OpenBao` and a real `PostgreSQL`, and over the fake where a network fails.

mod conformance;
mod doctor;
mod faults;
mod life;
mod scene;
