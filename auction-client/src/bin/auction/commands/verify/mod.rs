//! `auction verify`: checks a public journal without a server.

mod held;
mod own;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use auction_client::{NotAsSigned, Proof, ProofError, Verifier};
use auction_core::audit::{Foul, Wrong};
use auction_core::{Market, Name, PublicEvent};
use auction_proto::KeyFingerprint;
use serde_json::{Map, Value, json};

use self::own::Own;
use crate::args::Shared;
use crate::output::failure::Failure;
use crate::output::names::View;
use crate::output::out::Out;

/// Size of one read, in bytes.
const PIECE_BYTES: usize = 64 * 1024;
/// File name that means standard input.
const STANDARD_INPUT: &str = "-";

/// Signed statements to compare the journal with.
pub struct Held<'a> {
    pub receipts: &'a [PathBuf],
    pub checkpoints: &'a [PathBuf],
    /// Fingerprint of the market's key, if it is not the kept key.
    pub key: Option<KeyFingerprint>,
}

pub fn run(
    shared: &Shared,
    file: &Path,
    user: Option<Name>,
    held: Held<'_>,
) -> Result<(), Failure> {
    let out = Out::new(shared.format());
    let mut verifier = Verifier::new();
    let signed = held.hold(&mut verifier, &shared.state_dir()?)?;
    let unreadable = |error: io::Error| Failure::failed(format!("{}: {error}", file.display()));
    let (mut read, bytes): (Box<dyn Read>, u64) = if file == Path::new(STANDARD_INPUT) {
        (Box::new(io::stdin().lock()), 0)
    } else {
        let opened = File::open(file).map_err(unreadable)?;
        let bytes = opened.metadata().map_or(0, |metadata| metadata.len());
        (Box::new(opened), bytes)
    };
    let mut progress = Progress::of(bytes);
    let mut own = Own::of(user, &signed);
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = match read.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(error)),
        };
        let taken = verifier.take(&piece[..read], |judged| own.take(&judged));
        if let Err(error) = taken {
            progress.clear();
            return Err(refused(&error));
        }
        progress.advance(read);
    }
    progress.clear();
    let proof = verifier.finish().map_err(|error| refused(&error))?;
    own.check(&proof)?;
    let view = view_of(&proof.market, own.only(&proof.market));
    out.print(
        |colour| {
            let closed = proof.market.lots().iter().filter(|lot| lot.is_closed());
            let closed: Vec<_> = closed.collect();
            let mut text = String::new();
            if !closed.is_empty() {
                let _ = writeln!(text, "{}\n", view.results(closed, colour).trim_end());
            }
            text += &own.text(&view);
            text + &proof_text(&proof) + &signed.text()
        },
        || {
            let mut json = json_of(&proof, &own, &view);
            json["receipts"] = signed.receipts_json();
            json["checkpoints"] = signed.checkpoints_json();
            json
        },
    )
}

fn view_of(market: &Market, own: Option<Name>) -> View<'_> {
    View {
        market,
        own,
        now: market.parts().at,
    }
}

fn proof_text(proof: &Proof) -> String {
    let counts = &proof.counts;
    let mut text = String::new();
    let mut line = |name: &str, said: String| {
        let _ = writeln!(text, "{name:8} {said}");
    };
    line("market", proof.market.id().to_string());
    line(
        "records",
        match proof.records {
            0 => "0".to_owned(),
            last => format!("{last}: 1 to {last}, in {} frames", counts.frames),
        },
    );
    line("chain", proof.chain.to_string());
    line("digest", proof.market.clone().digest().to_string());
    let opened = counts.opened;
    line(
        "opened",
        format!("{opened} private parts, each as its record had committed to it"),
    );
    line(
        "decided",
        format!("{} records are exactly what the rules give", counts.decided),
    );
    for (held, count) in &counts.allowed {
        line(
            "allowed",
            format!(
                "{count} are what the rules can give, but for {held}: held by a commitment, not opened"
            ),
        );
    }
    if counts.held > 0 {
        line(
            "held",
            format!(
                "{} show nothing (logins, payments, suspensions, hidden bids): held by commitments, not opened",
                counts.held
            ),
        );
    }
    text + "every record follows the one before it, and nothing that is public contradicts the rules\n"
}

fn json_of(proof: &Proof, own: &Own, view: &View<'_>) -> Value {
    let counts = &proof.counts;
    let allowed = counts.allowed.iter().map(|(held, count)| {
        let name = format!("{held:?}");
        (snake(&name), json!(count))
    });
    let closed = proof.market.lots().iter().filter(|lot| lot.is_closed());
    json!({
        "verified": true,
        "market": proof.market.id().to_string(),
        "records": proof.records.to_string(),
        "frames": counts.frames.to_string(),
        "chain": proof.chain.to_string(),
        "digest": proof.market.clone().digest().to_string(),
        "opened": counts.opened,
        "decided": counts.decided,
        "allowed": allowed.collect::<Map<_, _>>(),
        "held": counts.held,
        "lots": closed.map(|lot| view.lot_json(lot)).collect::<Vec<_>>(),
        "bids": own.json(view),
    })
}

/// Converts `LotOpened` to `lot_opened`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for char in name.chars() {
        if char.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(char.to_lowercase());
    }
    snake
}

