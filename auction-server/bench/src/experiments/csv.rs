//! The way the first public version did it: read the CSV file, look, and write all of it anew, at each bid. Nothing is
//! synced.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use crate::load::Pace;
use crate::report::Section;
use crate::row::{Aim, Row, Theirs, Told, Unit};
use crate::setup::TRADERS;
use crate::setup::{Setup, Shape};
use crate::target::unexpected;
use crate::targets::auction::{Auction, Durability};

/// As many stocks as a round has by default, and as many as the other questions have lots.
const FEW: u32 = 10;

pub fn ask(setup: &Setup) -> io::Result<Section> {
    let folder = setup.folder.within("csv-market")?;
    let server = Auction::start(
        &setup.server,
        &folder,
        setup.lots,
        TRADERS,
        Durability::Strict,
    )?;
    let mut ours = setup.contender(server);
    let alone = Shape {
        connections: 1,
        in_flight: 1,
    };
    let (mut bids, mut few, mut many) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=setup.rounds {
        setup.say(&format!("the CSV way: round {round} of {}", setup.rounds));
        bids.push(ours.turn(setup, alone, Pace::Saturated)?.outcome.rate());
        few.push(bids_by_rewriting(setup, FEW)?);
        many.push(bids_by_rewriting(setup, setup.lots)?);
    }
    let row = |lots: u32, theirs| Row {
        what: "durable bids, 1 connection, 1 in flight".to_owned(),
        unit: Unit::PerSecond,
        ours: bids.clone(),
        beside: format!(
            "the first version's way: read and rewrite a CSV of {lots} rows, no socket, no sync"
        ),
        theirs: Theirs::Measured(theirs),
        aim: Aim::Stated,
        told: Told::InShort,
    };
    Ok(Section {
        title: "Beside the first version".to_owned(),
        text: vec![
            "The first public version read its CSV file and wrote it anew at each bid. Its algorithm, in this program, \
             without its socket, beside durable bids over one."
                .to_owned(),
        ],
        rows: vec![row(FEW, few), row(setup.lots, many)],
        ..Section::default()
    })
}

/// Bids a second.
fn bids_by_rewriting(setup: &Setup, lots: u32) -> io::Result<f64> {
    let path = setup.folder.path().join("first-version.csv");
    let rows: String = (1..=lots)
        .map(|lot| format!("{lot:05},S{lot},0,nobody\n"))
        .collect();
    fs::write(&path, format!("Security,Symbol,Cents,Name\n{rows}"))?;
    let (begun, mut bids) = (Instant::now(), 0_u32);
    while begun.elapsed() < setup.measured {
        let (lot, cents) = (bids % lots + 1, bids / lots + 1);
        bid(&path, &format!("S{lot}"), cents.into())?;
        bids += 1;
    }
    let rate = f64::from(bids) / begun.elapsed().as_secs_f64();
    fs::remove_file(&path)?;
    Ok(rate)
}

fn bid(path: &Path, symbol: &str, cents: u64) -> io::Result<()> {
    let text = fs::read_to_string(path)?;
    let mut out = String::with_capacity(text.len() + 8);
    for line in text.lines() {
        let mut fields: Vec<&str> = line.split(',').collect();
        let (price, name) = (cents.to_string(), "trader");
        if fields[1] == symbol {
            let stands: u64 = fields[2].parse().map_err(|_| unexpected("no price"))?;
            if cents <= stands {
                return Err(unexpected("a bid that is too low"));
            }
            (fields[2], fields[3]) = (&price, name);
        }
        out.push_str(&fields.join(","));
        out.push('\n');
    }
    fs::write(path, out)
}
