//! One line for each implementation.

/// Runs every sentence of the contract of `Secret`; the expression makes a
/// [`SecretFixture`](crate::conformance::SecretFixture) for each case.
///
/// ```ignore
/// keywheel_testkit::secret_conformance!(file_directory, || async {
///     let directory = tempfile::tempdir().unwrap();
///     SecretFixture::new(open(directory.path())).keeping(directory)
/// });
/// ```
#[macro_export]
macro_rules! secret_conformance {
    ($name:ident, $make:expr) => {
        $crate::conformance_cases!(
            secret,
            $name,
            $make,
            [
                c01_stage_is_durable_before_it_returns,
                c02_staging_the_same_bytes_again_changes_nothing,
                c03_staging_other_bytes_in_the_same_rotation_is_a_conflict,
                c04_staging_beside_another_rotation_names_that_rotation,
                c05_a_pending_version_is_visible_to_no_consumer,
                c06_publish_shows_the_version_as_next_and_may_be_repeated,
                c07_promote_needs_the_expected_version_to_be_current,
                c08_promoting_the_current_version_is_ok,
                c09_the_displaced_version_stays_readable_until_it_is_retired,
                c10_current_reads_whole_at_every_instant_of_a_promote,
                c11_promoting_an_unknown_version_is_not_found,
                c12_retiring_an_absent_version_is_ok,
                c13_retiring_the_current_version_is_a_conflict,
                c14_a_retired_version_can_be_read_under_no_stage,
                c15_read_gives_the_staged_bytes_unharmed,
                c16_versions_holds_no_value_and_one_version_a_stage,
                c17_a_value_that_cannot_be_held_is_refused_before_anything_changed,
                c18_not_applied_means_that_nothing_changed,
            ]
        );
    };
}

/// Runs every sentence of the contract of `Rotator`; the expression makes a
/// [`RotatorFixture`](crate::conformance::RotatorFixture) for each case.
#[macro_export]
macro_rules! rotator_conformance {
    ($name:ident, $make:expr) => {
        $crate::conformance_cases!(
            rotator,
            $name,
            $make,
            [
                c01_probe_is_a_real_login_and_unreachable_is_an_error,
                c02_probe_changes_nothing,
                c03_after_apply_the_new_credential_is_accepted_and_the_old_one_as_the_strategy_says,
                c04_applying_an_accepted_credential_is_ok,
                c05_revoke_ends_the_old_credential_and_leaves_the_remaining_one,
                c06_no_value_reaches_an_error,
                c07_only_minted_targets_mint_and_list,
                c08_not_applied_means_that_nothing_changed,
                c09_reissue_makes_one_credential_for_each_generation_that_was_seen,
                c10_generation_only_looks_and_moves_on_with_each_reissue,
                c11_only_targets_that_reissue_do,
            ]
        );
    };
}

/// Runs every sentence of the contract of `Notifier`; the expression makes a
/// [`NotifierFixture`](crate::conformance::NotifierFixture) for each case.
#[macro_export]
macro_rules! notifier_conformance {
    ($name:ident, $make:expr) => {
        $crate::conformance_cases!(
            notifier,
            $name,
            $make,
            [
                c01_a_told_consumer_moves,
                c02_telling_twice_ends_in_the_same_state,
                c03_adopted_says_yes_only_on_evidence_of_the_expected_version,
                c04_adopted_changes_nothing_and_not_yet_is_no_error,
                c05_a_consumer_that_is_gone_is_an_error_of_notify,
                c06_no_value_reaches_evidence_or_errors,
                c07_the_value_is_handed_over_whole,
                c08_who_wants_the_value_does_not_tell_everything,
            ]
        );
    };
}

/// Runs every sentence of the contract of `Journal`; the expression makes a
/// [`JournalFixture`](crate::conformance::JournalFixture) for each case.
#[macro_export]
macro_rules! journal_conformance {
    ($name:ident, $make:expr) => {
        $crate::conformance_cases!(
            journal,
            $name,
            $make,
            [
                c01_an_appended_record_survives_the_process,
                c02_a_record_that_was_not_applied_is_not_there,
                c03_append_under_a_lost_or_released_lease_is_fenced,
                c04_records_come_back_in_order_and_whole,
                c05_last_rotations_reflects_every_finished_record,
                c06_one_holder_at_a_time_and_fences_grow,
                c07_a_silent_process_loses_its_lease_and_a_living_one_keeps_it,
                c08_asking_again_gives_the_same_lease,
                c09_a_newer_or_damaged_journal_is_refused,
                c10_records_that_follow_one_another_are_written_in_order,
            ]
        );
    };
}

/// The tests of one suite. Use the four macros above.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($suite:ident, $name:ident, $make:expr, [$($case:ident,)*]) => {
        mod $name {
            use super::*;

            $(
                #[test]
                fn $case() {
                    // Both are the caller's: several packages call their test `conformance`.
                    let implementation = concat!(env!("CARGO_PKG_NAME"), " ", module_path!());
                    let case = (implementation, stringify!($case));
                    $crate::conformance::run(case, $make, $crate::conformance::$suite::$case);
                }
            )*
        }
    };
}
