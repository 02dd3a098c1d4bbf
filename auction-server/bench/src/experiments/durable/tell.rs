//! What of durable bids is told.

use crate::plot::{self, Panel};
use crate::report::{Picture, Section};
use crate::row::{Aim, Row, Theirs, Told, Unit};
use crate::setup::{Shape, Turn};
use crate::stats::Stats;
use crate::target::{Target, names, starts};

use super::measured::{Ahead, Measured, SCHEDULED, SHAPES, STAGES, rate, rates};

/// Whom durable bids are measured at.
pub struct Systems<'a> {
    pub ours: &'a dyn Target,
    pub echo: &'a dyn Target,
    pub redis: Result<&'a dyn Target, String>,
    pub postgres: Result<&'a dyn Target, String>,
    pub postgres_best: Option<Shape>,
}

pub fn tell(systems: &Systems<'_>, measured: &Measured) -> Section {
    let redis = names(&systems.redis, "Redis, always");
    let mut rows = beside_redis(systems, measured, &redis);
    rows.extend(beside_postgres(systems, measured));
    rows.extend(beside_the_disk(measured));
    rows.extend(beside_an_echo(systems, measured));
    let mut text = vec![
        "Bids acknowledged when they are on disk, over sockets of this machine. All are given the same bids on the same \
         lots by the same client, which is one thread. Redis decides by a script that is atomic and publishes what it \
         accepted; PostgreSQL by one `UPDATE .. WHERE price < ..`. The bare echo reads, writes as much as our journal does, \
         syncs once for all that had come, and answers: it is the least that the machine asks of anyone. On a schedule, a bid's time counts from the moment \
         it was due; saturated, from its send."
            .to_owned(),
    ];
    text.push(starts(&[
        Some(systems.ours),
        systems.redis.as_ref().ok().copied(),
        systems.postgres.as_ref().ok().copied(),
    ]));
    Section {
        title: "Durable bids".to_owned(),
        text,
        rows,
        tables: vec![
            costs(measured, &redis),
            stages(measured),
            accepted(measured, &redis),
            written_ahead(measured),
        ],
        pictures: vec![rates_drawn(measured, &redis), p99_drawn(measured, &redis)],
    }
}

fn beside_redis(systems: &Systems<'_>, measured: &Measured, redis: &str) -> Vec<Row> {
    let told = |values: Vec<f64>| Theirs::from(systems.redis.clone().map(|_| values));
    let mut rows = Vec::new();
    for (place, (shape, aim)) in SHAPES.into_iter().enumerate() {
        rows.push(Row {
            what: format!("durable bids, {}", shape.said()),
            unit: Unit::PerSecond,
            ours: rates(&measured.ours[place]),
            beside: redis.to_owned(),
            theirs: told(rates(&measured.redis[place])),
            aim: Aim::AtLeast(aim),
            told: Told::InShort,
        });
    }
    for (index, (place, _)) in SCHEDULED.into_iter().enumerate() {
        let shape = SHAPES[place].0.said();
        let scheduled = Unit::PerSecond.figure(measured.rates[index]);
        let on_schedule = |name: &str, part: f64| Row {
            what: format!("{name}, {shape}, {scheduled} on schedule"),
            unit: Unit::Micros,
            ours: quantiles(&measured.ours_scheduled[index], part),
            beside: redis.to_owned(),
            theirs: told(quantiles(&measured.redis_scheduled[index], part)),
            aim: Aim::Stated,
            told: Told::InFull,
        };
        rows.push(on_schedule("p50", 0.5));
        rows.push(Row {
            aim: Aim::AtMost(0.5),
            told: Told::InShort,
            ..on_schedule("p99", 0.99)
        });
        rows.push(Row {
            what: format!("p99, {shape}, saturated"),
            unit: Unit::Micros,
            ours: quantiles(&measured.ours[place], 0.99),
            beside: redis.to_owned(),
            theirs: told(quantiles(&measured.redis[place], 0.99)),
            aim: Aim::AtMost(0.5),
            told: Told::InShort,
        });
    }
    rows
}

