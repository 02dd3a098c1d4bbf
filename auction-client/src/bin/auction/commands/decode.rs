//! `auction decode`: bytes of the protocol, explained.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Read as _};

use auction_proto::explain::{Part, Says, explain, hides};
use auction_proto::{Kind, Sender};
use serde_json::{Value, json};

use crate::output::escape::Escaped;
use crate::output::failure::Failure;
use crate::output::out::Out;

/// Longest text read from standard input, in bytes.
const INPUT_BYTES_MAX: u64 = 64 << 20;
/// Number of bytes on a line.
const LINE_BYTES: usize = 8;
/// Maximum number of lines shown of one part's bytes; of a longer part the beginning.
const PART_LINES_MAX: usize = 8;

pub fn run(out: Out, digits: &[String]) -> Result<(), Failure> {
    let text = if digits.is_empty() {
        standard_input()?
    } else {
        digits.join(" ")
    };
    let bytes = unhex(&text)?;
    if bytes.is_empty() {
        return Err(Failure::usage("there are no bytes to decode"));
    }
    let parts = explain(&bytes);
    let shown = shown(&bytes, &parts);
    out.print(
        |_| text_of(&shown),
        || json!({ "parts": shown.iter().map(Shown::json).collect::<Vec<_>>() }),
    )?;
    // The part before the fault is useful, but a script must see that it is incomplete.
    let wrong = parts.iter().find_map(|part| match &part.says {
        Says::Wrong(wrong) => Some(format!("byte {}: {wrong}", part.at.start)),
        _ => None,
    });
    wrong.map_or(Ok(()), |wrong| Err(Failure::failed(wrong)))
}

fn standard_input() -> Result<String, Failure> {
    if io::stdin().is_terminal() {
        let message =
            "no bytes: give them as hexadecimal digits, as arguments or on standard input";
        return Err(Failure::usage(message));
    }
    let mut text = String::new();
    let read = io::stdin()
        .lock()
        .take(INPUT_BYTES_MAX + 1)
        .read_to_string(&mut text);
    read.map_err(|error| {
        Failure::usage(format!(
            "standard input holds no hexadecimal digits: {error}; `xxd -p FILE | auction decode` decodes a file"
        ))
    })?;
    if text.len() as u64 > INPUT_BYTES_MAX {
        let message = format!("standard input holds more than {INPUT_BYTES_MAX} bytes");
        return Err(Failure::usage(message));
    }
    Ok(text)
}

/// Parses digits, with blanks, colons, commas and `0x` between bytes.
fn unhex(text: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let words = text.split(|char: char| char.is_whitespace() || ":,".contains(char));
    for word in words {
        let digits = word.strip_prefix("0x").unwrap_or(word);
        let wrong = |what: String| {
            Failure::usage(format!("{what}; expected for example a5554354 or a5 55"))
        };
        if let Some(other) = digits.chars().find(|char| !char.is_ascii_hexdigit()) {
            return Err(wrong(format!(
                "{:?} is no hexadecimal digit",
                Escaped(other).to_string()
            )));
        }
        if digits.len() % 2 != 0 {
            return Err(wrong(format!("{} digits are no whole bytes", digits.len())));
        }
        let pairs = (0..digits.len()).step_by(2).map(|at| &digits[at..at + 2]);
        bytes.extend(pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()));
    }
    Ok(bytes)
}

/// A part with the bytes to show.
struct Shown<'a> {
    part: &'a Part,
    /// `None`: hidden.
    bytes: Option<&'a [u8]>,
}

/// Selects the bytes to show, which depends on the kind before them.
fn shown<'a>(bytes: &'a [u8], parts: &'a [Part]) -> Vec<Shown<'a>> {
    let mut kind = None;
    let show = |part: &'a Part| {
        if let Says::Kind(named) = part.says {
            kind = Some(named);
        }
        let is_body = match part.says {
            Says::Body(_) | Says::Unknown => true,
            // After the header only a body can be wrong.
            Says::Wrong(_) => kind.is_some(),
            Says::Preface | Says::Length(_) | Says::Kind(_) | Says::Request(_) => false,
        };
        if let Says::Length(_) = part.says {
            kind = None;
        }
        let is_hidden = is_body && kind.is_some_and(hides);
        let bytes = (!is_hidden).then(|| &bytes[part.at.clone()]);
        Shown { part, bytes }
    };
    parts.iter().map(show).collect()
}

