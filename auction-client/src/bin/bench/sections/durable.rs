//! Durable bids: acknowledged when they are synced. Beside Redis and PostgreSQL, and beside the disk alone.

use std::io;

use crate::disk::{Writing, bare_syncs};
use crate::load::Pace;
use crate::plot::{self, Panel};
use crate::report::{Aim, Picture, Row, Section, Unit};
use crate::spread::Spread;
use crate::stage::{Contender, Shape, Stage, TRADERS, Turn};
use crate::system::System;
use crate::systems::auction::{Auction, Durability};
use crate::systems::postgres::Postgres;
use crate::systems::redis::{Redis, Sync};

/// What is measured beside Redis, and how many times as many bids it should be.
const SHAPES: [(Shape, f64); 4] = [
    (ALONE, 1.2),
    (CROWD, 2.5),
    (shape(50, 16), 3.5),
    (shape(50, 64), 8.0),
];
/// The places among them that are measured on a schedule and beside PostgreSQL too, and the aim beside that.
const SCHEDULED: [(usize, f64); 2] = [(1, 3.0), (2, 20.0)];
const ALONE: Shape = shape(1, 1);
const CROWD: Shape = shape(50, 1);
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
/// The stages of a command in the server's metrics, and what they are.
const STAGES: [(&str, &str); 4] = [
    ("queued", "waits for the sequencer"),
    ("decided", "its batch is decided"),
    ("synced", "its batch is written and synced"),
    ("told", "its answer reaches the socket"),
];

const fn shape(connections: u32, in_flight: u32) -> Shape {
    Shape {
        connections,
        in_flight,
    }
}

pub fn ask(stage: &Stage) -> io::Result<Section> {
    let folder = stage.folder.within("durable")?;
    let server = Auction::start(
        &stage.server,
        &folder,
        stage.lots,
        TRADERS,
        Durability::Strict,
    )?;
    let mut ours = stage.contender(server);
    stage.say(&format!(
        "{}: {}",
        ours.system.name(),
        ours.system.started_as()
    ));
    let mut redis = stage.other("redis", |folder| Redis::start(folder, Sync::Always));
    let mut postgres = stage.other("postgres", |folder| Postgres::start(folder, stage.lots));
    let postgres_best = match &mut postgres {
        Ok(postgres) => Some(best_of_postgres(stage, postgres)?),
        Err(_) => None,
    };

    let mut measured = Measured::default();
    for round in 1..=stage.rounds {
        stage.say(&format!("durable bids: round {round} of {}", stage.rounds));
        for (place, (shape, _)) in SHAPES.into_iter().enumerate() {
            if shape == ALONE {
                let folder = stage.folder.path();
                for (place, writing) in [Writing::WrittenAhead, Writing::Growing]
                    .into_iter()
                    .enumerate()
                {
                    let times = bare_syncs(folder, writing, stage.measured)?;
                    measured.bare[place].push(times.quantile(0.5));
                }
            }
            let before = stages_of(&ours.system)?;
            measured.ours[place].push(ours.turn(stage, shape, Pace::Saturated)?);
            let after = stages_of(&ours.system)?;
            measured.stages[place].push(after.since(&before));
            if let Ok(redis) = &mut redis {
                measured.redis[place].push(redis.turn(stage, shape, Pace::Saturated)?);
            }
        }
        if let (Ok(postgres), Some(best)) = (&mut postgres, postgres_best) {
            measured
                .postgres
                .push(postgres.turn(stage, best, Pace::Saturated)?);
        }
    }
    for round in 1..=stage.rounds {
        stage.say(&format!(
            "durable bids on a schedule: round {round} of {}",
            stage.rounds
        ));
        for (index, (place, _)) in SCHEDULED.into_iter().enumerate() {
            let best = match &redis {
                Ok(_) => &measured.redis[place],
                Err(_) => &measured.ours[place],
            };
            let pace = Pace::Rate(rate(best).median * SCHEDULE);
            measured.rates[index] = rate(best).median * SCHEDULE;
            let (shape, _) = SHAPES[place];
            measured.ours_scheduled[index].push(ours.turn(stage, shape, pace)?);
            if let Ok(redis) = &mut redis {
                measured.redis_scheduled[index].push(redis.turn(stage, shape, pace)?);
            }
        }
    }
    let redis = redis.map(|redis| redis.system);
    let postgres = postgres.map(|postgres| postgres.system);
    Ok(tell(
        &ours.system,
        &redis,
        &postgres,
        postgres_best,
        &measured,
    ))
}

