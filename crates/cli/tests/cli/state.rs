//! Journal, keys and audit: what is missing is no trouble, what is damaged is.

use crate::world::World;

/// Gives `session` an overlap; returns the inventory.
fn session_overlaps(world: &World) -> String {
    let inventory = world.read("keywheel.yaml").replace("every: 30d, overlap: 0s", "every: 30d, overlap: 1h");
    world.write("keywheel.yaml", &inventory);
    inventory
}

/// However it was wrapped.
fn in_one_line(told: &str) -> String {
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn looking_writes_nothing() {
    let world = World::new();
    for arguments in
        ["plan", "status", "list", "history session", "doctor", "audit show", "rotate --due --dry-run"]
    {
        assert_eq!(world.exit(arguments), 0, "{arguments}");
        assert!(!world.path(".keywheel").exists(), "{arguments}");
    }
}

#[test]
fn a_damaged_journal_stops_everything_before_it_begins() {
    let world = World::settled();
    let before = world.read("secrets/session");
    world.write(".keywheel/journal.db", "this is no database, and long enough to be taken for one");
    for arguments in ["status", "plan", "rotate session --yes"] {
        assert_eq!(world.exit(arguments), 30, "{arguments}");
    }
    assert_eq!(world.exit("doctor"), 1);
    assert_eq!(world.read("secrets/session"), before);
}

#[test]
fn a_short_key_stops_everything_before_it_begins() {
    let world = World::settled();
    world.write(".keywheel/keys/audit.key", "short");
    assert_eq!(world.exit("rotate session --yes"), 30);
    assert_eq!(world.exit("doctor"), 1);
}

#[test]
fn a_lost_key_is_not_made_again() {
    let world = World::settled();
    for key in ["fingerprint", "audit"] {
        let path = world.path(&format!(".keywheel/keys/{key}.key"));
        let kept = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let told = world.shows("rotate session --yes");
        assert!(told.starts_with("exit 30\n") && told.contains("restore it from a backup"), "{told}");
        assert_eq!(world.exit("doctor"), 1);
        assert!(!path.exists());
        std::fs::write(&path, kept).unwrap();
    }
    assert_eq!(world.exit("rotate session --yes"), 0);
}

#[test]
fn a_store_that_points_elsewhere_in_the_overlap_ends_nothing() {
    let world = World::settled();
    let inventory = session_overlaps(&world);
    let old = world.read("secrets/session");
    world.succeeds("rotate session --yes");
    let new = world.read("secrets/session");
    std::fs::create_dir(world.path("elsewhere")).unwrap();
    assert!(inventory.contains("./secrets"));
    for command in ["retire session --yes", "resume session --yes"] {
        world.write("keywheel.yaml", &inventory.replace("./secrets", "./elsewhere"));
        let told = world.shows(command);
        assert!(
            told.starts_with("exit 21\n") && told.contains("neither the new value nor the old one"),
            "{told}"
        );
        assert_eq!(world.read("secrets/session"), new);
    }
    world.write("keywheel.yaml", &inventory);
    world.succeeds("rollback session --yes");
    assert_eq!(world.read("secrets/session"), old);
}

#[test]
fn an_unfinished_rotation_whose_entry_is_gone_is_shown() {
    let world = World::settled();
    let inventory = session_overlaps(&world);
    world.succeeds("rotate session --yes");
    world.write("keywheel.yaml", &inventory.replace("  session:", "  another:"));
    let told = in_one_line(&world.shows("plan --check"));
    assert!(told.starts_with("exit 10 ") && told.contains("put its entry back"), "{told}");
    assert!(in_one_line(&world.succeeds("status")).contains("put its entry back"));
    world.write("keywheel.yaml", &inventory);
    world.succeeds("retire session --yes");
}

#[test]
fn an_edited_audit_is_found() {
    let world = World::settled();
    assert_eq!(world.exit("audit verify"), 0);
    let audit = world.read(".keywheel/audit/audit.jsonl");
    world.write(".keywheel/audit/audit.jsonl", &audit.replacen("tester", "nobody", 1));
    let told = world.shows("audit verify");
    assert!(told.starts_with("exit 1\n") && told.contains("line 1: edited"), "{told}");
    assert_eq!(world.exit("doctor"), 1);
}

#[test]
fn a_shortened_audit_stops_rotations() {
    let world = World::settled();
    let audit = world.read(".keywheel/audit/audit.jsonl");
    let (kept, _) = audit.trim_end().rsplit_once('\n').unwrap();
    world.write(".keywheel/audit/audit.jsonl", &format!("{kept}\n"));
    assert_eq!(world.exit("audit verify"), 1);
    assert_eq!(world.exit("rotate session --yes"), 30);
}

#[test]
fn an_inventory_in_another_directory_keeps_its_state_there() {
    let world = World::new();
    std::fs::create_dir(world.path("below")).unwrap();
    std::fs::rename(world.path("keywheel.yaml"), world.path("below/keywheel.yaml")).unwrap();
    world.succeeds("rotate session --yes -i below/keywheel.yaml");
    assert!(world.path("below/.keywheel/keys/audit.key").exists());
    assert!(world.path("below/secrets/session").exists());
    assert!(!world.path("below/below").exists());
}
