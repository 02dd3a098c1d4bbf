//! Lossless fan-out: every message at every listener. Beside NATS; and the sends it takes, beside a bare loop of them.

use std::io;

use crate::fan::{self, Amount, Feed};
use crate::plot::{self, Panel};
use crate::report::{Picture, Section};
use crate::row::{Aim, Row, Theirs, Told, Unit, grouped};
use crate::sends::bare_sends;
use crate::setup::{Others, Setup};
use crate::stats::Stats;
use crate::targets::auction_feed::{AuctionFeed, BIDDERS};
use crate::targets::nats::Nats;

/// How many listen, how many messages each is sent, and how many times NATS's deliveries ours should be.
const CROWDS: [(usize, u64, f64); 2] = [(100, 100_000, 1.3), (1_000, 10_000, 2.0)];
/// In a short run, this part of the messages.
const QUICK_PART: u64 = 10;
/// How many messages the slowest listener may lack.
const WINDOW: u64 = 8_192;
/// What NATS's best window is sought among; the last is none.
const NATS_WINDOWS: [u64; 4] = [1_024, WINDOW, 32_768, u64::MAX];
/// It is sought with this part of the messages.
const SOUGHT_PART: u64 = 4;
/// How sends are counted: few bids are under way, so that each batch is small and is sent by itself.
const SENDS: Amount = Amount {
    listeners: 1_000,
    messages: 500,
    window: 8,
};
/// What a send should be worth beside a bare one.
const SENDS_AIM: f64 = 0.7;

pub fn ask(setup: &Setup) -> io::Result<Section> {
    let folder = setup.folder.within("fan-out")?;
    let mut ours = AuctionFeed::start(&setup.server, &folder, setup.lots)?;
    setup.say(&format!("{}: {}", ours.name(), ours.started_as()));
    let mut measured = Measured::default();
    // Messages of NATS's are as long as ours are in such a turn.
    let first = deliveries(&mut ours, amount(setup, 0))?;
    let told = ours.told();
    let payload = (told.bytes as f64 / told.events as f64).round() as usize;
    setup.say(&format!(
        "fan-out: {} in the first turn, {payload} bytes each",
        Unit::PerSecond.figure(first)
    ));
    let mut nats = match setup.others {
        Others::LeftOut => Err("left out".to_owned()),
        Others::Measured => setup
            .folder
            .within("nats")
            .and_then(|folder| Nats::start(&folder, payload))
            .map_err(|error| error.to_string()),
    };
    let mut windows = [WINDOW; CROWDS.len()];
    if let Ok(nats) = &mut nats {
        for (place, window) in windows.iter_mut().enumerate() {
            *window = best_window(setup, nats, amount(setup, place));
        }
    }
    for round in 1..=setup.rounds {
        setup.say(&format!("fan-out: round {round} of {}", setup.rounds));
        for (place, &window) in windows.iter().enumerate() {
            let amount = amount(setup, place);
            measured.ours[place].push(deliveries(&mut ours, amount)?);
            if let Ok(system) = &mut nats {
                match deliveries(system, Amount { window, ..amount }) {
                    Ok(rate) => measured.nats[place].push(rate),
                    // It lost something, or ended a connection that was too slow for it.
                    Err(error) => nats = Err(format!("NATS: {error}")),
                }
            }
        }
        let (sends, bytes) = sends(&mut ours)?;
        measured.sends.push(sends);
        measured.send_bytes.push(bytes);
        let bare = bare_sends(SENDS.listeners, bytes as usize, setup.measured / 2)?;
        measured.bare.push(bare);
    }
    ours.check_digest()?;
    if ours.server().metric("auction_resynced_total")? > 0.0 {
        return Err(io::Error::other(
            "a watcher was given a snapshot: this was not lossless",
        ));
    }
    Ok(tell(&ours, &nats, windows, &measured))
}

#[derive(Default)]
struct Measured {
    ours: [Vec<f64>; 2],
    nats: [Vec<f64>; 2],
    sends: Vec<f64>,
    send_bytes: Vec<f64>,
    bare: Vec<f64>,
}

fn amount(setup: &Setup, place: usize) -> Amount {
    let (listeners, messages, _) = CROWDS[place];
    let part = match setup.others {
        Others::LeftOut => QUICK_PART,
        Others::Measured => 1,
    };
    Amount {
        listeners,
        messages: messages / part,
        window: WINDOW,
    }
}