/// What came of all turns: of each shape, those of each round.
#[derive(Default)]
struct Measured {
    bare: [Vec<f64>; 2],
    ours: [Vec<Turn>; 4],
    stages: [Vec<Stages>; 4],
    redis: [Vec<Turn>; 4],
    postgres: Vec<Turn>,
    rates: [f64; 2],
    ours_scheduled: [Vec<Turn>; 2],
    redis_scheduled: [Vec<Turn>; 2],
}

/// Sums of what the server measures: seconds in each stage, commands, records, batches.
#[derive(Clone, Debug)]
struct Stages(Vec<f64>);

impl Stages {
    fn since(&self, before: &Self) -> Self {
        Self(
            self.0
                .iter()
                .zip(&before.0)
                .map(|(after, before)| after - before)
                .collect(),
        )
    }
}

fn stages_of(server: &Auction) -> io::Result<Stages> {
    let mut names = Vec::new();
    for (stage, _) in STAGES {
        names.push(format!("auction_command_seconds_sum{{stage=\"{stage}\"}}"));
    }
    names.push("auction_command_seconds_count{stage=\"told\"}".to_owned());
    names.push("auction_batch_records_sum".to_owned());
    names.push("auction_batch_records_count".to_owned());
    let values: io::Result<Vec<f64>> = names.iter().map(|name| server.metric(name)).collect();
    values.map(Stages)
}

