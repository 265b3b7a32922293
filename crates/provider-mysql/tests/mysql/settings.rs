//! Settings as an inventory holds them.

use keywheel_core::rotator::Strategy;
use rstest::rstest;

use crate::scene::configure;

#[test]
fn a_target_says_where_and_what_it_is() {
    let target = configure("host: db.example\nlogin: { user: keywheel, password: '${env:NOT_SET_HERE}' }\nstrategy: alternating\nserver: mariadb").unwrap();
    assert_eq!(target.describe(), "mariadb at db.example:3306");
    assert_eq!(target.strategy(), Strategy::Alternating);
    let connection = target.connection().unwrap();
    assert_eq!(
        (connection.engine, connection.host.as_str(), connection.port),
        ("mariadb", "db.example", 3306)
    );
    let plain = configure("host: db.example\nport: 3307").unwrap();
    assert_eq!(plain.strategy(), Strategy::InPlace);
    assert_eq!(plain.connection().unwrap().engine, "mysql");
    assert_eq!(configure("host: db\nstrategy: overlap").unwrap().strategy(), Strategy::Overlap);
}

#[rstest]
#[case::no_host("port: 3306", "host")]
#[case::an_empty_host("host: ''", "`host` is empty")]
#[case::a_url("host: mysql://db", "not by a socket or a URL")]
#[case::port_zero("host: db\nport: 0", "port 0")]
#[case::turns_without_an_administrator("host: db\nstrategy: alternating", "need an administrator")]
#[case::overlap_on_mariadb("host: db\nstrategy: overlap\nserver: mariadb", "cannot have an old and a new")]
#[case::roots_that_count_for_nothing(
    "host: db\ntls: { mode: require, root-certificate: ca.pem }",
    "looked at"
)]
#[case::a_value("host: db\nlogin: { user: a, password: hunter2-hunter2 }", "named, not written down")]
#[case::an_unknown_key("host: db\npassword: x", "password")]
#[case::an_unknown_mode("host: db\ntls: { mode: prefer }", "verify-full")]
fn a_mistake_is_shown(#[case] text: &str, #[case] expected: &str) {
    let mistakes = configure(text).err().unwrap();
    assert!(mistakes.contains(expected), "{mistakes}");
    assert!(!mistakes.contains("hunter2"), "{mistakes}");
}

#[test]
fn all_mistakes_are_shown_at_once_and_where_they_are() {
    let mistakes =
        configure("host: ''\nport: 0\nstrategy: alternating\ntls:\n  mode: disable\n  server-name: x\n")
            .err()
            .unwrap();
    for (line, words) in [(1, "is empty"), (2, "port 0"), (3, "administrator"), (6, "looked at")] {
        assert!(
            mistakes.contains(words) && mistakes.contains(&format!("keywheel.yaml:{line}:")),
            "{mistakes}"
        );
    }
}
