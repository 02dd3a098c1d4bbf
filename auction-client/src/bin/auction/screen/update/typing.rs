//! Keys while typing: in a form, in the filter.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::output::names::View;
use crate::screen::events::Effect;
use crate::screen::form::{Content, Form};
use crate::screen::line_editor::Line;
use crate::screen::list::List;
use crate::screen::model::Model;

/// Handles a key in a form.
pub fn in_form(model: &mut Model, view: View<'_>, key: &KeyEvent) -> Vec<Effect> {
    if key.code == KeyCode::Esc {
        // A sent request cannot be withdrawn: its result will be reported.
        model.form = None;
    }
    let Some(form) = model.form.as_mut().filter(|form| !form.sending) else {
        return Vec::new();
    };
    match key.code {
        KeyCode::Enter => return send(form, view),
        KeyCode::Tab => form.next_field(),
        KeyCode::BackTab => form.previous_field(),
        KeyCode::Up | KeyCode::Down if form.is_at_price() => {
            form.step(view, key.code == KeyCode::Up);
        }
        KeyCode::Up => form.previous_field(),
        KeyCode::Down => form.next_field(),
        _ => in_field(form, key),
    }
    Vec::new()
}

fn in_field(form: &mut Form, key: &KeyEvent) {
    let content = form.fields.get(form.at).map(|field| &field.content);
    match (content, key.code) {
        (Some(Content::Choice(..)), KeyCode::Left) => form.turn(-1),
        (Some(Content::Choice(..)), KeyCode::Right | KeyCode::Char(' ')) => form.turn(1),
        (content, _) => {
            if let (Some(Content::Choice(..)), KeyCode::Char(_)) = (content, key.code) {
                // Typing confirms the option.
                form.next_field();
            }
            if let Some(line) = form.line()
                && edit(line, key)
            {
                form.note = None;
            }
        }
    }
}

fn send(form: &mut Form, view: View<'_>) -> Vec<Effect> {
    if form.next_empty() {
        return Vec::new();
    }
    if form.renew_offer(view) {
        return Vec::new();
    }
    match form.ask(view) {
        Ok(ask) => {
            form.sending = true;
            form.note = None;
            vec![Effect::Send(ask)]
        }
        Err(wrong) => {
            form.note = Some(wrong);
            Vec::new()
        }
    }
}

/// Handles a key in the filter.
pub fn in_filter(list: &mut List, key: &KeyEvent) {
    match key.code {
        KeyCode::Enter => list.typing = false,
        KeyCode::Esc => {
            list.filter.clear();
            list.typing = false;
        }
        KeyCode::Up => list.go(-1),
        KeyCode::Down => list.go(1),
        _ => {
            edit(&mut list.filter, key);
        }
    }
}

/// Edits a line; returns false if the key edits nothing.
fn edit(line: &mut Line, key: &KeyEvent) -> bool {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    match key.code {
        KeyCode::Char('u') if control => line.clear(),
        KeyCode::Char('a') if control => line.home(),
        KeyCode::Char('e') if control => line.end(),
        KeyCode::Char('h') if control => line.backspace(),
        KeyCode::Char(char) if !control && !alt => line.insert(char),
        KeyCode::Backspace => line.backspace(),
        KeyCode::Delete => line.delete(),
        KeyCode::Left => line.left(),
        KeyCode::Right => line.right(),
        KeyCode::Home => line.home(),
        KeyCode::End => line.end(),
        _ => return false,
    }
    true
}
