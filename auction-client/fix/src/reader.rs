//! Strict reading of a client's message: each field once, in its place, known for the message, with a value of its kind.
//!
//! The engine has checked the frame: length, checksum, order of the first three fields, sequence number and identity.

use std::collections::BTreeMap;

use crate::dictionary::{Kind, MessageSpec, Use, Version, client_message, field, is_envelope};
use crate::limits::{FIELDS_MAX, GROUP_ENTRIES_MAX, ID_BYTES_MAX};
use crate::value;

/// Reason why a message is refused by the session layer: a Reject (3) answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `SessionRejectReason` (373).
    pub reason: u32,
    /// `RefTagID` (371).
    pub tag: Option<u32>,
    /// `Text` (58).
    pub text: String,
}

impl Fault {
    pub const REQUIRED_TAG_MISSING: u32 = 1;
    pub const TAG_NOT_DEFINED: u32 = 2;
    pub const TAG_WITHOUT_VALUE: u32 = 4;
    pub const VALUE_INCORRECT: u32 = 5;
    pub const FORMAT_INCORRECT: u32 = 6;
    pub const TAG_TWICE: u32 = 13;
    pub const OUT_OF_ORDER: u32 = 14;
    pub const GROUP_OUT_OF_ORDER: u32 = 15;
    pub const GROUP_COUNT: u32 = 16;
    pub const OTHER: u32 = 99;

    pub fn new(reason: u32, tag: u32, text: impl Into<String>) -> Self {
        let text = match field(tag) {
            Some(field) => format!("{} ({tag}) {}", field.name, text.into()),
            None => format!("tag {tag} {}", text.into()),
        };
        Self {
            reason,
            tag: Some(tag),
            text,
        }
    }
}

/// Fields of a message or of an entry, by tag.
pub type Values = BTreeMap<u32, String>;

/// A message whose fields have passed all checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub spec: &'static str,
    pub values: Values,
    pub groups: BTreeMap<u32, Vec<Values>>,
    /// True if the client may have sent it before: `PossDupFlag` (43) or `PossResend` (97).
    pub is_repeated: bool,
}

impl Message {
    pub fn get(&self, tag: u32) -> Option<&str> {
        self.values.get(&tag).map(String::as_str)
    }

    pub fn required(&self, tag: u32) -> Result<&str, Fault> {
        let missing = || Fault::new(Fault::REQUIRED_TAG_MISSING, tag, "is missing");
        self.get(tag).ok_or_else(missing)
    }

    pub fn group(&self, tag: u32) -> &[Values] {
        self.groups.get(&tag).map_or(&[], Vec::as_slice)
    }
}

/// Reads a message of a client; `None`: its kind is not offered.
pub fn read(
    kind: &str,
    version: Version,
    fields: &[(u32, &[u8])],
) -> Result<Option<Message>, Fault> {
    let Some(spec) = client_message(kind) else {
        return Ok(None);
    };
    if fields.len() > FIELDS_MAX {
        let text = format!("the message has more than {FIELDS_MAX} fields");
        return Err(Fault {
            reason: Fault::OTHER,
            tag: None,
            text,
        });
    }
    let mut reader = Reader {
        version,
        fields,
        at: 0,
    };
    let is_repeated = reader.skip_header()?;
    let mut message = Message {
        spec: spec.kind,
        values: Values::new(),
        groups: BTreeMap::new(),
        is_repeated,
    };
    while let Some((tag, text)) = reader.next()? {
        let used = reader.used(&spec.uses, tag, spec)?;
        if message.values.contains_key(&tag) || message.groups.contains_key(&tag) {
            return Err(Fault::new(Fault::TAG_TWICE, tag, "comes twice"));
        }
        if used.group.is_empty() {
            message.values.insert(tag, text.to_owned());
        } else {
            let entries = reader.group(used, text)?;
            message.groups.insert(tag, entries);
        }
    }
    for used in required(&spec.uses, version) {
        let is_there =
            message.values.contains_key(&used.tag) || message.groups.contains_key(&used.tag);
        if !is_there {
            return Err(Fault::new(
                Fault::REQUIRED_TAG_MISSING,
                used.tag,
                "is missing",
            ));
        }
    }
    Ok(Some(message))
}

