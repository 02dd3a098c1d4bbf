//! Curves over sizes that grow tenfold. Both scales are logarithmic.

use super::canvas::{Anchor, COLOURS, Canvas};

const WIDTH: f64 = 620.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 400.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 290.0;

/// One curve.
#[derive(Debug)]
pub struct Curve {
    pub name: String,
    /// How large it was, and what that cost; both above zero.
    pub points: Vec<(f64, f64)>,
}

/// Draws curves over sizes that are called `across`; `said` says a cost.
pub fn curves(title: &str, across: &str, said: fn(f64) -> String, curves: &[Curve]) -> String {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let (from_x, to_x) = decades(points().map(|(x, _)| *x));
    let (from_y, to_y) = decades(points().map(|(_, y)| *y));
    let x = |size: f64| LEFT + (size.log10() - from_x) / (to_x - from_x) * (RIGHT - LEFT);
    let y = |cost: f64| BOTTOM - (cost.log10() - from_y) / (to_y - from_y) * (BOTTOM - TOP);
    let mut canvas = Canvas::new(title, WIDTH, BOTTOM + 50.0);
    for decade in from_x as i32..=to_x as i32 {
        let size = 10_f64.powi(decade);
        canvas.line((x(size), TOP), (x(size), BOTTOM), "#dddddd");
        let name = crate::row::grouped(size as u64);
        canvas.text((x(size), BOTTOM + 16.0), Anchor::Middle, &name);
    }
    for decade in from_y as i32..=to_y as i32 {
        let cost = 10_f64.powi(decade);
        canvas.line((LEFT, y(cost)), (RIGHT, y(cost)), "#dddddd");
        canvas.text((LEFT - 6.0, y(cost) + 4.0), Anchor::End, &said(cost));
    }
    canvas.text(
        (f64::midpoint(LEFT, RIGHT), BOTTOM + 36.0),
        Anchor::Middle,
        across,
    );
    for (place, curve) in curves.iter().enumerate() {
        let colour = COLOURS[place % COLOURS.len()];
        let at: Vec<(f64, f64)> = curve.points.iter().map(|p| (x(p.0), y(p.1))).collect();
        at.windows(2)
            .for_each(|two| canvas.line(two[0], two[1], colour));
        at.iter().for_each(|point| canvas.dot(*point, colour));
        let height = TOP + 12.0 + 18.0 * place as f64;
        canvas.dot((RIGHT + 14.0, height - 4.0), colour);
        canvas.text((RIGHT + 22.0, height), Anchor::Start, &curve.name);
    }
    canvas.into_svg()
}

/// The powers of ten that enclose all of these, and are not the same.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = values.fold(
        (f64::INFINITY, f64::MIN_POSITIVE),
        |(least, most), value| (least.min(value), most.max(value)),
    );
    let from = least.min(most).log10().floor();
    (from, most.log10().ceil().max(from + 1.0))
}
