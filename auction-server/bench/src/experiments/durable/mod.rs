//! Durable bids: acknowledged when they are synced. Beside Redis and PostgreSQL, and beside the least that the machine asks:
//! the disk alone, and an echo that syncs.

mod tell;
mod measured;

use std::io;
use std::time::Instant;

use crate::disk::{Writing, bare_syncs};
use crate::load::Pace;
use crate::report::Section;
use crate::row::Unit;
use crate::setup::{Contender, Setup, Shape, TRADERS};
use crate::target::Target;
use crate::targets::auction::{Auction, Durability};
use crate::targets::echo::Echo;
use crate::targets::postgres::Postgres;
use crate::targets::redis::{Redis, Sync};

use self::measured::{ALONE, Ahead, Measured, SCHEDULED, SHAPES, STAGES, Stages, rate, shape};
use self::tell::{Systems, tell};

/// The schedule is what this part of Redis's best is, so that both can keep it.
const SCHEDULE: f64 = 0.6;
/// What PostgreSQL's best is sought among.
const POSTGRES_SHAPES: [Shape; 7] = [
    shape(8, 1),
    shape(16, 1),
    shape(32, 1),
    shape(50, 1),
    shape(100, 1),
    shape(16, 16),
    shape(50, 16),
];
pub fn ask(setup: &Setup) -> io::Result<Section> {
    let folder = setup.folder.within("durable")?;
    let server = Auction::start(
        &setup.server,
        &folder,
        setup.lots,
        TRADERS,
        Durability::Strict,
    )?;
    let mut ours = setup.contender(server);
    let mut echo = setup.contender(Echo::start(&folder)?);
    let mut redis = setup.other("redis", |folder| Redis::start(folder, Sync::Always));
    let mut postgres = setup.other("postgres", |folder| Postgres::start(folder, setup.lots));
    let postgres_best = match &mut postgres {
        Ok(postgres) => Some(best_of_postgres(setup, postgres)?),
        Err(_) => None,
    };

    let mut measured = Measured::default();
    for round in 1..=setup.rounds {
        setup.say(&format!("durable bids: round {round} of {}", setup.rounds));
        for (place, (shape, _)) in SHAPES.into_iter().enumerate() {
            if shape == ALONE {
                let folder = setup.folder.path();
                for (place, writing) in [Writing::WrittenAhead, Writing::Growing]
                    .into_iter()
                    .enumerate()
                {
                    let times = bare_syncs(folder, writing, setup.measured)?;
                    measured.bare[place].push(times.quantile(0.5));
                }
            }
            let (before, ahead, begun) = (
                stages_of(&ours.system)?,
                ours.system.written_ahead()?,
                Instant::now(),
            );
            let turn = ours.turn(setup, shape, Pace::Saturated)?;
            measured.ahead[place].push(Ahead::of(&ours.system, ahead, &turn, begun.elapsed())?);
            measured.stages[place].push(stages_of(&ours.system)?.since(&before));
            measured.ours[place].push(turn);
            measured.echo[place].push(echo.turn(setup, shape, Pace::Saturated)?);
            if let Ok(redis) = &mut redis {
                measured.redis[place].push(redis.turn(setup, shape, Pace::Saturated)?);
            }
        }
        if let (Ok(postgres), Some(best)) = (&mut postgres, postgres_best) {
            measured
                .postgres
                .push(postgres.turn(setup, best, Pace::Saturated)?);
        }
    }
    for round in 1..=setup.rounds {
        setup.say(&format!(
            "durable bids on a schedule: round {round} of {}",
            setup.rounds
        ));
        for (index, (place, _)) in SCHEDULED.into_iter().enumerate() {
            let best = match &redis {
                Ok(_) => &measured.redis[place],
                Err(_) => &measured.ours[place],
            };
            let pace = Pace::Rate(rate(best).median * SCHEDULE);
            measured.rates[index] = rate(best).median * SCHEDULE;
            let (shape, _) = SHAPES[place];
            measured.ours_scheduled[index].push(ours.turn(setup, shape, pace)?);
            if let Ok(redis) = &mut redis {
                measured.redis_scheduled[index].push(redis.turn(setup, shape, pace)?);
            }
        }
    }
    let systems = Systems {
        ours: &ours.system,
        echo: &echo.system,
        redis: told(&redis),
        postgres: told(&postgres),
        postgres_best,
    };
    Ok(tell(&systems, &measured))
}

fn told<S: Target>(contender: &Result<Contender<S>, String>) -> Result<&dyn Target, String> {
    let contender = contender.as_ref().map_err(Clone::clone);
    contender.map(|contender| &contender.system as &dyn Target)
}

fn stages_of(server: &Auction) -> io::Result<Stages> {
    let mut names = Vec::new();
    for (setup, _) in STAGES {
        names.push(format!("auction_command_seconds_sum{{stage=\"{setup}\"}}"));
    }
    names.push("auction_command_seconds_count{stage=\"told\"}".to_owned());
    names.push("auction_batch_records_sum".to_owned());
    names.push("auction_batch_records_count".to_owned());
    let values: io::Result<Vec<f64>> = names.iter().map(|name| server.metric(name)).collect();
    values.map(Stages)
}

fn best_of_postgres(setup: &Setup, postgres: &mut Contender<Postgres>) -> io::Result<Shape> {
    let mut best = (0.0, POSTGRES_SHAPES[0]);
    for shape in POSTGRES_SHAPES {
        let rate = postgres.turn(setup, shape, Pace::Saturated)?.outcome.rate();
        setup.say(&format!(
            "PostgreSQL, {}: {}",
            shape.said(),
            Unit::PerSecond.figure(rate)
        ));
        if rate > best.0 {
            best = (rate, shape);
        }
    }
    Ok(best.1)
}