struct Reader<'a> {
    version: Version,
    fields: &'a [(u32, &'a [u8])],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Passes the header; returns true if the message may have been sent before.
    fn skip_header(&mut self) -> Result<bool, Fault> {
        let mut is_repeated = false;
        let mut seen = Vec::new();
        while let Some((tag, bytes)) = self.fields.get(self.at) {
            if !is_envelope(*tag) {
                break;
            }
            if seen.contains(tag) {
                return Err(Fault::new(Fault::TAG_TWICE, *tag, "comes twice"));
            }
            seen.push(*tag);
            if matches!(
                *tag,
                crate::dictionary::POSS_DUP_FLAG | crate::dictionary::POSS_RESEND
            ) {
                is_repeated |= *bytes == b"Y";
            }
            self.at += 1;
        }
        Ok(is_repeated)
    }

    fn next(&mut self) -> Result<Option<(u32, &'a str)>, Fault> {
        let Some(&(tag, bytes)) = self.fields.get(self.at) else {
            return Ok(None);
        };
        // The trailer ends the message; the engine has checked it.
        if tag == 10 {
            return Ok(None);
        }
        if is_envelope(tag) {
            let text = "belongs to the header, before all other fields";
            return Err(Fault::new(Fault::OUT_OF_ORDER, tag, text));
        }
        self.at += 1;
        if bytes.is_empty() {
            return Err(Fault::new(Fault::TAG_WITHOUT_VALUE, tag, "has no value"));
        }
        let text = std::str::from_utf8(bytes);
        let text =
            text.map_err(|_| Fault::new(Fault::FORMAT_INCORRECT, tag, "is not text in UTF-8"))?;
        check(tag, text)?;
        Ok(Some((tag, text)))
    }

    fn used<'u>(&self, uses: &'u [Use], tag: u32, spec: &MessageSpec) -> Result<&'u Use, Fault> {
        let found = uses
            .iter()
            .find(|used| used.tag == tag && used.is_in(self.version));
        found.ok_or_else(|| {
            let text = format!("is not offered in {} ({})", spec.name, spec.kind);
            Fault::new(Fault::TAG_NOT_DEFINED, tag, text)
        })
    }

    fn group(&mut self, used: &Use, count: &str) -> Result<Vec<Values>, Fault> {
        let wrong = || {
            Fault::new(
                Fault::GROUP_COUNT,
                used.tag,
                "is not the number of entries that follow",
            )
        };
        let count: usize = count.parse().map_err(|_| wrong())?;
        if count == 0 || count > GROUP_ENTRIES_MAX {
            let text = format!("must be from 1 to {GROUP_ENTRIES_MAX}");
            return Err(Fault::new(Fault::VALUE_INCORRECT, used.tag, text));
        }
        let first = used.group[0].tag;
        let mut entries: Vec<Values> = Vec::new();
        while let Some((tag, _)) = self.fields.get(self.at) {
            let is_member = used
                .group
                .iter()
                .any(|member| member.tag == *tag && member.is_in(self.version));
            if !is_member {
                break;
            }
            let Some((tag, text)) = self.next()? else {
                break;
            };
            if tag == first {
                if entries.len() == count {
                    return Err(wrong());
                }
                entries.push(Values::new());
            }
            let Some(entry) = entries.last_mut() else {
                let text = "must come first in each entry of its group";
                return Err(Fault::new(Fault::GROUP_OUT_OF_ORDER, first, text));
            };
            if entry.insert(tag, text.to_owned()).is_some() {
                return Err(Fault::new(Fault::TAG_TWICE, tag, "comes twice in an entry"));
            }
        }
        if entries.len() != count {
            return Err(wrong());
        }
        for member in required(&used.group, self.version) {
            if entries.iter().any(|entry| !entry.contains_key(&member.tag)) {
                let text = "is missing in an entry of its group";
                return Err(Fault::new(Fault::REQUIRED_TAG_MISSING, member.tag, text));
            }
        }
        Ok(entries)
    }
}

fn required(uses: &[Use], version: Version) -> impl Iterator<Item = &Use> {
    uses.iter()
        .filter(move |used| used.is_required && used.is_in(version))
}

/// Checks a value against the kind of its field.
fn check(tag: u32, text: &str) -> Result<(), Fault> {
    // Unknown fields are refused by name where they are used.
    let Some(field) = field(tag) else {
        return Ok(());
    };
    let malformed = |what: &str| Err(Fault::new(Fault::FORMAT_INCORRECT, tag, what));
    match field.kind {
        Kind::Boolean if !matches!(text, "Y" | "N") => malformed("must be Y or N"),
        Kind::Char if text.len() != 1 => malformed("must be one character"),
        Kind::Int | Kind::NumInGroup | Kind::SeqNum if text.parse::<i64>().is_err() => {
            malformed("must be a whole number")
        }
        Kind::UtcTimestamp if value::timestamp(text).is_none() => {
            malformed("must be a time in UTC, for example 20260309-14:30:00.000000")
        }
        Kind::String | Kind::MultipleString if text.chars().any(char::is_control) => {
            malformed("must not contain control characters")
        }
        Kind::String if is_id(tag) && text.len() > ID_BYTES_MAX => {
            malformed(&format!("must have at most {ID_BYTES_MAX} bytes"))
        }
        // Prices and quantities are read where they are used, with the market's own words for what is wrong.
        _ => Ok(()),
    }
}

