//! The data dictionary of QuickFIX, made from the tables.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{FIELDS, Field, Kind, Sender, Use, Version, field, messages};

/// Fields of the header that the gateway reads or writes, in their order; `!` marks the required ones.
const HEADER: &[(u32, &str, bool)] = &[
    (8, "BeginString", true),
    (9, "BodyLength", true),
    (35, "MsgType", true),
    (49, "SenderCompID", true),
    (56, "TargetCompID", true),
    (34, "MsgSeqNum", true),
    (43, "PossDupFlag", false),
    (97, "PossResend", false),
    (52, "SendingTime", true),
    (122, "OrigSendingTime", false),
];
/// Type, name and fields of a message; a field is required or not.
type SessionMessage = (&'static str, &'static str, &'static [(&'static str, bool)]);

/// Messages of the session layer, which only FIX.4.4 keeps in the same file.
const SESSION_MESSAGES: &[SessionMessage] = &[
    ("0", "Heartbeat", &[("TestReqID", false)]),
    ("1", "TestRequest", &[("TestReqID", true)]),
    (
        "2",
        "ResendRequest",
        &[("BeginSeqNo", true), ("EndSeqNo", true)],
    ),
    (
        "3",
        "Reject",
        &[
            ("RefSeqNum", true),
            ("RefTagID", false),
            ("RefMsgType", false),
            ("SessionRejectReason", false),
            ("Text", false),
        ],
    ),
    (
        "4",
        "SequenceReset",
        &[("GapFillFlag", false), ("NewSeqNo", true)],
    ),
    ("5", "Logout", &[("Text", false)]),
    (
        "A",
        "Logon",
        &[
            ("EncryptMethod", true),
            ("HeartBtInt", true),
            ("ResetSeqNumFlag", false),
            ("NextExpectedMsgSeqNum", false),
            ("Username", false),
            ("Password", false),
        ],
    ),
];
/// Fields that only the session layer uses.
const SESSION_FIELDS: &[(u32, &str, &str)] = &[
    (7, "BeginSeqNo", "SEQNUM"),
    (8, "BeginString", "STRING"),
    (9, "BodyLength", "LENGTH"),
    (10, "CheckSum", "STRING"),
    (16, "EndSeqNo", "SEQNUM"),
    (36, "NewSeqNo", "SEQNUM"),
    (52, "SendingTime", "UTCTIMESTAMP"),
    (98, "EncryptMethod", "INT"),
    (108, "HeartBtInt", "INT"),
    (112, "TestReqID", "STRING"),
    (122, "OrigSendingTime", "UTCTIMESTAMP"),
    (123, "GapFillFlag", "BOOLEAN"),
    (141, "ResetSeqNumFlag", "BOOLEAN"),
    (371, "RefTagID", "INT"),
    (373, "SessionRejectReason", "INT"),
    (553, "Username", "STRING"),
    (554, "Password", "STRING"),
    (789, "NextExpectedMsgSeqNum", "SEQNUM"),
];

/// Returns the data dictionary of a version, as QuickFIX reads it. That of FIX.5.0SP2 is an `AppDataDictionary`: the
/// session layer is in QuickFIX's own `FIXT11.xml`.
pub fn data_dictionary(version: Version) -> String {
    let mut xml = String::new();
    let (major, minor, service_pack) = match version {
        Version::Fix44 => (4, 4, 0),
        Version::Fix50 => (5, 0, 2),
    };
    let _ = writeln!(
        xml,
        "<!-- Made by `auction-fix dictionary`: the messages that the gateway speaks. -->\n<fix major=\"{major}\" minor=\"{minor}\" servicepack=\"{service_pack}\" type=\"FIX\">"
    );
    envelope(&mut xml, version);
    xml.push_str(" <messages>\n");
    if version == Version::Fix44 {
        for (kind, name, uses) in SESSION_MESSAGES {
            let _ = writeln!(
                xml,
                "  <message name=\"{name}\" msgtype=\"{kind}\" msgcat=\"admin\">"
            );
            for (name, is_required) in *uses {
                line(&mut xml, 3, "field", name, *is_required, true);
            }
            xml.push_str("  </message>\n");
        }
    }
    for spec in messages() {
        let from = match spec.sender {
            Sender::Client => "to the gateway",
            Sender::Gateway => "from the gateway",
        };
        let _ = writeln!(
            xml,
            "  <!-- {from} -->\n  <message name=\"{}\" msgtype=\"{}\" msgcat=\"app\">",
            spec.name, spec.kind
        );
        for used in spec.uses.iter().filter(|used| used.is_in(version)) {
            write_use(&mut xml, used, version, 3);
        }
        xml.push_str("  </message>\n");
    }
    xml.push_str(" </messages>\n <components/>\n <fields>\n");
    for (tag, text) in field_lines(version) {
        debug_assert!(tag > 0);
        xml.push_str(&text);
    }
    xml.push_str(" </fields>\n</fix>\n");
    xml
}

