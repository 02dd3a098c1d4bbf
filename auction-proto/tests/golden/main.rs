//! Bytes and JSON that are kept for ever, in `golden/v1`, and the excerpts of them in `SPEC.md`.
//!
//! A test never changes a golden file. `cargo xtask golden` writes missing files for new messages; a changed message
//! is a new version, in a new folder.

mod messages;
mod records;
mod day_records;
mod account_records;
mod public_journal;
mod spec;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use auction_core::RequestId;
use auction_proto::{
    BodyError, ClientMessage, Frame, Kind, ServerMessage, decode_records, encode_record, limits,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[test]
fn messages_keep_their_bytes_and_their_json() {
    let mut golden = Golden::open("messages");
    for (name, request, message) in messages::client() {
        let bytes = frame_bytes(|out| message.encode(request, out));
        golden.holds_message(name, request, &message, &bytes, ClientMessage::decode);
    }
    for (name, request, message) in messages::server() {
        let bytes = frame_bytes(|out| message.encode(request, out));
        golden.holds_message(name, request, &message, &bytes, ServerMessage::decode);
    }
    golden.assert_complete();
}

#[test]
fn every_kind_has_a_golden_message() {
    let client = messages::client()
        .into_iter()
        .map(|(_, _, message)| message.kind());
    let server = messages::server()
        .into_iter()
        .map(|(_, _, message)| message.kind());
    let kept: BTreeSet<Kind> = client.chain(server).collect();
    assert_eq!(kept, Kind::ALL.iter().copied().collect());
}

#[test]
fn records_keep_their_bytes() {
    let mut golden = Golden::open("records");
    let records = records::records().into_iter();
    let records = records.chain(day_records::records());
    for (name, record) in records.chain(account_records::records()) {
        let (mut public, mut private) = (Vec::new(), Vec::new());
        encode_record(&record, &records::SALT, &mut public, &mut private);
        golden.holds(&format!("{name}.public.hex"), &hex_file(&public));
        golden.holds(&format!("{name}.private.hex"), &hex_file(&private));
        let decoded: Result<Vec<_>, _> = decode_records(&public, &private).collect();
        assert_eq!(decoded.unwrap(), [record]);
    }
    golden.assert_complete();
}

fn frame_bytes(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(&mut bytes);
    bytes
}

fn whole_frame(mut bytes: &[u8]) -> Frame<'_> {
    Frame::split_from(&mut bytes, limits::FRAME_BYTES_MAX)
        .unwrap()
        .unwrap()
}

/// The bytes of a message, by its name.
fn message_bytes(name: &str) -> Option<Vec<u8>> {
    let client = messages::client()
        .into_iter()
        .find(|(found, ..)| *found == name);
    if let Some((_, request, message)) = client {
        return Some(frame_bytes(|out| message.encode(request, out)));
    }
    let server = messages::server()
        .into_iter()
        .find(|(found, ..)| *found == name);
    server.map(|(_, request, message)| frame_bytes(|out| message.encode(request, out)))
}

/// 16 bytes a line.
fn hex_file(bytes: &[u8]) -> String {
    let mut file = String::new();
    for line in bytes.chunks(16) {
        let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(file, "{}", hex.join(" ")).unwrap();
    }
    file
}

/// A folder of golden files, and the files that were compared.
struct Golden {
    folder: PathBuf,
    held: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Golden {
    fn open(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v1");
        Self {
            folder: root.join(folder),
            held: BTreeSet::new(),
            wrong: Vec::new(),
        }
    }

    /// Compares the content of a file; writes the file if it is missing and writing is enabled.
    fn holds(&mut self, file: &str, expected: &str) {
        assert!(self.held.insert(file.into()), "{file} has two meanings");
        let path = self.folder.join(file);
        if !path.exists() && std::env::var_os("GOLDEN_WRITE").is_some() {
            fs::create_dir_all(&self.folder).unwrap();
            fs::write(&path, expected).unwrap();
        }
        match fs::read_to_string(&path) {
            Ok(found) if found == expected => {}
            Ok(found) => self
                .wrong
                .push(format!("{file}: is\n{found}and would be\n{expected}")),
            Err(error) => self.wrong.push(format!("{file}: {error}")),
        }
    }

    /// Checks both files of a message, and that decoding each gives the message.
    fn holds_message<M: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(
        &mut self,
        name: &str,
        request: RequestId,
        message: &M,
        bytes: &[u8],
        decode: impl Fn(Kind, &[u8]) -> Result<M, BodyError>,
    ) {
        let json = serde_json::to_string(message).unwrap();
        self.holds(&format!("{name}.hex"), &hex_file(bytes));
        self.holds(&format!("{name}.json"), &format!("{json}\n"));
        let frame = whole_frame(bytes);
        assert_eq!(frame.request, request);
        assert_eq!(decode(frame.kind, frame.body).as_ref(), Ok(message));
        assert_eq!(&serde_json::from_str::<M>(&json).unwrap(), message);
    }

    /// Fails for files that differ, and for files that no message refers to.
    fn assert_complete(self) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        let files = fs::read_dir(&self.folder).unwrap();
        let found: BTreeSet<String> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(found, self.held);
    }
}
