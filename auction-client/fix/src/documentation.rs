//! The page `docs/fix.md`: its table of messages is made from the dictionary.

use std::fmt::Write as _;
use std::path::Path;

use crate::dictionary::{Sender, Use, Version, field, messages};

fn rendered() -> String {
    let mut text = String::new();
    for (sender, title) in [
        (Sender::Client, "From the client"),
        (Sender::Gateway, "From the gateway"),
    ] {
        let _ = write!(text, "\n### {title}\n");
        for spec in messages().iter().filter(|spec| spec.sender == sender) {
            let _ = write!(text, "\n**{}** {}\n\n```text\n", spec.kind, spec.name);
            write_uses(&mut text, &spec.uses, 0);
            text.push_str("```\n");
        }
    }
    text
}

fn write_uses(text: &mut String, uses: &[Use], depth: usize) {
    for used in uses {
        let field = field(used.tag).expect("in the table");
        let required = if used.is_required { '!' } else { ' ' };
        let only = match used.only {
            Some(Version::Fix50) => '5',
            Some(Version::Fix44) => '4',
            None => ' ',
        };
        let values: Vec<_> = field
            .values
            .iter()
            .map(|(value, label)| format!("{value} {}", label.to_lowercase()))
            .collect();
        let line = format!(
            "{}{:<5}{required}{only} {:<24}{}",
            "  ".repeat(depth),
            used.tag,
            field.name,
            values.join(", ")
        );
        let _ = writeln!(text, "{}", line.trim_end());
        write_uses(text, &used.group, depth + 1);
    }
}

#[test]
fn the_messages_of_the_page_are_those_of_the_table() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fix.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let begin = text.find("<!-- messages").unwrap();
    let begin = begin + text[begin..].find('\n').unwrap() + 1;
    let end = begin + text[begin..].find("<!-- end -->").unwrap();
    let expected = rendered() + "\n";
    if std::env::var_os("AUCTION_BLESS").is_some() {
        let new = format!("{}{expected}{}", &text[..begin], &text[end..]);
        std::fs::write(&page, new).unwrap();
    } else {
        assert!(
            text[begin..end] == expected,
            "AUCTION_BLESS=1 cargo test -p auction-fix writes it"
        );
    }
}
