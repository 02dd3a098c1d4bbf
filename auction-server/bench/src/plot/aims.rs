//! Every row that has an aim, by how far it is beyond it or short of it.

use crate::row::{Aim, Row};
use crate::stats::Stats;

use super::canvas::{Anchor, COLOURS, Canvas};

const TOP: f64 = 48.0;
const ROW: f64 = 20.0;
/// Where the bars' room begins, behind the rows' names, and where it ends.
const LEFT: f64 = 470.0;
const RIGHT: f64 = 860.0;
const WIDTH: f64 = 960.0;
/// What is more than so many times the aim is drawn at the edge.
const BEYOND: f64 = 16.0;

/// Draws a bar for each row: to the right of the line in the middle the aim is reached, to the left it is missed. The
/// scale is logarithmic.
pub fn aims(title: &str, rows: &[&Row]) -> String {
    let drawn: Vec<(&&Row, Stats)> = rows
        .iter()
        .filter_map(|row| Some((row, beside_aim(row)?)))
        .collect();
    let bottom = TOP + ROW * drawn.len() as f64;
    let mut canvas = Canvas::new(title, WIDTH, bottom + 2.0 * ROW);
    let x = |times: f64| {
        let share = times.clamp(1.0 / BEYOND, BEYOND).ln() / BEYOND.ln();
        f64::midpoint(LEFT, RIGHT) + share * (RIGHT - LEFT) / 2.0
    };
    for (place, (row, beside)) in drawn.into_iter().enumerate() {
        let middle = TOP + ROW * (place as f64 + 0.5);
        let colour = match row.is_reached() {
            Some(true) => COLOURS[0],
            _ => COLOURS[1],
        };
        let half = ROW / 2.0 - 4.0;
        canvas.bar(
            (x(1.0), middle - half),
            (x(beside.median), middle + half),
            colour,
        );
        canvas.line((x(beside.least), middle), (x(beside.most), middle), "black");
        let (ratio, aim) = said(row);
        let name = format!("{} / {}", row.what, short(&row.beside));
        canvas.text((LEFT - 10.0, middle + 4.0), Anchor::End, &name);
        canvas.text(
            (RIGHT + 8.0, middle + 4.0),
            Anchor::Start,
            &format!("{ratio} ({aim})"),
        );
    }
    for times in [1.0 / 16.0, 0.25, 1.0, 4.0, 16.0] {
        let colour = if times == 1.0 { "black" } else { "#dddddd" };
        canvas.line((x(times), TOP), (x(times), bottom), colour);
        let name = match times {
            1.0 => "the aim".to_owned(),
            _ if times < 1.0 => format!("1/{:.0}", 1.0 / times),
            _ => format!("{times:.0}x"),
        };
        canvas.text((x(times), bottom + 15.0), Anchor::Middle, &name);
    }
    canvas.into_svg()
}

/// How many times as good as the aim; more is better.
fn beside_aim(row: &Row) -> Option<Stats> {
    let ratio = row.ratio()?;
    match row.aim {
        Aim::AtLeast(aim) => Some(Stats {
            median: ratio.median / aim,
            least: ratio.least / aim,
            most: ratio.most / aim,
        }),
        Aim::AtMost(aim) => Some(Stats {
            median: aim / ratio.median,
            least: aim / ratio.most,
            most: aim / ratio.least,
        }),
        Aim::Stated => None,
    }
}

fn said(row: &Row) -> (String, String) {
    let ratio = row.ratio().map_or(0.0, |ratio| ratio.median);
    let aim = match row.aim {
        Aim::AtLeast(aim) => format!(">= {aim}"),
        Aim::AtMost(aim) => format!("<= {aim}"),
        Aim::Stated => String::new(),
    };
    (format!("{ratio:.2}x"), aim)
}

/// The name of whom it stands beside, without what follows it.
fn short(beside: &str) -> &str {
    beside.split([',', ':']).next().unwrap_or(beside)
}
