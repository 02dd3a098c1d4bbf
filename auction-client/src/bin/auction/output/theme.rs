//! Colours of the screen. They emphasise what signs and words say too, and never carry meaning alone.

use clap::ValueEnum;
use ratatui::style::{Color, Modifier, Style};

use crate::output::colour::Colour;

/// Name of a colour theme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ThemeName {
    /// Blue and orange, which the colour-blind can tell apart, readable on dark and on light.
    #[default]
    Default,
    /// The same pair, brighter, for a dark background.
    Dark,
    /// The same pair, darker, for a light background.
    Light,
    /// The terminal's own green and red.
    Classic,
    /// No colours: bold, dim and reversed alone.
    Plain,
}

/// Styles of the parts of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Good state: the user leads or has won, the screen is connected.
    pub good: Style,
    /// State that needs attention: outbid, refused, not connected, about to close.
    pub alarm: Style,
    /// The same as a bar across the screen.
    pub alarm_bar: Style,
    /// Good state as a bar.
    pub good_bar: Style,
    /// Less important text.
    pub dim: Style,
    /// Headers of tables and panels.
    pub head: Style,
    /// The chosen row, and the field with the cursor.
    pub chosen: Style,
    /// The name of a key.
    pub key: Style,
}

impl Theme {
    /// Returns the theme of this name, or a plain one if the environment disables colours.
    pub fn from_env(name: ThemeName) -> Self {
        match Colour::from_env(true) {
            Colour::Plain => Self::named(ThemeName::Plain),
            Colour::Colours => Self::named(name),
        }
    }

    pub fn named(name: ThemeName) -> Self {
        let pair = match name {
            ThemeName::Default => Some((Color::Indexed(33), Color::Indexed(166))),
            ThemeName::Dark => Some((Color::Indexed(75), Color::Indexed(215))),
            ThemeName::Light => Some((Color::Indexed(25), Color::Indexed(130))),
            ThemeName::Classic => Some((Color::Green, Color::Red)),
            ThemeName::Plain => None,
        };
        let plain = Style::new();
        let (good, alarm) = match pair {
            Some((good, alarm)) => (plain.fg(good), plain.fg(alarm)),
            None => (plain, plain),
        };
        let bold = Modifier::BOLD;
        let bar = bold.union(Modifier::REVERSED);
        Self {
            good: good.add_modifier(bold),
            alarm: alarm.add_modifier(bold),
            alarm_bar: alarm.add_modifier(bar),
            good_bar: good.add_modifier(bar),
            dim: plain.add_modifier(Modifier::DIM),
            head: plain.add_modifier(bold),
            chosen: plain.add_modifier(Modifier::REVERSED),
            key: plain.add_modifier(bold),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_no_part_has_one() {
        let theme = Theme::named(ThemeName::Plain);
        let parts = [
            theme.good,
            theme.alarm,
            theme.alarm_bar,
            theme.good_bar,
            theme.dim,
            theme.head,
            theme.chosen,
            theme.key,
        ];
        for part in parts {
            assert_eq!((part.fg, part.bg), (None, None));
        }
        // A bar still stands out.
        assert!(theme.alarm_bar.add_modifier.contains(Modifier::REVERSED));
    }
}