fn envelope(xml: &mut String, version: Version) {
    if version == Version::Fix50 {
        xml.push_str(" <header/>\n <trailer/>\n");
        return;
    }
    xml.push_str(" <header>\n");
    for (_, name, is_required) in HEADER {
        line(xml, 2, "field", name, *is_required, true);
    }
    xml.push_str(" </header>\n <trailer>\n");
    line(xml, 2, "field", "CheckSum", true, true);
    xml.push_str(" </trailer>\n");
}

fn write_use(xml: &mut String, used: &Use, version: Version, depth: usize) {
    let name = field(used.tag).expect("in the table").name;
    if used.group.is_empty() {
        line(xml, depth, "field", name, used.is_required, true);
        return;
    }
    line(xml, depth, "group", name, used.is_required, false);
    for member in used.group.iter().filter(|member| member.is_in(version)) {
        write_use(xml, member, version, depth + 1);
    }
    let _ = writeln!(xml, "{}</group>", " ".repeat(depth));
}

fn line(xml: &mut String, depth: usize, element: &str, name: &str, is_required: bool, ends: bool) {
    let required = if is_required { "Y" } else { "N" };
    let end = if ends { "/" } else { "" };
    let indent = " ".repeat(depth);
    let _ = writeln!(
        xml,
        "{indent}<{element} name=\"{name}\" required=\"{required}\"{end}>"
    );
}

fn field_lines(version: Version) -> Vec<(u32, String)> {
    let mut used = BTreeSet::new();
    for spec in messages() {
        collect(&spec.uses, version, &mut used);
    }
    let is_used = |field: &&Field| {
        used.contains(&field.tag) || (version == Version::Fix44 && is_header(field.tag))
    };
    let mut lines: Vec<_> = FIELDS
        .iter()
        .filter(is_used)
        .map(|field| (field.tag, field_line(field)))
        .collect();
    if version == Version::Fix44 {
        for (tag, name, kind) in SESSION_FIELDS {
            lines.push((
                *tag,
                format!("  <field number=\"{tag}\" name=\"{name}\" type=\"{kind}\"/>\n"),
            ));
        }
    }
    lines.sort_by_key(|(tag, _)| *tag);
    lines
}

fn is_header(tag: u32) -> bool {
    HEADER.iter().any(|(header, ..)| *header == tag)
}

fn collect(uses: &[Use], version: Version, tags: &mut BTreeSet<u32>) {
    for used in uses.iter().filter(|used| used.is_in(version)) {
        tags.insert(used.tag);
        collect(&used.group, version, tags);
    }
}

fn field_line(field: &Field) -> String {
    let kind = match field.kind {
        Kind::Boolean => "BOOLEAN",
        Kind::Char => "CHAR",
        Kind::Int => "INT",
        Kind::NumInGroup => "NUMINGROUP",
        Kind::Price => "PRICE",
        Kind::Qty => "QTY",
        Kind::SeqNum => "SEQNUM",
        Kind::String => "STRING",
        Kind::UtcTimestamp => "UTCTIMESTAMP",
        Kind::MultipleString => "MULTIPLEVALUESTRING",
    };
    let mut text = format!(
        "  <field number=\"{}\" name=\"{}\" type=\"{kind}\"",
        field.tag, field.name
    );
    if field.values.is_empty() {
        text.push_str("/>\n");
        return text;
    }
    text.push_str(">\n");
    for (value, label) in field.values {
        let _ = writeln!(text, "   <value enum=\"{value}\" description=\"{label}\"/>");
    }
    text.push_str("  </field>\n");
    text
}