/// The window that NATS delivers most with.
fn best_window(setup: &Setup, nats: &mut Nats, amount: Amount) -> u64 {
    let mut best = (0.0, WINDOW);
    for window in NATS_WINDOWS {
        // One that is too wide for it, so that it ends the slowest connection, is not its best.
        let messages = amount.messages / SOUGHT_PART;
        let sought = Amount {
            window,
            messages,
            ..amount
        };
        let rate = deliveries(nats, sought).unwrap_or_default();
        setup.say(&format!(
            "NATS, 1 to {}, {}: {}",
            amount.listeners,
            window_said(window),
            Unit::PerSecond.figure(rate)
        ));
        if rate > best.0 {
            best = (rate, window);
        }
    }
    best.1
}

fn window_said(window: u64) -> String {
    match window {
        u64::MAX => "without a window".to_owned(),
        some => format!("a window of {}", grouped(some)),
    }
}

/// Deliveries a second.
fn deliveries(feed: &mut dyn Feed, amount: Amount) -> io::Result<f64> {
    let took = fan::run(feed, amount)?;
    Ok((amount.messages * amount.listeners as u64) as f64 / took.as_secs_f64())
}

/// Sends a second, as the server counts its writes, and how many bytes each takes.
fn sends(ours: &mut AuctionFeed) -> io::Result<(f64, f64)> {
    let writes = |ours: &AuctionFeed| ours.server().metric("auction_writes_total");
    let (before, told) = (writes(ours)?, ours.told());
    let took = fan::run(ours, SENDS)?;
    let sends = writes(ours)? - before;
    let bytes = (ours.told().bytes - told.bytes) * SENDS.listeners as u64;
    Ok((sends / took.as_secs_f64(), bytes as f64 / sends))
}

fn tell(
    ours: &AuctionFeed,
    nats: &Result<Nats, String>,
    windows: [u64; CROWDS.len()],
    measured: &Measured,
) -> Section {
    let beside = nats.as_ref().map_or("NATS".to_owned(), |nats| nats.name());
    let mut rows = Vec::new();
    let mut panels = Vec::new();
    for (place, (listeners, _, aim)) in CROWDS.into_iter().enumerate() {
        let what = format!("lossless deliveries, 1 to {}", grouped(listeners as u64));
        let mut bars = vec![(
            "auction-server".to_owned(),
            Stats::of(&measured.ours[place]),
        )];
        if nats.is_ok() {
            bars.push(("NATS".to_owned(), Stats::of(&measured.nats[place])));
        }
        panels.push(Panel {
            title: format!("1 to {}", grouped(listeners as u64)),
            bars,
        });
        rows.push(Row {
            what,
            unit: Unit::PerSecond,
            ours: measured.ours[place].clone(),
            beside: beside.clone(),
            theirs: nats
                .as_ref()
                .map(|_| measured.nats[place].clone())
                .map_err(Clone::clone)
                .into(),
            aim: Aim::AtLeast(aim),
            told: Told::InShort,
        });
    }
    let bytes = Stats::of(&measured.send_bytes).median;
    rows.push(Row {
        what: format!("sends, 1 to {}", grouped(SENDS.listeners as u64)),
        unit: Unit::PerSecond,
        ours: measured.sends.clone(),
        beside: format!("a bare loop of sends of {bytes:.0} bytes to as many sockets"),
        theirs: Theirs::Measured(measured.bare.clone()),
        aim: Aim::AtLeast(SENDS_AIM),
        told: Told::InShort,
    });
    let mut text = vec![
        format!(
            "Every message at every listener, none left out: ours are durable bids of {BIDDERS} bidders, and each \
             watcher's bytes are compared with the first one's, which are folded and compared with the server's \
             digest ({} heartbeats agreed; a snapshot, a gap or a difference would fail the run). NATS stores \
             nothing; its messages are as long as ours are on average, and compared in the same way. On both sides \
             as many are sent. Of ours the slowest listener lacks {} at most; NATS has the window that it delivered \
             most with, of {}: {} to 100, {} to 1,000. One thread holds all ends.",
            ours.told().digests,
            grouped(WINDOW),
            NATS_WINDOWS.map(window_said).join(", "),
            window_said(windows[0]),
            window_said(windows[1]),
        ),
        format!(
            "Sends are the server's writes to sockets, as its metric `auction_writes_total` counts them, while {} \
             bids at most are under way: with more, what is ready goes in fewer.",
            SENDS.window
        ),
        format!("- `{}`", ours.started_as()),
    ];
    text.extend(
        nats.as_ref()
            .ok()
            .map(|nats| format!("- `{}`", nats.started_as())),
    );
    Section {
        title: "Fan-out".to_owned(),
        text,
        rows,
        pictures: vec![Picture {
            name: "fan-out".to_owned(),
            caption: "lossless deliveries a second".to_owned(),
            svg: plot::bars("Lossless deliveries a second", Unit::PerSecond, &panels),
        }],
        ..Section::default()
    }
}
