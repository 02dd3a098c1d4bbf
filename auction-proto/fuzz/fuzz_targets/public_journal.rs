#![no_main]

#[path = "../../tests/fuzz/entry.rs"]
#[allow(dead_code, reason = "each target runs one of them")]
mod entry;

libfuzzer_sys::fuzz_target!(|data: &[u8]| entry::public_journal(data));
