//! See `keywheel_fuzz_properties::audit`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keywheel_fuzz_properties::audit::check(input));
