//! The modelled stores keep the contract that real ones are held to.

use std::sync::Arc;

use jiff::Timestamp;
use keywheel_simulator::models::{Shelf, SimSecret, StoreModel};
use keywheel_testkit::{ManualClock, conformance::SecretFixture, memory::Readable, secret_conformance};

fn fixture(model: StoreModel) -> SecretFixture {
    let shelf = Shelf::new();
    let open = {
        let shelf = shelf.clone();
        move || Arc::new(SimSecret::calm(model, shelf.clone(), ManualClock::at(Timestamp::UNIX_EPOCH)))
    };
    SecretFixture::new(open()).reopened_by(move || open()).seen_by_consumers(move || {
        let seen = shelf.seen_by_consumers();
        Box::pin(async move { seen })
    })
}

secret_conformance!(native, || async { fixture(StoreModel::Native) });
secret_conformance!(sibling, || async { fixture(StoreModel::Sibling) });
secret_conformance!(last_writer, || async { fixture(StoreModel::LastWriter) });
