#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| vrfy_fuzz::transcripts::check_text(input));
