//! See `keywheel_fuzz_properties::journal`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keywheel_fuzz_properties::journal::check(input));