fn beside_postgres(systems: &Systems<'_>, measured: &Measured) -> Vec<Row> {
    let mut beside = names(&systems.postgres, "PostgreSQL");
    if let Some(best) = systems.postgres_best {
        beside.push_str(&format!(", at its best: {}", best.said()));
    }
    let rows = SCHEDULED.into_iter().map(|(place, aim)| {
        let theirs = systems.postgres.clone();
        Row {
            what: format!("durable bids, {}", SHAPES[place].0.said()),
            unit: Unit::PerSecond,
            ours: rates(&measured.ours[place]),
            beside: beside.clone(),
            theirs: theirs.map(|_| rates(&measured.postgres)).into(),
            aim: Aim::AtLeast(aim),
            told: Told::InShort,
        }
    });
    rows.collect()
}

fn beside_the_disk(measured: &Measured) -> Vec<Row> {
    let ways = [
        "a bare write + fdatasync in a file of zeros",
        "a bare append + fdatasync of a growing file",
    ];
    let rows = ways.into_iter().zip(&measured.bare).map(|(way, bare)| Row {
        what: "a lone durable bid, median".to_owned(),
        unit: Unit::Micros,
        ours: quantiles(&measured.ours[0], 0.5),
        beside: way.to_owned(),
        theirs: Theirs::Measured(bare.clone()),
        aim: Aim::AtMost(1.6),
        told: Told::InShort,
    });
    rows.collect()
}

fn beside_an_echo(systems: &Systems<'_>, measured: &Measured) -> Vec<Row> {
    let rows = SHAPES
        .into_iter()
        .enumerate()
        .map(|(place, (shape, _))| Row {
            what: format!("durable bids, {}", shape.said()),
            unit: Unit::PerSecond,
            ours: rates(&measured.ours[place]),
            beside: systems.echo.name(),
            theirs: Theirs::Measured(rates(&measured.echo[place])),
            aim: Aim::Stated,
            told: Told::InShort,
        });
    rows.collect()
}

fn quantiles(turns: &[Turn], part: f64) -> Vec<f64> {
    let times = turns.iter().map(|turn| &turn.outcome.times);
    times.map(|times| times.quantile(part)).collect()
}

/// What a bid costs on processors.
fn costs(measured: &Measured, redis: &str) -> Vec<Vec<String>> {
    let cost = |turns: &[Turn]| {
        let each: Vec<f64> = turns.iter().map(|turn| turn.processor_micros).collect();
        median_or_none(&each, |micros| format!("{micros:.1} us"))
    };
    by_shape(
        "processor time a bid, all that is put off among it",
        &["auction-server", redis],
        |place| vec![cost(&measured.ours[place]), cost(&measured.redis[place])],
    )
}

/// Where the time of a bid goes, on average, as the server itself measures it.
fn stages(measured: &Measured) -> Vec<Vec<String>> {
    let mut header = STAGES
        .map(|(setup, what)| format!("{setup}: {what}"))
        .to_vec();
    header.push("bids a batch".to_owned());
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    by_shape("where the time of a bid goes, mean", &header, |place| {
        let mean = |of: usize, by: usize, unit: f64| {
            let turns = measured.stages[place].iter();
            let each: Vec<f64> = turns.map(|s| s.0[of] / s.0[by].max(1.0) * unit).collect();
            Stats::of(&each).median
        };
        let count = STAGES.len();
        let mut row: Vec<String> = (0..count)
            .map(|setup| format!("{:.0} us", mean(setup, count, 1e6)))
            .collect();
        row.push(format!("{:.1}", mean(count + 1, count + 2, 1.0)));
        row
    })
}