fn best_of_postgres(stage: &Stage, postgres: &mut Contender<Postgres>) -> io::Result<Shape> {
    let mut best = (0.0, POSTGRES_SHAPES[0]);
    for shape in POSTGRES_SHAPES {
        let rate = postgres.turn(stage, shape, Pace::Saturated)?.outcome.rate();
        stage.say(&format!(
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

fn rates(turns: &[Turn]) -> Vec<f64> {
    turns.iter().map(|turn| turn.outcome.rate()).collect()
}

fn rate(turns: &[Turn]) -> Spread {
    Spread::of(&rates(turns))
}

fn quantiles(turns: &[Turn], part: f64) -> Vec<f64> {
    turns
        .iter()
        .map(|turn| turn.outcome.times.quantile(part))
        .collect()
}

fn tell(
    ours: &Auction,
    redis: &Result<Redis, String>,
    postgres: &Result<Postgres, String>,
    postgres_best: Option<Shape>,
    measured: &Measured,
) -> Section {
    let named = |system: Option<&dyn System>, otherwise: &str| {
        system.map_or(otherwise.to_owned(), System::name)
    };
    let beside_redis = named(
        redis.as_ref().ok().map(|s| s as &dyn System),
        "Redis, always",
    );
    let mut beside_postgres = named(
        postgres.as_ref().ok().map(|s| s as &dyn System),
        "PostgreSQL",
    );
    if let Some(best) = postgres_best {
        beside_postgres.push_str(&format!(", at its best: {}", best.said()));
    }
    let mut rows = Vec::new();
    for (place, (shape, aim)) in SHAPES.into_iter().enumerate() {
        rows.push(Row {
            what: format!("durable bids, {}", shape.said()),
            unit: Unit::PerSecond,
            ours: rates(&measured.ours[place]),
            beside: beside_redis.clone(),
            theirs: told(redis, || rates(&measured.redis[place])),
            aim: Aim::AtLeast(aim),
        });
    }
    for (index, (place, _)) in SCHEDULED.into_iter().enumerate() {
        let (shape, scheduled) = (
            SHAPES[place].0,
            Unit::PerSecond.figure(measured.rates[index]),
        );
        for (part, name, aim) in [(0.5, "p50", Aim::Stated), (0.99, "p99", Aim::AtMost(0.5))] {
            rows.push(Row {
                what: format!("{name}, {}, {scheduled} on schedule", shape.said()),
                unit: Unit::Micros,
                ours: quantiles(&measured.ours_scheduled[index], part),
                beside: beside_redis.clone(),
                theirs: told(redis, || quantiles(&measured.redis_scheduled[index], part)),
                aim,
            });
        }
        rows.push(Row {
            what: format!("p99, {}, saturated", shape.said()),
            unit: Unit::Micros,
            ours: quantiles(&measured.ours[place], 0.99),
            beside: beside_redis.clone(),
            theirs: told(redis, || quantiles(&measured.redis[place], 0.99)),
            aim: Aim::AtMost(0.5),
        });
    }
    for (place, aim) in SCHEDULED {
        rows.push(Row {
            what: format!("durable bids, {}", SHAPES[place].0.said()),
            unit: Unit::PerSecond,
            ours: rates(&measured.ours[place]),
            beside: beside_postgres.clone(),
            theirs: told(postgres, || rates(&measured.postgres)),
            aim: Aim::AtLeast(aim),
        });
    }
    let lone = quantiles(&measured.ours[0], 0.5);
    for (bare, beside, aim) in [
        (
            &measured.bare[0],
            "a bare write + fdatasync in a file of zeros",
            Aim::AtMost(1.6),
        ),
        (
            &measured.bare[1],
            "a bare append + fdatasync of a growing file",
            Aim::Stated,
        ),
    ] {
        rows.push(Row {
            what: "a lone durable bid, median".to_owned(),
            unit: Unit::Micros,
            ours: lone.clone(),
            beside: beside.to_owned(),
            theirs: Ok(bare.clone()),
            aim,
        });
    }
    let mut text = vec![
        "Bids acknowledged when they are on disk, over sockets of this machine. All are given the same bids on the same \
         lots by the same client, which is one thread. Redis decides by a script that is atomic and publishes what it \
         accepted; PostgreSQL by one `UPDATE .. WHERE price < ..`. On a schedule, a bid's time counts from the moment \
         it was due; saturated, from its send."
            .to_owned(),
        format!("- `{}`", ours.started_as()),
    ];
    text.extend(
        redis
            .as_ref()
            .ok()
            .map(|redis| format!("- `{}`", redis.started_as())),
    );
    text.extend(
        postgres
            .as_ref()
            .ok()
            .map(|postgres| format!("- `{}`", postgres.started_as())),
    );
    Section {
        title: "Durable bids".to_owned(),
        text,
        rows,
        tables: vec![costs(measured, &beside_redis), stages(measured)],
        pictures: vec![picture(measured, &beside_redis)],
    }
}

fn told(
    system: &Result<impl Sized, String>,
    values: impl FnOnce() -> Vec<f64>,
) -> Result<Vec<f64>, String> {
    system.as_ref().map(|_| values()).map_err(Clone::clone)
}

/// What a bid costs on processors.
fn costs(measured: &Measured, redis: &str) -> Vec<Vec<String>> {
    let header = [
        "processor time a bid, all that is put off among it",
        "auction-server",
        redis,
    ];
    let mut table = vec![header.map(str::to_owned).to_vec()];
    for (place, (shape, _)) in SHAPES.into_iter().enumerate() {
        let cost = |turns: &[Turn]| {
            let each: Vec<f64> = turns.iter().map(|turn| turn.processor_micros).collect();
            match each.is_empty() {
                true => "-".to_owned(),
                false => format!("{:.1} us", Spread::of(&each).median),
            }
        };
        table.push(vec![
            shape.said(),
            cost(&measured.ours[place]),
            cost(&measured.redis[place]),
        ]);
    }
    table
}

/// Where the time of a bid goes, on average, as the server itself measures it.
fn stages(measured: &Measured) -> Vec<Vec<String>> {
    let mut header = vec!["where the time of a bid goes, mean".to_owned()];
    header.extend(STAGES.map(|(stage, what)| format!("{stage}: {what}")));
    header.push("bids a batch".to_owned());
    let mut table = vec![header];
    for (place, (shape, _)) in SHAPES.into_iter().enumerate() {
        let mean = |of: usize, by: usize, unit: f64| {
            let each: Vec<f64> = measured.stages[place]
                .iter()
                .map(|s| s.0[of] / s.0[by].max(1.0) * unit)
                .collect();
            Spread::of(&each).median
        };
        let mut row = vec![shape.said()];
        row.extend(
            (0..STAGES.len()).map(|stage| format!("{:.0} us", mean(stage, STAGES.len(), 1e6))),
        );
        row.push(format!(
            "{:.1}",
            mean(STAGES.len() + 1, STAGES.len() + 2, 1.0)
        ));
        table.push(row);
    }
    table
}

fn picture(measured: &Measured, redis: &str) -> Picture {
    let mut panels = Vec::new();
    for (place, (shape, _)) in SHAPES.into_iter().enumerate() {
        let mut bars = vec![("auction-server".to_owned(), rate(&measured.ours[place]))];
        if !measured.redis[place].is_empty() {
            bars.push((redis.to_owned(), rate(&measured.redis[place])));
        }
        if !measured.postgres.is_empty() {
            bars.push(("PostgreSQL, its best".to_owned(), rate(&measured.postgres)));
        }
        let title = shape.said();
        panels.push(Panel { title, bars });
    }
    Picture {
        name: "durable-bids".to_owned(),
        caption: "durable bids a second".to_owned(),
        svg: plot::bars("Durable bids a second", Unit::PerSecond, &panels),
    }
}
