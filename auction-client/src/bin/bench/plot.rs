//! Pictures of what was measured, as SVG.

use std::fmt::Write as _;

use crate::report::Unit;
use crate::spread::Spread;

const PANEL_WIDTH: f64 = 210.0;
const PANEL_HEIGHT: f64 = 220.0;
const TOP: f64 = 70.0;
const BAR_GAP: f64 = 12.0;
/// Ours first: blue, orange, grey, which the colour-blind tell apart.
const COLOURS: [&str; 4] = ["#1f77b4", "#ff7f0e", "#7f7f7f", "#bcbd22"];

/// Bars side by side, a panel each question. Each panel has a scale of its own.
pub struct Panel {
    pub title: String,
    pub bars: Vec<(String, Spread)>,
}

/// Draws panels of bars, each bar with its median, and a line from the least to the most.
pub fn bars(title: &str, unit: Unit, panels: &[Panel]) -> String {
    let width = 20.0 + PANEL_WIDTH * panels.len() as f64;
    let height = TOP + PANEL_HEIGHT + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\" role=\"img\" aria-label=\"{title}\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"16\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{title}</text>\n",
        title = escaped(title)
    );
    for (place, panel) in panels.iter().enumerate() {
        draw(panel, unit, 16.0 + PANEL_WIDTH * place as f64, &mut svg);
    }
    svg.push_str("</svg>\n");
    svg
}

fn draw(panel: &Panel, unit: Unit, left: f64, svg: &mut String) {
    let bottom = TOP + PANEL_HEIGHT;
    let most = panel
        .bars
        .iter()
        .map(|(_, bar)| bar.most)
        .fold(f64::MIN_POSITIVE, f64::max);
    let y = |value: f64| bottom - value / most * (PANEL_HEIGHT - 20.0);
    let bar_width = (PANEL_WIDTH - 20.0) / panel.bars.len() as f64 - BAR_GAP;
    let _ = writeln!(
        svg,
        "<text x=\"{left}\" y=\"52\" font-weight=\"bold\">{}</text>",
        escaped(&panel.title)
    );
    let right = left + PANEL_WIDTH - 20.0;
    let _ = writeln!(
        svg,
        "<line x1=\"{left}\" y1=\"{bottom}\" x2=\"{right}\" y2=\"{bottom}\" stroke=\"black\"/>"
    );
    for (place, (name, bar)) in panel.bars.iter().enumerate() {
        let x = left + (bar_width + BAR_GAP) * place as f64 + BAR_GAP / 2.0;
        let (top, middle) = (y(bar.median), x + bar_width / 2.0);
        let colour = COLOURS[place % COLOURS.len()];
        let (height, figure) = (bottom - top, unit.figure(bar.median));
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{top:.1}\" width=\"{bar_width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>\n\
             <line x1=\"{middle:.1}\" y1=\"{:.1}\" x2=\"{middle:.1}\" y2=\"{:.1}\" stroke=\"black\"/>\n\
             <text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{figure}</text>",
            y(bar.least),
            y(bar.most),
            y(bar.most) - 5.0,
        );
        // A name of several words stands in as many lines.
        for (line, word) in name.split(", ").enumerate() {
            let y = bottom + 16.0 + 13.0 * line as f64;
            let word = escaped(word);
            let _ = writeln!(
                svg,
                "<text x=\"{middle:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{word}</text>"
            );
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
