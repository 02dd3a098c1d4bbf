//! Bids that are acknowledged when they are written, and synced soon after: for those who accept losing the last moments
//! when the machine goes down. Beside a Redis that does the same.

use std::io;

use crate::load::Pace;
use crate::report::Section;
use crate::row::{Aim, Row, Told, Unit};
use crate::setup::{Setup, Shape, TRADERS};
use crate::target::{Target, names, starts};
use crate::targets::auction::{Auction, Durability};
use crate::targets::redis::{Redis, Sync};

/// What is measured, and how many times as many bids as Redis it should be.
const SHAPES: [(Shape, f64); 3] = [(shape(1), 1.5), (shape(16), 4.0), (shape(64), 8.0)];

const fn shape(in_flight: u32) -> Shape {
    Shape {
        connections: TRADERS,
        in_flight,
    }
}

pub fn ask(setup: &Setup) -> io::Result<Section> {
    let folder = setup.folder.within("relaxed")?;
    let server = Auction::start(
        &setup.server,
        &folder,
        setup.lots,
        TRADERS,
        Durability::Relaxed,
    )?;
    let mut ours = setup.contender(server);
    let mut redis = setup.other("redis-everysec", |folder| {
        Redis::start(folder, Sync::EverySecond)
    });
    let (mut bids, mut theirs) = ([(); 3].map(|()| Vec::new()), [(); 3].map(|()| Vec::new()));
    for round in 1..=setup.rounds {
        setup.say(&format!("relaxed bids: round {round} of {}", setup.rounds));
        for (place, (shape, _)) in SHAPES.into_iter().enumerate() {
            let turn = ours.turn(setup, shape, Pace::Saturated)?;
            bids[place].push(turn.outcome.rate());
            if let Ok(redis) = &mut redis {
                let turn = redis.turn(setup, shape, Pace::Saturated)?;
                theirs[place].push(turn.outcome.rate());
            }
        }
    }
    let redis = redis.as_ref().map_err(Clone::clone);
    let redis = redis.map(|redis| &redis.system as &dyn Target);
    let beside = names(&redis, "Redis, everysec");
    let text = vec![
        "Bids acknowledged when they are written, and synced in the background: a crash of the server loses none of \
         them, a crash of the machine the last moments."
            .to_owned(),
        starts(&[Some(&ours.system), redis.as_ref().ok().copied()]),
    ];
    let why = redis.map(drop);
    let rows = SHAPES.into_iter().zip(bids.into_iter().zip(theirs));
    let rows = rows.map(|((shape, aim), (ours, theirs))| Row {
        what: format!("relaxed bids, {}", shape.said()),
        unit: Unit::PerSecond,
        ours,
        beside: beside.clone(),
        theirs: why.clone().map(|()| theirs).into(),
        aim: Aim::AtLeast(aim),
        told: Told::InShort,
    });
    Ok(Section {
        title: "Bids with relaxed durability".to_owned(),
        text,
        rows: rows.collect(),
        ..Section::default()
    })
}
