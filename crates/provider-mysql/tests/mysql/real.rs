//! `MySQL` proper, which no Debian release has: `KEYWHEEL_TEST_MYSQL=PORT:USER:PASSWORD` names a server on the loopback
//! interface and an account of it that may do everything.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use jiff::Timestamp;
use keywheel_core::{
    ErrorKind, Identity, SecretValue,
    provider::{Surroundings, Target},
    rotator::{Probe, Rotator},
};
use keywheel_testkit::{
    ManualClock,
    conformance::{RotatorFixture, rotator as cases},
};
use keywheel_testservers::{Proxy, Weather};
use mysql_async::{Conn, OptsBuilder, prelude::Queryable};
use tempfile::TempDir;

use crate::scene::{NEW, OLD, WRONG, apply, configure_in, context, credential, probe, words};

static NUMBER: AtomicU32 = AtomicU32::new(0);

struct MySql {
    proxy: Proxy,
    directory: TempDir,
    port: u16,
    user: String,
    password: String,
    /// An account of this test alone.
    app: String,
}

impl MySql {
    async fn new() -> Self {
        let named = std::env::var("KEYWHEEL_TEST_MYSQL").expect("KEYWHEEL_TEST_MYSQL=PORT:USER:PASSWORD");
        let mut parts = named.splitn(3, ':');
        let mut next = || parts.next().expect("PORT:USER:PASSWORD").to_owned();
        let (port, user, password) = (next().parse().unwrap(), next(), next());
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("admin"), &password).unwrap();
        let app = format!("kw_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let server = Self { proxy: Proxy::to(port), directory, port, user, password, app };
        server
            .sql(&[
                "CREATE DATABASE IF NOT EXISTS shop",
                &format!("CREATE USER '{}'@'%' IDENTIFIED BY '{OLD}'", server.app),
                &format!("GRANT SELECT ON shop.* TO '{}'@'%'", server.app),
            ])
            .await;
        server
    }

    async fn conn(&self) -> Conn {
        let options = OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(self.port)
            .prefer_socket(false)
            .user(Some(&self.user))
            .pass(Some(&self.password));
        Conn::new(options).await.unwrap()
    }

