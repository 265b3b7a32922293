//! The contract of stores, over the fake.

use keywheel_testkit::conformance::SecretFixture;
use keywheel_testservers::vault::Fake;

#[path = "../common/conformance.rs"]
mod common;

use common::{Engine, fixture};

async fn over(key: &'static str, shows: bool, cas_required: bool) -> SecretFixture {
    let fake = Fake::start();
    let (url, token) = (fake.url(), Fake::ROOT.to_owned());
    let engine = Engine { url, token, mount: "secret".to_owned(), server: Box::new(fake) };
    fixture(engine, key, shows, cas_required).await
}

keywheel_testkit::secret_conformance!(one_field, || async { over("app/database", false, false).await });
keywheel_testkit::secret_conformance!(three_fields, || async { over("app/key", true, false).await });
keywheel_testkit::secret_conformance!(named_fields, || async {
    over("teams/pay ments/api#signing-key", true, false).await
});
keywheel_testkit::secret_conformance!(cas_required, || async { over("app/database", false, true).await });
