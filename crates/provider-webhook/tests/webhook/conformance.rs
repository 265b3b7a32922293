//! The suite for notifiers, over a workload that reloads when it is called and shows in JSON what it uses.

use keywheel_testkit::declared::StandingClock;
use std::sync::Arc;

use keywheel_core::{Clock as _, Fingerprinter, provider::Consumer};
use keywheel_testkit::{conformance::NotifierFixture, notifier_conformance};

use crate::{scene::consumer, server::Server};

async fn by_call() -> NotifierFixture {
    let server = Arc::new(Server::start().await);
    server.promote(NotifierFixture::first_value());
    server.reload();
    let text = format!(
        "reload: {{ url: '{}' }}\nevidence: {{ http: {{ url: '{}', pointer: /any }} }}\n",
        server.url("/reload"),
        server.url("/json"),
    );
    let consumer: Arc<dyn Consumer> = consumer(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let (promoting, stopping, looking) = (Arc::clone(&server), Arc::clone(&server), server);
    NotifierFixture::new(consumer.notifier(), Fingerprinter::plain(), move |value| {
        promoting.promote(value);
        Box::pin(async {})
    })
    .stopped_by(move || {
        stopping.stop();
        // The listener is closed when the task is gone.
        Box::pin(async { StandingClock.sleep(std::time::Duration::from_millis(100)).await })
    })
    .state_from(move || {
        let state = format!("{:?}", looking.uses());
        Box::pin(async move { state })
    })
    .waiting_by(|duration| Box::pin(async move { StandingClock.sleep(duration).await }))
}

notifier_conformance!(http, by_call);