fn is_id(tag: u32) -> bool {
    use crate::dictionary as d;
    matches!(
        tag,
        d::CL_ORD_ID
            | d::ORIG_CL_ORD_ID
            | d::ORDER_ID
            | d::ORD_STATUS_REQ_ID
            | d::MASS_STATUS_REQ_ID
            | d::MD_REQ_ID
            | d::SECURITY_REQ_ID
            | d::SECURITY_STATUS_REQ_ID
            | d::TRAD_SES_REQ_ID
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message in the notation of this test: `|` ends each field.
    fn read_text(text: &str) -> Result<Option<Message>, Fault> {
        let fields = text.split_terminator('|').map(|field| {
            let (tag, value) = field.split_once('=').unwrap();
            (tag.parse().unwrap(), value.as_bytes())
        });
        let fields: Vec<_> = fields.collect();
        let kind = fields.iter().find(|(tag, _)| *tag == 35).unwrap().1;
        read(std::str::from_utf8(kind).unwrap(), Version::Fix50, &fields)
    }

    const ORDER: &str = "35=D|49=MIA|56=AUCTION|34=2|52=20260309-14:30:00|11=a|55=AAPL|54=1|60=20260309-14:30:00|38=1|40=1|";
    const BOOK: &str = "35=V|49=MIA|56=AUCTION|34=2|52=20260309-14:30:00|262=m|263=1|264=0|";

    #[test]
    fn a_message_in_order_is_read() {
        let message = read_text(ORDER).unwrap().unwrap();
        assert_eq!((message.get(11), message.get(38)), (Some("a"), Some("1")));
        let book = format!("{BOOK}267=2|269=0|269=1|146=2|55=A|48=7|22=8|55=B|");
        let book = read_text(&book).unwrap().unwrap();
        assert_eq!(book.group(267).len(), 2);
        assert_eq!(book.group(146)[0][&48], "7");
        assert_eq!(book.group(146)[1].get(&48), None);
        assert_eq!(read_text("35=B|148=news|"), Ok(None), "not offered");
    }

    #[test]
    fn each_fault_has_its_reason_and_its_tag() {
        let wide = "x".repeat(ID_BYTES_MAX + 1);
        let cases = [
            (ORDER.replace("11=a|", ""), Fault::REQUIRED_TAG_MISSING, 11),
            (ORDER.replace("11=a|", "11=|"), Fault::TAG_WITHOUT_VALUE, 11),
            (ORDER.replace("11=a|", "11=a|11=a|"), Fault::TAG_TWICE, 11),
            (
                ORDER.replace("11=a|", &format!("11={wide}|")),
                Fault::FORMAT_INCORRECT,
                11,
            ),
            (ORDER.replace("34=2|", "34=2|34=2|"), Fault::TAG_TWICE, 34),
            (
                ORDER.replace("40=1|", "40=1|110=5|"),
                Fault::TAG_NOT_DEFINED,
                110,
            ),
            (
                ORDER.replace("40=1|", "40=1|20001=5|"),
                Fault::TAG_NOT_DEFINED,
                20001,
            ),
            (
                ORDER.replace("40=1|", "40=1|49=MIA|"),
                Fault::OUT_OF_ORDER,
                49,
            ),
            (
                ORDER.replace("54=1|", "54=10|"),
                Fault::FORMAT_INCORRECT,
                54,
            ),
            (
                ORDER.replace("60=20260309-14:30:00|", "60=today|"),
                Fault::FORMAT_INCORRECT,
                60,
            ),
            (
                format!("{BOOK}267=2|269=0|146=1|55=A|"),
                Fault::GROUP_COUNT,
                267,
            ),
            (
                format!("{BOOK}267=1|269=0|269=1|146=1|55=A|"),
                Fault::GROUP_COUNT,
                267,
            ),
            (
                format!("{BOOK}267=0|146=1|55=A|"),
                Fault::VALUE_INCORRECT,
                267,
            ),
            (
                format!("{BOOK}267=65|269=0|146=1|55=A|"),
                Fault::VALUE_INCORRECT,
                267,
            ),
            (
                format!("{BOOK}267=1|269=0|146=1|48=7|55=A|"),
                Fault::GROUP_OUT_OF_ORDER,
                55,
            ),
            (
                format!("{BOOK}267=1|269=0|146=1|55=A|48=7|48=7|"),
                Fault::TAG_TWICE,
                48,
            ),
            (
                format!("{BOOK}267=1|269=0|"),
                Fault::REQUIRED_TAG_MISSING,
                146,
            ),
            (
                format!("{BOOK}267=1|269=0|146=1|55=A|55=B|"),
                Fault::GROUP_COUNT,
                146,
            ),
        ];
        for (text, reason, tag) in cases {
            let fault = read_text(&text).unwrap_err();
            assert_eq!(
                (fault.reason, fault.tag),
                (reason, Some(tag)),
                "{text}: {}",
                fault.text
            );
        }
    }

    #[test]
    fn the_greatest_identifier_is_read() {
        let widest = "x".repeat(ID_BYTES_MAX);
        let order = ORDER.replace("11=a|", &format!("11={widest}|"));
        assert_eq!(read_text(&order).unwrap().unwrap().get(11), Some(&*widest));
    }
}