/// Describes the fault: its place, the expected content, and the actual content.
fn refused(error: &ProofError) -> Failure {
    match error {
        ProofError::Journal(error) => {
            Failure::failed(error.to_string()).with_code("not_as_written")
        }
        ProofError::Opening { sequence, .. } => Failure::failed(error.to_string())
            .with_code("opened_otherwise")
            .with_remedy("sequence", json!(sequence.0.to_string())),
        ProofError::Signed(error) => not_as_signed(error),
        ProofError::Foul { foul, market } => foul_failure(foul, market),
    }
}

/// Describes the first record that differs from the signed journal.
fn not_as_signed(error: &NotAsSigned) -> Failure {
    let (first, last) = match error {
        NotAsSigned::Record { first, last, .. } => (*first, *last),
        NotAsSigned::Commits { sequence } => (*sequence, *sequence),
        NotAsSigned::Term { last, signed, .. } => (*last, *signed),
        NotAsSigned::EndMissing { first, last, .. } => (*first, last.next()),
        NotAsSigned::OtherMarket { .. } => {
            return Failure::failed(error.to_string()).with_code("other_market");
        }
    };
    let what_else = match error {
        NotAsSigned::EndMissing { .. } => {
            ". If the journal was exported before that was signed, export it again; else its end was dropped"
        }
        _ => ": it was changed, dropped or moved after that. Keep the signed file: it proves it",
    };
    Failure::failed(format!("{error}{what_else}"))
        .with_code("not_as_signed")
        .with_remedy("first", json!(first.0.to_string()))
        .with_remedy("last", json!(last.0.to_string()))
}

fn foul_failure(foul: &Foul, market: &Market) -> Failure {
    let view = view_of(market, None);
    let lot = foul
        .lot
        .map_or(String::new(), |lot| format!(" on {}", view.title(lot)));
    let Foul {
        sequence,
        at,
        wrong,
        ..
    } = foul;
    let mut message = format!("record {sequence} of {at}{lot} is not what the rules give: ");
    let (mut rules_give, mut stands) = (Value::Null, Value::Null);
    match wrong {
        Wrong::Otherwise { given, found } => {
            rules_give = event(&view, given.as_deref());
            stands = event(&view, found.as_deref());
            message += &difference(&rules_give, &stands);
        }
        Wrong::NotDue { due } => {
            let due = match due {
                Some(due) => format!("the lot is due at {due}"),
                None => "nothing is due on it".to_owned(),
            };
            message +=
                &format!("the clock acts when something is due and on what is due first; {due}");
        }
        wrong => message += &wrong.to_string(),
    }
    let failure = Failure::failed(message)
        .with_code("not_by_the_rules")
        .with_remedy("sequence", json!(sequence.0.to_string()))
        .with_remedy("at", json!(at.to_string()))
        .with_remedy("lot", json!(foul.lot.map(|lot| lot.0)));
    match (&rules_give, &stands) {
        (Value::Null, Value::Null) => failure,
        _ => failure
            .with_remedy("rules_give", rules_give)
            .with_remedy("stands", stands),
    }
}

fn event(view: &View<'_>, event: Option<&PublicEvent>) -> Value {
    let Some(event) = event else {
        return Value::Null;
    };
    match view.event_json(event) {
        Some((kind, fields)) => json!({ "event": kind, "fields": fields }),
        None => json!({ "event": format!("{event:?}") }),
    }
}

/// Describes where two events differ.
fn difference(given: &Value, found: &Value) -> String {
    let kind = |event: &Value| match &event["event"] {
        Value::String(kind) => format!("`{kind}`"),
        _ => "nothing more".to_owned(),
    };
    let fields = (&given["fields"], &found["fields"]);
    let (Value::Object(of_rules), Value::Object(standing)) = fields else {
        return format!(
            "they give {}, and {} stands there",
            kind(given),
            kind(found)
        );
    };
    if given["event"] != found["event"] {
        return format!(
            "they give {}, and {} stands there",
            kind(given),
            kind(found)
        );
    }
    let mut differs = Vec::new();
    differing(of_rules, standing, &mut differs);
    match differs.is_empty() {
        true => "they give another event of this kind".to_owned(),
        false => differs.join("; "),
    }
}

fn differing(given: &Map<String, Value>, found: &Map<String, Value>, differs: &mut Vec<String>) {
    for (name, given) in given {
        let found = found.get(name).unwrap_or(&Value::Null);
        match (given, found) {
            (Value::Object(given), Value::Object(found)) => differing(given, found, differs),
            _ if given == found => {}
            _ => differs.push(format!(
                "{name}: they give {given}, and {found} stands there"
            )),
        }
    }
}

/// Progress bar on standard error, if that is a terminal.
struct Progress {
    bytes: u64,
    done: u64,
    shown: Option<u64>,
}

impl Progress {
    fn of(bytes: u64) -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        // A small file needs no progress bar, and a stream has no known size.
        let is_shown = io::stderr().is_terminal() && !is_dumb && bytes > 16 * PIECE_BYTES as u64;
        Self {
            bytes: if is_shown { bytes } else { 0 },
            done: 0,
            shown: None,
        }
    }

    fn advance(&mut self, read: usize) {
        self.done += read as u64;
        let Some(percent) = (self.done * 100).checked_div(self.bytes) else {
            return;
        };
        let percent = percent.min(100);
        if self.shown != Some(percent) {
            self.shown = Some(percent);
            let done = "=".repeat(usize::try_from(percent).unwrap_or(0) * 3 / 10);
            eprint!("\rchecking the journal  {done:30}  {percent} %");
        }
    }

    fn clear(&mut self) {
        if self.shown.take().is_some() {
            eprint!("\r\x1b[K");
        }
    }
}