/// How many of the bids that were answered were accepted, in the round with the fewest.
fn accepted(measured: &Measured, redis: &str) -> Vec<Vec<String>> {
    let fewest = |turns: &[Turn]| {
        let shares = turns.iter().map(|turn| turn.outcome.accepted_share());
        let fewest = shares.fold(f64::INFINITY, f64::min);
        match fewest.is_finite() {
            true => format!("{:.2} %", fewest * 100.0),
            false => "-".to_owned(),
        }
    };
    let mut table = by_shape(
        "accepted of those answered, in the worst round (only accepted bids count; below 90 % the run fails)",
        &["auction-server", redis],
        |place| {
            vec![
                fewest(&measured.ours[place]),
                fewest(&measured.redis[place]),
            ]
        },
    );
    if !measured.postgres.is_empty() {
        table.push(vec![
            "PostgreSQL, at its best".to_owned(),
            fewest(&measured.postgres),
            "-".to_owned(),
        ]);
    }
    table
}

/// What the journal's segments cost that are written before they are needed, while bids come.
fn written_ahead(measured: &Measured) -> Vec<Vec<String>> {
    by_shape(
        "segments written ahead, full of zeros, while bids come",
        &["zeros a bid", "zeros a second", "processor time a bid"],
        |place| {
            let of = |value: fn(&Ahead) -> f64, said: fn(f64) -> String| {
                let each: Vec<f64> = measured.ahead[place].iter().map(value).collect();
                median_or_none(&each, said)
            };
            vec![
                of(
                    |ahead| ahead.bytes_a_bid,
                    |bytes| format!("{bytes:.0} bytes"),
                ),
                of(
                    |ahead| ahead.bytes_a_second,
                    |bytes| format!("{:.1} MiB", bytes / 1_048_576.0),
                ),
                of(
                    |ahead| ahead.micros_a_bid,
                    |micros| format!("{micros:.2} us"),
                ),
            ]
        },
    )
}

/// A table with a row for each shape.
fn by_shape(what: &str, columns: &[&str], row: impl Fn(usize) -> Vec<String>) -> Vec<Vec<String>> {
    let mut header = vec![what.to_owned()];
    header.extend(columns.iter().map(|&column| column.to_owned()));
    let mut table = vec![header];
    for (place, (shape, _)) in SHAPES.into_iter().enumerate() {
        table.push([vec![shape.said()], row(place)].concat());
    }
    table
}

fn median_or_none(each: &[f64], said: impl Fn(f64) -> String) -> String {
    match each.is_empty() {
        true => "-".to_owned(),
        false => said(Stats::of(each).median),
    }
}

fn rates_drawn(measured: &Measured, redis: &str) -> Picture {
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

fn p99_drawn(measured: &Measured, redis: &str) -> Picture {
    let mut panels = Vec::new();
    for (index, (place, _)) in SCHEDULED.into_iter().enumerate() {
        let scheduled = Unit::PerSecond.figure(measured.rates[index]);
        let ways = [
            (
                format!("{scheduled} on schedule"),
                &measured.ours_scheduled[index],
                &measured.redis_scheduled[index],
            ),
            (
                "saturated".to_owned(),
                &measured.ours[place],
                &measured.redis[place],
            ),
        ];
        for (way, ours, theirs) in ways {
            let bars = [("auction-server", ours), (redis, theirs)];
            let bars = bars.into_iter().filter(|(_, turns)| !turns.is_empty());
            let bars =
                bars.map(|(name, turns)| (name.to_owned(), Stats::of(&quantiles(turns, 0.99))));
            panels.push(Panel {
                title: format!("{} in flight, {way}", SHAPES[place].0.in_flight),
                bars: bars.collect(),
            });
        }
    }
    let title = "p99 of a durable bid, 50 connections";
    Picture {
        name: "durable-bids-p99".to_owned(),
        caption: title.to_owned(),
        svg: plot::bars(title, Unit::Micros, &panels),
    }
}
