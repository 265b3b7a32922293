//! The contract of `Notifier`, sentence by sentence.

use std::{any::Any, sync::Arc, time::Duration};

use futures::future::BoxFuture;
use keywheel_core::{
    Fingerprint, Fingerprinter, Result, SecretValue,
    notifier::{Adoption, Notice, Notifier, Phase},
};

use super::{
    run::skipped,
    sample::{assert_free_of, context, rotation, secret, value},
};

type Promote = Arc<dyn Fn(SecretValue) -> BoxFuture<'static, ()> + Send + Sync>;
type Act = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;
type Handed = Arc<dyn Fn() -> BoxFuture<'static, Option<Vec<u8>>> + Send + Sync>;
type Look = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;
type Wait = Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>;

/// A running consumer that uses the value number 0, and what a case needs besides it.
pub struct NotifierFixture {
    notifier: Arc<dyn Notifier>,
    fingerprinter: Fingerprinter,
    promote: Promote,
    stop: Option<Act>,
    state: Option<Look>,
    handed: Option<Handed>,
    wait: Wait,
    looks: u32,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl NotifierFixture {
    /// `notifier` tells a consumer that uses [`NotifierFixture::first_value`]. `promote` puts a value where the
    /// consumer reads it, without telling; fingerprints in evidence are `fingerprinter`'s.
    pub fn new(
        notifier: Arc<dyn Notifier>,
        fingerprinter: Fingerprinter,
        promote: impl Fn(SecretValue) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self {
            notifier,
            fingerprinter,
            promote: Arc::new(promote),
            stop: None,
            state: None,
            handed: None,
            wait: Arc::new(|_| Box::pin(async {})),
            looks: 100,
            kept: Vec::new(),
        }
    }

    /// The value that the consumer uses when a case begins.
    pub fn first_value() -> SecretValue {
        value(0)
    }

    /// Makes the consumer disappear.
    #[must_use]
    pub fn stopped_by(mut self, stop: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static) -> Self {
        self.stop = Some(Arc::new(stop));
        self
    }

    /// What the consumer uses, in words, found without the implementation.
    #[must_use]
    pub fn state_from(
        mut self,
        look: impl Fn() -> BoxFuture<'static, String> + Send + Sync + 'static,
    ) -> Self {
        self.state = Some(Arc::new(look));
        self
    }

    /// The consumer is handed its values; `look` gives the last one, found without the implementation.
    #[must_use]
    pub fn handed_to(
        mut self,
        look: impl Fn() -> BoxFuture<'static, Option<Vec<u8>>> + Send + Sync + 'static,
    ) -> Self {
        self.handed = Some(Arc::new(look));
        self
    }

    /// Lets time pass between two looks.
    #[must_use]
    pub fn waiting_by(
        mut self,
        wait: impl Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        self.wait = Arc::new(wait);
        self
    }

    /// Keeps `guard` (a child process) for as long as the case runs.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(guard));
        self
    }

    fn print(&self, number: u8) -> Fingerprint {
        self.fingerprinter.of(&value(number))
    }

