//! The contract of `Journal`, sentence by sentence.

use std::{any::Any, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use keywheel_core::{
    Effect, ErrorKind, Fence, Fingerprinter, Result, SecretName,
    journal::{Acquired, Journal, Lease},
    notifier::Phase,
    rotation::{
        Action, ConsumerIndex, Event, Flow, Location, NewRecord, Outcome, Record, RetryPolicy, RotationSpec,
        Source, Started, StepFacts, StoreIndex, StoreRef, VersionFact,
    },
};

use super::{
    run::skipped,
    sample::{initiator, rotation, secret, started_at, value},
};

type Reopen = Arc<dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Journal>>> + Send + Sync>;
type Wait = Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// An empty journal, opened by two processes, and what a case needs besides it.
pub struct JournalFixture {
    journal: Arc<dyn Journal>,
    other: Arc<dyn Journal>,
    lifetime: Duration,
    reopen: Option<Reopen>,
    silence_holder: Option<Wait>,
    wait: Option<Wait>,
    damaged: Vec<(String, Reopen)>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl JournalFixture {
    /// One empty journal as two processes see it.
    pub fn new(journal: Arc<dyn Journal>, other: Arc<dyn Journal>) -> Self {
        Self {
            journal,
            other,
            lifetime: Duration::from_secs(30),
            reopen: None,
            silence_holder: None,
            wait: None,
            damaged: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// How a third process opens the same journal.
    #[must_use]
    pub fn reopened_by(
        mut self,
        reopen: impl Fn() -> BoxFuture<'static, Result<Arc<dyn Journal>>> + Send + Sync + 'static,
    ) -> Self {
        self.reopen = Some(Arc::new(reopen));
        self
    }

    /// Has the first process give no sign of life for as long as its lease lives. Its handle still works.
    #[must_use]
    pub fn silencing_by(
        mut self,
        silence: impl Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        self.silence_holder = Some(Arc::new(silence));
        self
    }

    /// Lets time pass.
    #[must_use]
    pub fn waiting_by(
        mut self,
        wait: impl Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        self.wait = Some(Arc::new(wait));
        self
    }

    /// How long the cases' leases live; choose a short one where waiting is real.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// One way in which the storage can be damaged, or be of a newer format: `open` does the damage to a copy, opens
    /// it, and is expected to fail.
    #[must_use]
    pub fn damaged_by(
        mut self,
        what: &str,
        open: impl Fn() -> BoxFuture<'static, Result<Arc<dyn Journal>>> + Send + Sync + 'static,
    ) -> Self {
        self.damaged.push((what.to_owned(), Arc::new(open)));
        self
    }

    /// Keeps `guard` (a temporary directory) for as long as the case runs.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(guard));
        self
    }

    async fn ask(&self, journal: &Arc<dyn Journal>, secret: &SecretName) -> Acquired {
        journal.acquire(secret, &initiator(), self.lifetime).await.expect("acquire")
    }

    async fn lease(&self, journal: &Arc<dyn Journal>) -> Lease {
        self.lease_of(journal, &secret()).await
    }

    async fn lease_of(&self, journal: &Arc<dyn Journal>, secret: &SecretName) -> Lease {
        match self.ask(journal, secret).await {
            Acquired::Yes(lease) | Acquired::TakenOver(lease) => lease,
            Acquired::HeldBy(holder) => panic!("nobody else should hold the lease: {holder:?}"),
        }
    }

    async fn write(&self, lease: &Lease, number: u8, event: Event) -> Record {
        self.journal.append(lease, record(lease, number, event)).await.expect("append")
    }

    /// Every record of the journal as the other process reads it.
    async fn all(&self) -> Vec<Record> {
        self.other.since(0, usize::MAX).await.expect("since")
    }
}

fn record(lease: &Lease, number: u8, event: Event) -> NewRecord {
    NewRecord {
        rotation: rotation(number),
        secret: lease.secret.clone(),
        at: at(number),
        fence: lease.fence,
        event,
    }
}

fn at(number: u8) -> Timestamp {
    started_at() + SignedDuration::from_hours(i64::from(number))
}

fn started(secret: &SecretName) -> Event {
    let location =
        Location { key: "db_password".into(), next: None, previous: Some("db_password.previous".into()) };
    Event::Started(Box::new(Started {
        spec: RotationSpec {
            secret: secret.clone(),
            flow: Flow::Credential,
            source: Source::Provided,
            stores: vec![StoreRef { store: "app-dir".into(), location }],
            target: None,
            consumers: Vec::new(),
            overlap: Duration::from_hours(1),
            retry: RetryPolicy::default(),
        },
        reason: "it is 31 days old; \"30 days\" is the policy\n— said twice".to_owned(),
        initiator: initiator(),
    }))
}

fn finished(number: u8, outcome: Outcome) -> Event {
    let stayed = outcome == Outcome::Succeeded;
    Event::Finished {
        outcome,
        rotated_at: stayed.then(|| at(number)),
        current: stayed.then(|| Fingerprinter::plain().of(&value(number))),
    }
}

/// One event of every sort that a journal can hold, with everything in it.
fn every_event(secret: &SecretName) -> Vec<Event> {
    let stage = Action::Stage(StoreIndex::PRIMARY);
    let fact = VersionFact {
        id: "v2".into(),
        fingerprint: Fingerprinter::plain().of(&value(1)),
        identity: Some("app_b".into()),
    };
    let facts = StepFacts {
        new: Some(fact.clone()),
        old: Some(fact),
        evidence: Some("3 of 3 replicas".to_owned()),
        generation: Some("2026-11-20T09:18:24Z".into()),
        unchanged: false,
    };
    vec![
        started(secret),
        Event::Begin { action: stage },
        Event::Failed {
            action: stage,
            kind: ErrorKind::TimedOut,
            effect: Effect::MaybeApplied,
            message: "no answer in 10 s".to_owned(),
        },
        Event::Done { action: stage, facts },
        Event::Parked { reason: "a person is needed".to_owned() },
        Event::Released { initiator: "ann@ops".into() },
        Event::OverlapCut { initiator: "ann@ops".into(), reason: "it leaked".to_owned() },
        Event::AdoptionVouched {
            consumer: ConsumerIndex(0),
            phase: Phase::Promoted,
            initiator: "ann@ops".into(),
            reason: "restarted by hand".to_owned(),
        },
        Event::UndoBegan { reason: "deadline".to_owned(), initiator: "daemon".into() },
    ]
}

/// 1. When `append` returns Ok, the record survives a crash of the process and of the machine. (Of these a suite can end
///    the process; the machine is the implementation's own case.)
pub async fn c01_an_appended_record_survives_the_process(fixture: JournalFixture) {
    let lease = fixture.lease(&fixture.journal).await;
    let written = fixture.write(&lease, 1, started(&secret())).await;
    fixture.journal.set_note("audit", "head").await.expect("set a note");
    assert_eq!(fixture.all().await, vec![written.clone()]);
    let Some(reopen) = &fixture.reopen else { return skipped("the fixture cannot open the journal again") };
    let survivor = reopen().await.expect("the journal opens again");
    assert_eq!(survivor.records(rotation(1)).await.expect("records"), vec![written]);
    assert_eq!(survivor.note("audit").await.expect("note").as_deref(), Some("head"));
    assert_eq!(survivor.note("unknown").await.expect("note"), None);
}

/// 2. When `append` fails with `NotApplied`, the record is not there; with `MaybeApplied`, nobody knows.
pub async fn c02_a_record_that_was_not_applied_is_not_there(fixture: JournalFixture) {
    let lease = fixture.lease(&fixture.journal).await;
    fixture.write(&lease, 1, started(&secret())).await;
    let before = fixture.all().await;
    let invented = Lease { secret: secret(), fence: Fence(lease.fence.0 + 1) };
    let refusal =
        fixture.journal.append(&invented, record(&invented, 1, finished(1, Outcome::RolledBack))).await;
    assert_eq!(refusal.expect_err("nobody holds this lease").effect, Effect::NotApplied);
    assert_eq!(fixture.all().await, before);
    assert_eq!(fixture.journal.last_rotation(&secret()).await.expect("last rotation"), None);
}

/// 3. `append` under a lease that another holder took over, or that was released, is `Fenced` and writes nothing.
pub async fn c03_append_under_a_lost_or_released_lease_is_fenced(fixture: JournalFixture) {
    let lease = fixture.lease(&fixture.journal).await;
    fixture.write(&lease, 1, started(&secret())).await;
    let before = fixture.all().await;
    let event = || Event::Begin { action: Action::Stage(StoreIndex::PRIMARY) };
    fixture.journal.release(&lease).await.expect("release");
    fixture.journal.release(&lease).await.expect("release again");
    let refusal = fixture.journal.append(&lease, record(&lease, 1, event())).await.expect_err("released");
    assert_eq!((refusal.kind, refusal.effect), (ErrorKind::Fenced, Effect::NotApplied), "{refusal}");
    let taken = fixture.lease(&fixture.other).await;
    let refusal = fixture.journal.append(&lease, record(&lease, 1, event())).await.expect_err("taken over");
    assert_eq!((refusal.kind, refusal.effect), (ErrorKind::Fenced, Effect::NotApplied), "{refusal}");
    assert_eq!(fixture.all().await, before);
    fixture.journal.release(&lease).await.expect("a lease that was lost");
    fixture.other.append(&taken, record(&taken, 1, event())).await.expect("the new holder is not disturbed");
}

/// 4. Records come back in the order of their numbers, whole, as they were written.
pub async fn c04_records_come_back_in_order_and_whole(fixture: JournalFixture) {
    let (one, two) = (secret(), SecretName::from("api-key"));
    let lease_one = fixture.lease_of(&fixture.journal, &one).await;
    let lease_two = fixture.lease_of(&fixture.journal, &two).await;
    let mut written = Vec::new();
    for (event_one, event_two) in every_event(&one).into_iter().zip(every_event(&two)) {
        for (lease, number, event) in [(&lease_one, 1, event_one), (&lease_two, 2, event_two)] {
            let body = record(lease, number, event);
            let record = fixture.journal.append(lease, body.clone()).await.expect("append");
            assert_eq!(record.body, body);
            written.push(record);
        }
    }
    assert!(written.is_sorted_by(|one, next| one.seq < next.seq), "numbers grow");
    assert_eq!(fixture.all().await, written);
    let page = fixture.other.since(written[3].seq, 5).await.expect("since");
    assert_eq!(page, written[4..9]);
    let of = |number| written.iter().filter(move |record| record.body.rotation == rotation(number)).cloned();
    let (of_one, of_two): (Vec<_>, Vec<_>) = (of(1).collect(), of(2).collect());
    assert_eq!(fixture.other.records(rotation(1)).await.expect("records"), of_one);
    assert_eq!(fixture.other.records(rotation(9)).await.expect("records"), Vec::new());
    assert_eq!(fixture.other.unfinished_of(&two).await.expect("unfinished"), of_two);
    assert_eq!(fixture.other.unfinished().await.expect("unfinished"), vec![of_one.clone(), of_two]);
    fixture.write(&lease_two, 2, finished(2, Outcome::RolledBack)).await;
    assert_eq!(fixture.other.unfinished().await.expect("unfinished"), vec![of_one]);
    assert_eq!(fixture.other.unfinished_of(&two).await.expect("unfinished"), Vec::new());
}

/// 5. `last_rotations` reflects every `Finished` record.
pub async fn c05_last_rotations_reflects_every_finished_record(fixture: JournalFixture) {
    let lease = fixture.lease(&fixture.journal).await;
    assert_eq!(fixture.other.last_rotation(&secret()).await.expect("last rotation"), None);
    for (number, outcome) in [(1, Outcome::Succeeded), (2, Outcome::RolledBack), (3, Outcome::Unchanged)] {
        fixture.write(&lease, number, started(&secret())).await;
        fixture.write(&lease, number, finished(number, outcome)).await;
        let last =
            fixture.other.last_rotation(&secret()).await.expect("last rotation").expect("there is one");
        assert_eq!((last.rotation, last.outcome, last.finished_at), (rotation(number), outcome, at(number)));
        assert_eq!(
            last.rotated_at,
            Some(at(1)),
            "a rotation that did not stay does not change the value's age"
        );
        assert_eq!(fixture.other.last_rotations().await.expect("last rotations"), vec![last]);
    }
    let newest_first = fixture.other.rotations_of(&secret(), 2).await.expect("rotations");
    assert_eq!(newest_first, vec![rotation(3), rotation(2)]);
    assert_eq!(fixture.other.rotations_of(&"api-key".into(), 2).await.expect("rotations"), Vec::new());
    let other = fixture.lease_of(&fixture.journal, &"api-key".into()).await;
    fixture.write(&other, 4, started(&other.secret)).await;
    fixture.write(&other, 4, finished(4, Outcome::Succeeded)).await;
    assert_eq!(fixture.other.last_rotations().await.expect("last rotations").len(), 2);
}

/// 6. At most one holder has a lease at one time; a new holder's fence is greater than every earlier one of that secret.
pub async fn c06_one_holder_at_a_time_and_fences_grow(fixture: JournalFixture) {
    let mut newest = Fence(0);
    for round in 0..4 {
        let (holder, loser) = if round % 2 == 0 {
            (&fixture.journal, &fixture.other)
        } else {
            (&fixture.other, &fixture.journal)
        };
        let lease = fixture.lease(holder).await;
        assert!(lease.fence > newest, "{:?} after {newest:?}", lease.fence);
        newest = lease.fence;
        match fixture.ask(loser, &secret()).await {
            Acquired::HeldBy(found) => assert_eq!(found.initiator, initiator()),
            Acquired::Yes(second) | Acquired::TakenOver(second) => {
                panic!("two holders: {lease:?} and {second:?}")
            }
        }
        fixture.lease_of(loser, &"api-key".into()).await;
        loser.release(&fixture.lease_of(loser, &"api-key".into()).await).await.expect("release");
        holder.release(&lease).await.expect("release");
    }
}

/// 7. The lease of a process that died can be taken over; that of a living one only after it expired, and then the answer
///    is `TakenOver`, to whoever gets it, until one of them releases it.
pub async fn c07_a_silent_process_loses_its_lease_and_a_living_one_keeps_it(fixture: JournalFixture) {
    let lease = fixture.lease(&fixture.journal).await;
    if let Some(wait) = &fixture.wait {
        for _ in 0..4 {
            wait(fixture.lifetime / 2).await;
            let answer = fixture.ask(&fixture.other, &secret()).await;
            assert!(matches!(answer, Acquired::HeldBy(_)), "a living process lost its lease");
        }
    }
    let Some(silence) = &fixture.silence_holder else {
        return skipped("the fixture cannot silence the holder");
    };
    silence(fixture.lifetime).await;
    let answer = fixture.ask(&fixture.other, &secret()).await;
    let Acquired::TakenOver(taken) = answer else { panic!("it was taken from a living process: {answer:?}") };
    assert!(taken.fence > lease.fence, "{taken:?} after {lease:?}");
    assert_eq!(fixture.ask(&fixture.other, &secret()).await, Acquired::TakenOver(taken.clone()), "still");
    let event = Event::Begin { action: Action::Stage(StoreIndex::PRIMARY) };
    if let Err(refusal) = fixture.journal.append(&lease, record(&lease, 1, event)).await {
        assert_eq!(fixture.all().await, Vec::new(), "{refusal}");
    } else {
        panic!("a holder that came back to life wrote under a lease that was taken over");
    }
    fixture.other.release(&taken).await.expect("release");
    let answer = fixture.ask(&fixture.journal, &secret()).await;
    assert!(matches!(answer, Acquired::Yes(_)), "whoever took it over has given it back: {answer:?}");
}

/// 8. A lease that its holder asks for again is given again, with the same fence.
pub async fn c08_asking_again_gives_the_same_lease(fixture: JournalFixture) {
    let lease = fixture.lease(&fixture.journal).await;
    assert_eq!(fixture.ask(&fixture.journal, &secret()).await, Acquired::Yes(lease.clone()));
    fixture.write(&lease, 1, started(&secret())).await;
}

/// 9. A journal of a newer format, or a damaged one, is refused when it is opened.
pub async fn c09_a_newer_or_damaged_journal_is_refused(fixture: JournalFixture) {
    if fixture.damaged.is_empty() {
        return skipped("the fixture cannot damage its storage");
    }
    let lease = fixture.lease(&fixture.journal).await;
    fixture.write(&lease, 1, started(&secret())).await;
    for (what, open) in &fixture.damaged {
        assert!(open().await.is_err(), "{what} was opened all the same");
    }
}

/// 10. `append_all` leaves what `append` of one record after the other would leave: some of the first ones, or all. It
///     fails with `NotApplied` only when none of them is there.
pub async fn c10_records_that_follow_one_another_are_written_in_order(fixture: JournalFixture) {
    let lease = fixture.lease(&fixture.journal).await;
    let bodies: Vec<_> = every_event(&secret()).into_iter().map(|event| record(&lease, 1, event)).collect();
    let written = fixture.journal.append_all(&lease, bodies.clone()).await.expect("append all");
    assert!(written.iter().map(|record| &record.body).eq(&bodies), "{written:?}");
    assert!(written.is_sorted_by(|one, next| one.seq < next.seq), "numbers grow");
    assert_eq!(fixture.all().await, written);
    let ended = vec![record(&lease, 1, finished(1, Outcome::Succeeded))];
    fixture.journal.append_all(&lease, ended).await.expect("append the last one");
    let last = fixture.other.last_rotation(&secret()).await.expect("last rotation").expect("there is one");
    assert_eq!(last.rotation, rotation(1));
    let before = fixture.all().await;
    fixture.journal.release(&lease).await.expect("release");
    let two =
        || vec![record(&lease, 2, started(&secret())), record(&lease, 2, finished(2, Outcome::RolledBack))];
    let refusal = fixture.journal.append_all(&lease, two()).await.expect_err("released");
    assert_eq!((refusal.kind, refusal.effect), (ErrorKind::Fenced, Effect::NotApplied), "{refusal}");
    assert_eq!(fixture.all().await, before);
    assert_eq!(fixture.journal.append_all(&lease, Vec::new()).await.expect("nothing to write"), Vec::new());
}
