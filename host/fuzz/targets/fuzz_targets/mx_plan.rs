#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| vrfy_fuzz::mx_plan::check(input));