    async fn sql(&self, statements: &[&str]) {
        let mut conn = self.conn().await;
        for statement in statements {
            conn.query_drop(*statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        conn.disconnect().await.unwrap();
    }

    async fn state(&self) -> String {
        let mut conn = self.conn().await;
        let users: Vec<(String, String, String, Option<String>)> = conn
            .query(format!(
                "SELECT User, account_locked, HEX(authentication_string), CAST(User_attributes AS CHAR) FROM mysql.user \
                 WHERE User LIKE '{}%' ORDER BY 1",
                self.app
            ))
            .await
            .unwrap();
        conn.disconnect().await.unwrap();
        format!("{users:?}")
    }

    fn target(&self, settings: &str, with_admin: bool) -> Arc<dyn Target> {
        let login = if with_admin {
            format!("login: {{ user: {}, password: file:admin }}\n", self.user)
        } else {
            String::new()
        };
        let text = format!(
            "host: 127.0.0.1\nport: {}\ntls: {{ mode: require }}\n{login}{settings}",
            self.proxy.port()
        );
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let surroundings = Surroundings { base: self.directory.path().to_owned(), clock };
        configure_in(&surroundings, &text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
    }

    fn rotator(&self, settings: &str) -> Arc<dyn Rotator> {
        self.target(settings, true).rotator(Some(&Identity::from(self.app.as_str())))
    }
}

async fn fixture(settings: &str, with_admin: bool) -> RotatorFixture {
    let server = MySql::new().await;
    if !with_admin {
        server.sql(&[&format!("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO '{}'@'%'", server.app)]).await;
    }
    let identity = Identity::from(server.app.as_str());
    let rotator = server.target(settings, with_admin).rotator(Some(&identity));
    let server = Arc::new(server);
    let (looked_at, cut) = (server.clone(), server.clone());
    RotatorFixture::new(rotator, Some(identity), SecretValue::copy_from(OLD.as_bytes()))
        .state_from(move || {
            let server = looked_at.clone();
            Box::pin(async move { server.state().await })
        })
        .network_by(move |on| {
            cut.proxy.set(if on { Weather::Fair } else { Weather::Cut });
            Box::pin(async {})
        })
        .keeping(server)
}

#[tokio::test]
#[ignore = "needs KEYWHEEL_TEST_MYSQL"]
async fn the_contract_holds_for_every_strategy() {
    for (strategy, with_admin) in [
        ("in-place", true),
        ("in-place", false),
        ("overlap", true),
        ("overlap", false),
        ("alternating", true),
    ] {
        println!("{strategy}, {with_admin}");
        let settings = format!("strategy: {strategy}");
        let make = || fixture(&settings, with_admin);
        cases::c01_probe_is_a_real_login_and_unreachable_is_an_error(make().await).await;
        cases::c02_probe_changes_nothing(make().await).await;
        cases::c03_after_apply_the_new_credential_is_accepted_and_the_old_one_as_the_strategy_says(
            make().await,
        )
        .await;
        if with_admin {
            cases::c04_applying_an_accepted_credential_is_ok(make().await).await;
        }
        cases::c05_revoke_ends_the_old_credential_and_leaves_the_remaining_one(make().await).await;
        cases::c06_no_value_reaches_an_error(make().await).await;
        cases::c07_only_minted_targets_mint_and_list(make().await).await;
        cases::c08_not_applied_means_that_nothing_changed(make().await).await;
    }
}

#[tokio::test]
#[ignore = "needs KEYWHEEL_TEST_MYSQL"]
async fn an_overlap_ends_in_either_direction() {
    for forward in [true, false] {
        let server = MySql::new().await;
        let rotator = server.rotator("strategy: overlap");
        assert_eq!(words(&rotator.examine().await), "");
        for _ in 0..2 {
            apply(&rotator, &server.app).await.unwrap();
            for value in [OLD, NEW] {
                assert_eq!(probe(&rotator, &server.app, value).await, Probe::Accepted);
            }
        }
        let (end, keep) = if forward { (OLD, NEW) } else { (NEW, OLD) };
        let (old, new) = (credential(&server.app, end), credential(&server.app, keep));
        rotator.revoke(&context(), old.lend(), Some(new.lend())).await.unwrap();
        assert_eq!(probe(&rotator, &server.app, end).await, Probe::Rejected);
        assert_eq!(probe(&rotator, &server.app, keep).await, Probe::Accepted);
        let clean = server.state().await;
        assert!(!clean.contains("additional_password"), "{clean}");
    }
}

#[tokio::test]
#[ignore = "needs KEYWHEEL_TEST_MYSQL"]
async fn a_lost_answer_leaves_one_of_the_two_passwords_working() {
    let server = MySql::new().await;
    let rotator = server.rotator("strategy: overlap");
    let (mut ambiguous, mut in_peace) = (0, 0);
    for cut in 0..60 {
        server
            .sql(&[
                &format!("ALTER USER '{}'@'%' IDENTIFIED BY '{OLD}'", server.app),
                &format!("ALTER USER '{}'@'%' DISCARD OLD PASSWORD", server.app),
            ])
            .await;
        let before = server.state().await;
        server.proxy.set(Weather::CutAfterSent(cut));
        let outcome = apply(&rotator, &server.app).await;
        server.proxy.set(Weather::Fair);
        assert_eq!(probe(&rotator, &server.app, OLD).await, Probe::Accepted);
        match outcome {
            // Farewells of earlier connections are pieces too: a later cut may still meet a request.
            Ok(()) if in_peace == 3 => {
                assert!(ambiguous > 0);
                return;
            }
            Ok(()) => in_peace += 1,
            Err(error) if error.effect == keywheel_core::Effect::NotApplied => {
                assert_eq!(server.state().await, before);
            }
            Err(_) => ambiguous += 1,
        }
        apply(&rotator, &server.app).await.unwrap();
        for value in [OLD, NEW] {
            assert_eq!(probe(&rotator, &server.app, value).await, Probe::Accepted);
        }
    }
    panic!("the network was cut and nothing came of it");
}

#[tokio::test]
#[ignore = "needs KEYWHEEL_TEST_MYSQL"]
async fn the_second_account_is_what_the_first_is() {
    let server = MySql::new().await;
    let app = &server.app;
    server
        .sql(&[
            &format!("CREATE ROLE '{app}_role'"),
            &format!("GRANT INSERT ON shop.* TO '{app}_role'"),
            &format!("GRANT '{app}_role' TO '{app}'@'%'"),
            &format!("ALTER USER '{app}'@'%' DEFAULT ROLE '{app}_role'"),
            &format!("GRANT PROCESS, APPLICATION_PASSWORD_ADMIN ON *.* TO '{app}'@'%'"),
            &format!(
                "ALTER USER '{app}'@'%' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 100000 MAX_USER_CONNECTIONS 9 PASSWORD EXPIRE INTERVAL 90 DAY"
            ),
        ])
        .await;
    let rotator = server.rotator("strategy: alternating");
    let clone = format!("{app}_clone");
    apply(&rotator, &clone).await.unwrap();
    assert_eq!(probe(&rotator, &clone, NEW).await, Probe::Accepted);
    let mut conn = server.conn().await;
    let mut shown = Vec::new();
    for user in [app, &clone] {
        let mut lines: Vec<String> = conn.query(format!("SHOW GRANTS FOR '{user}'@'%'")).await.unwrap();
        let create: String =
            conn.query_first(format!("SHOW CREATE USER '{user}'@'%'")).await.unwrap().unwrap();
        let (begin, rest) = create.split_once(" AS ").unwrap();
        lines.push(begin.to_owned());
        lines.push(rest[rest.find(" REQUIRE").or(rest.find(" DEFAULT ROLE")).unwrap()..].to_owned());
        shown.push(lines.iter().map(|line| line.replace(&clone, app)).collect::<Vec<_>>());
    }
    assert_eq!(shown[0], shown[1]);
    let (old, new) = (credential(app, OLD), credential(&clone, NEW));
    rotator.revoke(&context(), old.lend(), Some(new.lend())).await.unwrap();
    for value in [OLD, WRONG] {
        assert_eq!(probe(&rotator, app, value).await, Probe::Rejected);
    }
    let third = credential(app, "third-value-after-the-turn");
    rotator.apply(&context(), third.lend(), Some(new.lend())).await.unwrap();
    assert_eq!(rotator.probe(third.lend()).await.unwrap(), Probe::Accepted);
}

#[tokio::test]
#[ignore = "needs KEYWHEEL_TEST_MYSQL"]
async fn expired_and_locked_accounts() {
    let server = MySql::new().await;
    let rotator = server.rotator("");
    server.sql(&[&format!("ALTER USER '{}'@'%' PASSWORD EXPIRE", server.app)]).await;
    assert_eq!(probe(&rotator, &server.app, OLD).await, Probe::Accepted);
    assert_eq!(probe(&rotator, &server.app, WRONG).await, Probe::Rejected);
    apply(&rotator, &server.app).await.unwrap();
    assert_eq!(words(&rotator.examine().await), "");
    server.sql(&[&format!("ALTER USER '{}'@'%' ACCOUNT LOCK", server.app)]).await;
    let error = rotator.probe(credential(&server.app, NEW).lend()).await.unwrap_err();
    assert!(error.message.contains("locked"), "{error}");
    let error = apply(&rotator, &server.app).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidConfig, "{error}");
}
