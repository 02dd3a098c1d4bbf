//! Key bindings.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// An action outside a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    Back,
    Bid,
    BidNext,
    Seen,
    Filter,
    Sort,
    Reverse,
    Show,
    Log,
    Enter,
    Change,
    Withdraw,
    CancelAll,
    Part,
    Profit,
    Manage,
    Help,
    Leave,
}

/// A line of the help: the keys as shown, the same as pressed, and their action.
pub struct Binding {
    pub shown: &'static str,
    pub keys: &'static [KeyCode],
    pub does: &'static str,
    pub action: Action,
}

const fn binding(
    shown: &'static str,
    keys: &'static [KeyCode],
    does: &'static str,
    action: Action,
) -> Binding {
    Binding {
        shown,
        keys,
        does,
        action,
    }
}

/// All keys outside a form, in the order of the help.
pub const BINDINGS: &[Binding] = &[
    binding(
        "↑ k",
        &[KeyCode::Up, KeyCode::Char('k')],
        "the lot above",
        Action::Up,
    ),
    binding(
        "↓ j",
        &[KeyCode::Down, KeyCode::Char('j')],
        "the lot below",
        Action::Down,
    ),
    binding("PgUp", &[KeyCode::PageUp], "a page up", Action::PageUp),
    binding(
        "PgDn Space",
        &[KeyCode::PageDown, KeyCode::Char(' ')],
        "a page down",
        Action::PageDown,
    ),
    binding(
        "Home g",
        &[KeyCode::Home, KeyCode::Char('g')],
        "the first lot",
        Action::First,
    ),
    binding(
        "End G",
        &[KeyCode::End, KeyCode::Char('G')],
        "the last lot",
        Action::Last,
    ),
    binding(
        "Enter → l",
        &[KeyCode::Enter, KeyCode::Right, KeyCode::Char('l')],
        "open the lot; on a day, an order at the level",
        Action::Open,
    ),
    binding(
        "Esc ← h",
        &[
            KeyCode::Esc,
            KeyCode::Left,
            KeyCode::Char('h'),
            KeyCode::Backspace,
        ],
        "back",
        Action::Back,
    ),
    binding(
        "b",
        &[KeyCode::Char('b')],
        "bid, or place an order",
        Action::Bid,
    ),
    binding(
        "r",
        &[KeyCode::Char('r')],
        "when outbid: bid again there",
        Action::BidNext,
    ),
    binding(
        "x",
        &[KeyCode::Char('x')],
        "when told something: seen",
        Action::Seen,
    ),
    binding(
        "c",
        &[KeyCode::Char('c')],
        "change your order on the lot",
        Action::Change,
    ),
    binding(
        "w",
        &[KeyCode::Char('w')],
        "withdraw your order on the lot",
        Action::Withdraw,
    ),
    binding(
        "X",
        &[KeyCode::Char('X')],
        "a trading day: cancel all your orders on it",
        Action::CancelAll,
    ),
    binding(
        "Tab",
        &[KeyCode::Tab],
        "a trading day: to its sells, your orders, its buys",
        Action::Part,
    ),
    binding(
        "/",
        &[KeyCode::Char('/')],
        "filter: symbol, number, code, format or leader",
        Action::Filter,
    ),
    binding(
        "s",
        &[KeyCode::Char('s')],
        "sort by the next column",
        Action::Sort,
    ),
    binding(
        "S",
        &[KeyCode::Char('S')],
        "sort the other way round",
        Action::Reverse,
    ),
    binding(
        "v",
        &[KeyCode::Char('v')],
        "view all, open, your own or closed lots",
        Action::Show,
    ),
    binding(
        "e",
        &[KeyCode::Char('e')],
        "events: what concerned you so far",
        Action::Log,
    ),
    binding(
        "L",
        &[KeyCode::Char('L')],
        "log in or register; log out",
        Action::Enter,
    ),
    binding(
        "p",
        &[KeyCode::Char('p')],
        "companies: publish the profit",
        Action::Profit,
    ),
    binding(
        "m",
        &[KeyCode::Char('m')],
        "auctioneers: halt, resume, close, take back the lot",
        Action::Manage,
    ),
    binding("?", &[KeyCode::Char('?')], "this help", Action::Help),
    binding("q Ctrl-C", &[KeyCode::Char('q')], "leave", Action::Leave),
];

/// Keys in a form.
pub const IN_FORMS: &[(&str, &str)] = &[
    ("Enter", "send it"),
    ("Esc", "leave it"),
    ("Tab", "the next field"),
    ("↑ ↓", "a step up or down, never under the least bid"),
    ("← → Space", "choose, where there is a choice"),
    ("Ctrl-U", "empty the field"),
];

/// Returns the action of a key outside a form.
pub fn action(key: &KeyEvent) -> Option<Action> {
    if key
        .modifiers
        .intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
    {
        return None;
    }
    let binding = BINDINGS
        .iter()
        .find(|binding| binding.keys.contains(&key.code));
    binding.map(|binding| binding.action)
}

/// Returns true for the key that quits from anywhere.
pub fn is_interrupt(key: &KeyEvent) -> bool {
    key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let keys = BINDINGS.iter().flat_map(|binding| binding.keys);
        let mut seen = HashSet::new();
        for key in keys {
            assert!(seen.insert(key), "{key:?}");
            let pressed = KeyEvent::new(*key, KeyModifiers::NONE);
            assert!(action(&pressed).is_some());
            let with_control = KeyEvent::new(*key, KeyModifiers::CONTROL);
            assert_eq!(action(&with_control), None);
        }
    }
}
