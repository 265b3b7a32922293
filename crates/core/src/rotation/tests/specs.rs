//! The rotations that the tests are about.

use std::time::Duration;

use crate::{
    document::Layout,
    rotation::{
        ConsumerSpec, Flow, Location, OnDeadline, RetryPolicy, RotationSpec, Source, StoreRef, TargetSpec,
    },
    rotator::Strategy,
};

pub(super) const HOUR: Duration = Duration::from_hours(1);

/// One store, no target, no consumer, no overlap: what every other spec is made from.
pub(super) fn file_only() -> RotationSpec {
    RotationSpec {
        secret: "db-password".into(),
        flow: Flow::Credential,
        source: Source::Provided,
        stores: Vec::new(),
        target: None,
        consumers: Vec::new(),
        overlap: Duration::ZERO,
        retry: RetryPolicy::default(),
    }
    .in_stores(1)
}

/// The rarer parts of a spec, added one by one.
pub(super) trait With {
    fn in_stores(self, count: usize) -> Self;
    fn at_target(self, strategy: Strategy) -> Self;
    fn for_consumers(self, count: usize) -> Self;
    fn patient(self, on_deadline: OnDeadline) -> Self;
    fn overlapping(self) -> Self;
    fn signing(self) -> Self;
}

impl With for RotationSpec {
    fn in_stores(mut self, count: usize) -> Self {
        self.stores = (0..count)
            .map(|number| StoreRef {
                store: format!("store-{number}").as_str().into(),
                location: Location { key: "db_password".into(), next: None, previous: None },
            })
            .collect();
        self
    }

    fn at_target(mut self, strategy: Strategy) -> Self {
        self.target = Some(TargetSpec {
            rotator: "db".into(),
            strategy,
            layout: Layout::Plain,
            login: None,
            confirms: true,
        });
        if strategy.issues() {
            self.source = Source::Minted;
        }
        self
    }

    fn for_consumers(mut self, count: usize) -> Self {
        self.consumers = (0..count)
            .map(|number| ConsumerSpec {
                name: format!("app-{number}").as_str().into(),
                deadline: HOUR,
                on_deadline: OnDeadline::Park,
            })
            .collect();
        self
    }

    fn patient(mut self, on_deadline: OnDeadline) -> Self {
        for consumer in &mut self.consumers {
            consumer.on_deadline = on_deadline;
        }
        self
    }

    fn overlapping(mut self) -> Self {
        self.overlap = HOUR;
        self
    }

    fn signing(mut self) -> Self {
        self.flow = Flow::SigningKey;
        self
    }
}

/// Every shape of rotation: flow × strategy × stores × consumers × overlap × what a deadline does.
pub(super) fn every_spec() -> Vec<RotationSpec> {
    let strategies = [
        None,
        Some(Strategy::InPlace),
        Some(Strategy::Overlap),
        Some(Strategy::Alternating),
        Some(Strategy::Minted),
        Some(Strategy::Reissued),
        Some(Strategy::Versioned),
    ];
    let mut specs = Vec::new();
    for strategy in strategies {
        for stores in [1, 3] {
            for (consumers, on_deadline) in
                [(0, OnDeadline::Park), (2, OnDeadline::Park), (2, OnDeadline::RollBack)]
            {
                let plain = file_only().in_stores(stores).for_consumers(consumers).patient(on_deadline);
                let aimed = match strategy {
                    Some(strategy) => plain.at_target(strategy),
                    None => plain,
                };
                specs.push(aimed.clone());
                specs.push(aimed.clone().overlapping());
                if strategy.is_none() {
                    specs.push(aimed.clone().signing());
                    specs.push(aimed.signing().overlapping());
                }
            }
        }
    }
    specs
}