impl Shown<'_> {
    fn says(&self) -> String {
        let end = self.part.at.end;
        match &self.part.says {
            Says::Preface => "preface: a client begins".to_owned(),
            Says::Length(length) => {
                format!("length: {length} bytes follow, to byte {}", end + length)
            }
            Says::Kind(kind) => match (kind.name(), kind.sender()) {
                (Some(name), Sender::Client) => format!("kind {}: {name}, from a client", kind.0),
                (Some(name), _) => format!("kind {}: {name}, from a server", kind.0),
                (None, _) => format!("kind {}, which is not known: its body is skipped", kind.0),
            },
            Says::Request(request) if request.0 == 0 => {
                "request 0: sent by the server unasked".to_owned()
            }
            Says::Request(request) => format!("request {request}"),
            Says::Body(body) => format!("body: {}", Escaped(body)),
            Says::Unknown => "body of a kind that is not known".to_owned(),
            Says::Wrong(wrong) => format!("WRONG: {wrong}"),
        }
    }

    fn json(&self) -> Value {
        let part = self.part;
        let (says, value) = match &part.says {
            Says::Preface => ("preface", Value::Null),
            Says::Length(length) => ("length", json!(length)),
            Says::Kind(Kind(number)) => ("kind", json!(number)),
            Says::Request(request) => ("request", json!(request.to_string())),
            Says::Body(body) => ("body", serde_json::from_str(body).unwrap_or_default()),
            Says::Unknown => ("unknown", Value::Null),
            Says::Wrong(wrong) => ("wrong", json!(wrong.to_string())),
        };
        let mut json = json!({
            "offset": part.at.start,
            "length": part.at.len(),
            "bytes": self.bytes.map(|bytes| hex(bytes, "")),
            "says": says,
            "value": value,
        });
        if let Says::Kind(kind) = part.says {
            json["name"] = json!(kind.name());
        }
        json
    }
}

fn text_of(parts: &[Shown<'_>]) -> String {
    let mut text = String::new();
    for shown in parts {
        let lines = match shown.bytes {
            None => vec![format!("{} not shown", shown.part.at.len())],
            Some([]) => vec![String::new()],
            Some(bytes) => {
                let lines = bytes.chunks(LINE_BYTES).map(|bytes| hex(bytes, " "));
                lines.collect()
            }
        };
        let width = 3 * LINE_BYTES - 1;
        let says = shown.says();
        for (line, bytes) in lines.iter().enumerate().take(PART_LINES_MAX) {
            let offset = shown.part.at.start + line * LINE_BYTES;
            let says = if line == 0 { says.as_str() } else { "" };
            let line = format!("{offset:>6}  {bytes:<width$}  {says}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if lines.len() > PART_LINES_MAX {
            let more = shown.part.at.len() - PART_LINES_MAX * LINE_BYTES;
            let _ = writeln!(text, "        and {more} bytes more");
        }
    }
    text
}

fn hex(bytes: &[u8], between: &str) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(digits: &str) -> String {
        let bytes = unhex(digits).unwrap();
        text_of(&shown(&bytes, &explain(&bytes)))
    }

    #[test]
    fn digits_come_as_people_have_them() {
        for digits in [
            "a5554354",
            "a5 55\n43 54\n",
            "A5:55:43:54",
            "0xa5, 0x55, 0x43, 0x54",
        ] {
            assert_eq!(unhex(digits).unwrap(), [0xa5, 0x55, 0x43, 0x54], "{digits}");
        }
        for (digits, wrong) in [
            ("a5 5", "1 digits are no whole bytes"),
            ("a5 5g", "\"g\" is no hexadecimal digit"),
            ("\u{1b}[2J", "is no hexadecimal digit"),
            ("é", "is no hexadecimal digit"),
        ] {
            let failure = unhex(digits).unwrap_err();
            assert!(
                failure.message().contains(wrong),
                "{digits}: {}",
                failure.message()
            );
        }
    }

    #[test]
    fn a_bid_is_explained_line_by_line() {
        let expected = "     0  a5 55 43 54              preface: a client begins
     4  0d 00 00 00              length: 13 bytes follow, to byte 21
     8  08 00                    kind 8: bid, from a client
    10  07 00 00 00 00 00 00 00  request 7
    18  03 b0 6d                 body: {\"lot\":3,\"price\":\"1.40\"}
";
        assert_eq!(
            text("a5554354 0d000000 0800 0700000000000000 03b06d"),
            expected
        );
        let cut = text("0d000000 0800 0700000000000000 03b0");
        assert!(
            cut.ends_with("    14  03 b0                    WRONG: the bytes end here, and 1 more belong to the frame\n"),
            "{cut}"
        );
    }

    #[test]
    fn the_bytes_of_secrets_are_not_shown_wrong_or_right() {
        // A login of mia with the password `xyz`: complete, truncated, with a byte too many, followed by another frame.
        let (name, password) = ("036d6961", "0378797a");
        for (length, rest) in [("12", ""), ("13", ""), ("13", "00"), ("12", "00")] {
            let header = format!("{length}000000 0300 0700000000000000");
            let text = text(&format!("{header} {name} {password} {rest}"));
            assert!(!text.contains("78 79 7a"), "{text}");
            assert!(!text.contains("xyz"), "{text}");
            assert!(text.contains("not shown"), "{text}");
        }
        // A part of a secret is hidden, too.
        let text = text("12000000 0300 0700000000000000 036d6961 037879");
        assert!(!text.contains("78 79"), "{text}");
    }
}