    fn promoted(&self, number: u8) -> Notice {
        Notice {
            rotation: rotation(number),
            phase: Phase::Promoted,
            secret: secret(),
            expected: Some(self.print(number)),
            identity: None,
            replaced: None,
            since: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    async fn state(&self) -> Option<String> {
        match &self.state {
            Some(look) => Some(look().await),
            None => None,
        }
    }

    async fn look(&self, notice: &Notice) -> Adoption {
        self.notifier.adopted(notice).await.expect("looking is no error while the consumer runs")
    }

    /// Looks until the answer is not `NotYet`.
    async fn settled(&self, notice: &Notice) -> Adoption {
        let mut seen = self.look(notice).await;
        for _ in 0..self.looks {
            if !matches!(seen, Adoption::NotYet { .. }) {
                break;
            }
            (self.wait)(Duration::from_millis(50)).await;
            seen = self.look(notice).await;
        }
        seen
    }

    /// Puts the `number`-th value there, tells the consumer and waits for it.
    async fn move_to(&self, number: u8) -> Adoption {
        (self.promote)(value(number)).await;
        let notice = self.promoted(number);
        self.tell(number, &notice).await.expect("notify");
        self.settled(&notice).await
    }

    /// Tells the consumer of the `number`-th value as an engine does.
    async fn tell(&self, number: u8, notice: &Notice) -> Result<()> {
        if self.notifier.wants_value() {
            self.notifier.notify_with(&context(number), notice, &value(number)).await
        } else {
            self.notifier.notify(&context(number), notice).await
        }
    }
}

/// 1. `notify` succeeds only if the message reached the consumer, or whatever restarts it.
pub async fn c01_a_told_consumer_moves(fixture: NotifierFixture) {
    match fixture.move_to(1).await {
        Adoption::Yes { evidence } => {
            let print = fixture.print(1).to_string();
            assert!(evidence.contains(&print), "the evidence does not name {print}: {evidence}");
        }
        Adoption::NotYet { why } => panic!("it was told, and did not move: {why}"),
        Adoption::Unobservable { .. } => skipped("the consumer cannot be observed"),
    }
}

/// 2. `notify` may be repeated with the same notice; the consumer ends in the same state.
pub async fn c02_telling_twice_ends_in_the_same_state(fixture: NotifierFixture) {
    let first = fixture.move_to(1).await;
    let before = fixture.state().await;
    for _ in 0..2 {
        fixture.tell(1, &fixture.promoted(1)).await.expect("notify again");
    }
    let again = fixture.settled(&fixture.promoted(1)).await;
    assert_eq!(std::mem::discriminant(&first), std::mem::discriminant(&again), "{first:?}, then {again:?}");
    assert_eq!(fixture.state().await, before);
    if before.is_none() {
        skipped("the fixture has no view of the consumer's state");
    }
}

/// 3. `adopted` says `Yes` only on evidence that names the expected version, never because time passed.
pub async fn c03_adopted_says_yes_only_on_evidence_of_the_expected_version(fixture: NotifierFixture) {
    (fixture.promote)(value(1)).await;
    for _ in 0..3 {
        let seen = fixture.look(&fixture.promoted(1)).await;
        assert!(!matches!(seen, Adoption::Yes { .. }), "nobody told the consumer yet: {seen:?}");
        (fixture.wait)(Duration::from_millis(200)).await;
    }
    fixture.move_to(1).await;
    let seen = fixture.look(&fixture.promoted(2)).await;
    assert!(!matches!(seen, Adoption::Yes { .. }), "the consumer cannot have this version: {seen:?}");
}

/// 4. `adopted` changes nothing, and `NotYet` is not an error.
pub async fn c04_adopted_changes_nothing_and_not_yet_is_no_error(fixture: NotifierFixture) {
    (fixture.promote)(value(1)).await;
    let before = fixture.state().await;
    for _ in 0..3 {
        let seen = fixture.look(&fixture.promoted(1)).await;
        assert!(matches!(seen, Adoption::NotYet { .. } | Adoption::Unobservable { .. }), "{seen:?}");
    }
    assert_eq!(fixture.state().await, before);
    if before.is_none() {
        skipped("the fixture has no view of the consumer's state");
    }
}

/// 5. A consumer that is gone is an error of `notify`, not silence.
pub async fn c05_a_consumer_that_is_gone_is_an_error_of_notify(fixture: NotifierFixture) {
    let Some(stop) = &fixture.stop else { return skipped("the fixture cannot stop the consumer") };
    stop().await;
    fixture.tell(1, &fixture.promoted(1)).await.expect_err("nobody is there");
}

/// 6. No value reaches an argument list, an environment, a log or an error. (Of these a suite can see evidence and
///    errors; a process that shows its arguments needs a case of its own.)
pub async fn c06_no_value_reaches_evidence_or_errors(fixture: NotifierFixture) {
    (fixture.promote)(value(1)).await;
    let mut texts = vec![format!("{:?}", fixture.look(&fixture.promoted(1)).await)];
    texts.push(format!("{:?}", fixture.move_to(1).await));
    if let Some(stop) = &fixture.stop {
        stop().await;
        let error = fixture.tell(2, &fixture.promoted(2)).await.err();
        texts.extend(error.map(|error| format!("{error} {error:?}")));
        texts.push(format!("{:?}", fixture.notifier.adopted(&fixture.promoted(2)).await));
    }
    for text in texts {
        for number in 0..=2 {
            assert_free_of(&value(number), &text);
        }
    }
}

/// 7. `notify_with` hands over the value that the consumer should use (`Promoted`, `RolledBack`) or accept
///    (`NextPublished`), whole, and is otherwise as `notify`.
pub async fn c07_the_value_is_handed_over_whole(fixture: NotifierFixture) {
    let wants = fixture.notifier.wants_value();
    let handed = match (&fixture.handed, wants) {
        (Some(handed), true) => Arc::clone(handed),
        (Some(_), false) => panic!("it is handed values, and says that it wants none"),
        (None, true) => return skipped("the fixture does not see what the consumer is handed"),
        (None, false) => return told_without_it(fixture).await,
    };
    let all_bytes = SecretValue::from_vec((0..=u8::MAX).cycle().take(100_000).collect());
    for (number, handed_over, phase) in [
        (1, value(1), Phase::NextPublished),
        (1, value(1), Phase::Promoted),
        (0, value(0), Phase::RolledBack),
        (2, all_bytes, Phase::Promoted),
    ] {
        let expected = Some(fixture.fingerprinter.of(&handed_over));
        let notice = Notice { phase, expected, ..fixture.promoted(number) };
        let told = fixture.notifier.notify_with(&context(number), &notice, &handed_over).await;
        told.expect("it is told");
        let got = handed().await.map(SecretValue::from_vec);
        assert!(got.is_some_and(|got| got.same_as(&handed_over)), "{phase}: it has another value, or none");
    }
}

/// Whoever wants no value moves as if there had been none.
async fn told_without_it(fixture: NotifierFixture) {
    (fixture.promote)(value(1)).await;
    let notice = fixture.promoted(1);
    fixture.notifier.notify_with(&context(1), &notice, &value(1)).await.expect("notify");
    let seen = fixture.settled(&notice).await;
    assert!(matches!(seen, Adoption::Yes { .. } | Adoption::Unobservable { .. }), "{seen:?}");
}

/// 8. A notifier that wants the value does not tell everything: one message brings one value.
pub async fn c08_who_wants_the_value_does_not_tell_everything(fixture: NotifierFixture) {
    let notifier = &fixture.notifier;
    if !notifier.wants_value() {
        return skipped("the consumer is handed no value");
    }
    assert!(!notifier.tells_everything(), "one call cannot bring several values");
    for number in [1, 2] {
        fixture.tell(number, &fixture.promoted(number)).await.expect("it is told");
        let Some(handed) = &fixture.handed else { continue };
        let got = handed().await.map(SecretValue::from_vec);
        assert!(
            got.is_some_and(|got| got.same_as(&value(number))),
            "message {number} brought another value, or none"
        );
    }
}
