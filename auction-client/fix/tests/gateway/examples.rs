//! The worked examples of the page `docs/fix.md`, as they happen.

use std::fmt::Write as _;
use std::path::Path;

use auction_client::PlaceOrder;
use auction_core::{Quantity, Side};

use crate::stage::{CALL, Stage};
use crate::wire::{Received, Wire, now};

/// A client whose messages are written down.
struct Example {
    wire: Wire,
    text: String,
}

impl Example {
    fn says(&mut self, why: &str, kind: &str, fields: &str) {
        let (number, comp_id) = (self.wire.next, self.wire.comp_id.clone());
        self.wire.send(kind, fields);
        let shown: Vec<_> = fields
            .split_terminator('|')
            .filter(|field| !field.starts_with("60="))
            .collect();
        let _ = write!(self.text, "\n{why}\n\n```text\n");
        let line = format!(
            "> 35={kind}|49={comp_id}|56=AUCTION|34={number}|{}",
            shown.join("|")
        );
        let _ = writeln!(self.text, "{}", line.replace(crate::wire::PASSWORD, "..."));
    }

    fn hears(&mut self, kind: &str) -> Received {
        let received = self.wire.read_kind(kind);
        let shown = received
            .0
            .iter()
            .filter(|(tag, _)| ![8, 9, 10, 52, 60, 779].contains(tag));
        let shown: Vec<_> = shown.map(|(tag, value)| format!("{tag}={value}")).collect();
        let _ = writeln!(self.text, "< {}", shown.join("|"));
        received
    }

    fn over(&mut self) {
        self.text.push_str("```\n");
    }
}

#[test]
fn the_examples_of_the_page_are_what_happens() {
    let stage = Stage::open();
    let mut example = Example {
        wire: Wire::connect(stage.fix, "MIA", "FIXT.1.1"),
        text: String::new(),
    };
    let logon = format!("98=0|108=30|1137=9|141=Y|554={}|", crate::wire::PASSWORD);
    example.says("Log on, with new sequence numbers:", "A", &logon);
    example.hears("A");
    example.over();
    let time = now();
    example.says(
        "An order to buy 100 at 10.10 or less:",
        "D",
        &format!("11=m1|55=CALL|54=1|60={time}|38=100|40=2|44=10.10|59=2|"),
    );
    example.hears("8 0 0");
    example.over();
    example.says(
        "It is replaced:",
        "G",
        &format!("11=m2|41=m1|55=CALL|54=1|60={time}|38=80|40=2|44=10.20|59=2|"),
    );
    example.hears("8 5 0");
    example.over();
    example.says(
        "A limit that is not on the tick is refused, with the remedy:",
        "D",
        &format!("11=m3|55=CALL|54=1|60={time}|38=5|40=2|44=10.005|"),
    );
    example.hears("8 8 8");
    example.over();
    example.says(
        "An instruction that is not offered is refused by the session layer:",
        "D",
        &format!("11=m4|55=CALL|54=1|60={time}|38=5|40=2|44=10|110=5|"),
    );
    example.hears("3");
    example.over();
    example.says(
        "The price of an English lot, and the least next bid:",
        "V",
        "262=book|263=0|264=0|267=2|269=0|269=1|146=1|55=ENG|",
    );
    example.hears("W");
    example.over();
    example.says("The state of the lot:", "e", "324=state|55=CALL|263=0|");
    let state = example.hears("f");
    let closes = state.get(58).rsplit(' ').next().unwrap().to_owned();
    example.over();
    stage.with("ned", async |client| {
        let order = PlaceOrder {
            lot: CALL,
            side: Side::Sell,
            quantity: Quantity::new(60).unwrap(),
            limit: None,
        };
        client.ask(order).await.unwrap();
    });
    stage.close(CALL);
    let _ = write!(
        example.text,
        "\nSomeone sells 60 at any price, and the call is uncrossed:\n\n```text\n"
    );
    example.hears("8 F 1");
    example.hears("8 C C");
    example.over();
    example.says("Log out:", "5", "");
    example.hears("5");
    example.over();

    let made = example.text.replace(&closes, "...").replace("|\n", "\n");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/fix.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let begin = text.find("<!-- examples").unwrap();
    let begin = begin + text[begin..].find('\n').unwrap() + 1;
    let end = begin + text[begin..].find("<!-- end -->").unwrap();
    let made = made + "\n";
    if std::env::var_os("AUCTION_BLESS").is_some() {
        let new = format!("{}{made}{}", &text[..begin], &text[end..]);
        std::fs::write(&page, new).unwrap();
    } else {
        assert_eq!(
            text[begin..end],
            made,
            "AUCTION_BLESS=1 cargo test -p auction-fix writes it"
        );
    }
}
