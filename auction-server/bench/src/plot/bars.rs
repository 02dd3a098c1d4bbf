//! Bars side by side, a panel each question. Each panel has a scale of its own.

use crate::row::Unit;
use crate::stats::Stats;

use super::canvas::{Anchor, COLOURS, Canvas};

const PANEL_WIDTH: f64 = 210.0;
const PANEL_HEIGHT: f64 = 220.0;
const LEFT: f64 = 16.0;
const TOP: f64 = 70.0;
const BAR_GAP: f64 = 12.0;
const LINE: f64 = 13.0;

/// Bars that are compared with each other.
pub struct Panel {
    pub title: String,
    pub bars: Vec<(String, Stats)>,
}

/// Draws panels of bars, each bar with its median, and a line from the least to the most.
pub fn bars(title: &str, unit: Unit, panels: &[Panel]) -> String {
    let width = LEFT + PANEL_WIDTH * panels.len() as f64;
    let mut canvas = Canvas::new(title, width, TOP + PANEL_HEIGHT + 4.0 * LINE);
    for (place, panel) in panels.iter().enumerate() {
        draw(panel, unit, LEFT + PANEL_WIDTH * place as f64, &mut canvas);
    }
    canvas.into_svg()
}

fn draw(panel: &Panel, unit: Unit, left: f64, canvas: &mut Canvas) {
    let bottom = TOP + PANEL_HEIGHT;
    let right = left + PANEL_WIDTH - 20.0;
    let highest = panel.bars.iter().map(|(_, bar)| bar.most);
    let most = highest.fold(f64::MIN_POSITIVE, f64::max);
    let y = |value: f64| bottom - value / most * (PANEL_HEIGHT - 20.0);
    let bar_width = (right - left) / panel.bars.len() as f64 - BAR_GAP;
    canvas.text((left, TOP - 18.0), Anchor::Start, &panel.title);
    canvas.line((left, bottom), (right, bottom), "black");
    for (place, (name, bar)) in panel.bars.iter().enumerate() {
        let x = left + (bar_width + BAR_GAP) * place as f64 + BAR_GAP / 2.0;
        let middle = x + bar_width / 2.0;
        let colour = COLOURS[place % COLOURS.len()];
        canvas.bar((x, y(bar.median)), (x + bar_width, bottom), colour);
        canvas.line((middle, y(bar.least)), (middle, y(bar.most)), "black");
        let above = (middle, y(bar.most) - 5.0);
        canvas.text(above, Anchor::Middle, &unit.figure(bar.median));
        // A name of several words stands in as many lines.
        for (line, word) in name.split(", ").enumerate() {
            let at = (middle, bottom + 16.0 + LINE * line as f64);
            canvas.text(at, Anchor::Middle, word);
        }
    }
}
