//! The screen while no server has answered yet: it shows the reason, waits, and tries again.

use std::time::Duration;

use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Wrap};

use crate::output::escape::Escaped;
use crate::screen::keys::{Action, action, is_interrupt};

/// Wait before the second attempt; each failure doubles it.
pub const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest wait between two attempts.
pub const RETRY_MAX: Duration = Duration::from_secs(30);

/// State before the first connection. Times are measured from the start of the program.
#[derive(Debug)]
pub struct Connecting {
    server: String,
    reason: String,
    wait: Duration,
    /// Start of the next attempt; `None`: an attempt is running.
    next_attempt: Option<Duration>,
    seconds_drawn: u64,
    /// True if the terminal shows an older state.
    pub dirty: bool,
}

/// Input of [`Connecting::update`].
#[derive(Debug)]
pub enum Event {
    Key(KeyEvent),
    /// The terminal has another size.
    Resized,
    /// The running attempt failed for this reason.
    Failed(String),
    Tick,
}

/// Output of [`Connecting::update`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Start an attempt.
    Connect,
    Leave,
}

impl Connecting {
    /// State after the first attempt has failed.
    pub fn new(server: String, now: Duration, reason: String) -> Self {
        Self {
            server,
            reason,
            wait: RETRY_FIRST,
            next_attempt: Some(now.saturating_add(RETRY_FIRST)),
            seconds_drawn: 0,
            dirty: true,
        }
    }

    pub fn update(&mut self, now: Duration, event: Event) -> Option<Effect> {
        match event {
            Event::Key(key) if is_interrupt(&key) || action(&key) == Some(Action::Leave) => {
                return Some(Effect::Leave);
            }
            Event::Key(key) if is_retry(&key) && self.next_attempt.is_some() => {
                return Some(self.attempt());
            }
            Event::Key(_) => {}
            Event::Resized => self.dirty = true,
            Event::Failed(reason) => {
                self.reason = reason;
                self.wait = self.wait.saturating_mul(2).min(RETRY_MAX);
                self.next_attempt = Some(now.saturating_add(self.wait));
                self.dirty = true;
            }
            Event::Tick => match self.next_attempt {
                Some(at) if at <= now => return Some(self.attempt()),
                Some(at) => self.dirty |= seconds_until(at, now) != self.seconds_drawn,
                None => {}
            },
        }
        None
    }

    fn attempt(&mut self) -> Effect {
        self.next_attempt = None;
        self.dirty = true;
        Effect::Connect
    }

    pub fn draw(&mut self, frame: &mut Frame<'_>, now: Duration) {
        self.dirty = false;
        self.seconds_drawn = self.next_attempt.map_or(0, |at| seconds_until(at, now));
        let text = self.text(now);
        let lines: Vec<Line<'_>> = text.lines().map(Line::from).collect();
        let paragraph = Paragraph::new(lines).wrap(Wrap { trim: false });
        frame.render_widget(paragraph, frame.area());
    }

    fn text(&self, now: Duration) -> String {
        let server = Escaped(&self.server);
        let next = match self.next_attempt {
            Some(at) => format!("Next attempt in {} s. r: now, ", seconds_until(at, now)),
            None => "Connecting ... ".to_owned(),
        };
        format!("auction {server}\n\n{}\n\n{next}q: quit", self.reason)
    }
}

fn is_retry(key: &KeyEvent) -> bool {
    matches!(key.code, KeyCode::Char('r') | KeyCode::Enter)
}

/// Returns the seconds until a time, rounded up.
fn seconds_until(at: Duration, now: Duration) -> u64 {
    at.saturating_sub(now).as_millis().div_ceil(1_000) as u64
}

#[cfg(test)]
mod tests {
    use ratatui::crossterm::event::KeyModifiers;

    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn key(code: KeyCode) -> Event {
        Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn refused() -> Connecting {
        Connecting::new("127.0.0.1:2022".into(), seconds(0), "refused".into())
    }

    #[test]
    fn the_reason_and_the_next_attempt_are_shown() {
        let mut connecting = refused();
        let text = connecting.text(Duration::from_millis(1));
        for part in [
            "127.0.0.1:2022",
            "refused",
            "Next attempt in 1 s",
            "q: quit",
        ] {
            assert!(text.contains(part), "{part:?} is missing in {text:?}");
        }
        connecting.update(seconds(1), Event::Tick);
        assert!(connecting.text(seconds(1)).contains("Connecting"));
        connecting.update(seconds(2), Event::Failed("no route".into()));
        assert!(connecting.text(seconds(2)).contains("no route"));
    }

    #[test]
    fn attempts_start_on_time_and_waits_double_up_to_the_longest() {
        let mut connecting = refused();
        let mut now = seconds(0);
        for wait in [1, 2, 4, 8, 16, 30, 30] {
            let before = now + seconds(wait) - Duration::from_micros(1);
            assert_eq!(connecting.update(before, Event::Tick), None, "{wait} s");
            now += seconds(wait);
            assert_eq!(connecting.update(now, Event::Tick), Some(Effect::Connect));
            assert_eq!(connecting.update(now, Event::Tick), None, "one at a time");
            assert_eq!(connecting.update(now, Event::Failed("again".into())), None);
        }
    }

    #[test]
    fn r_tries_at_once_and_only_when_no_attempt_is_running() {
        let mut connecting = refused();
        let now = Duration::from_millis(10);
        let retry = connecting.update(now, key(KeyCode::Char('r')));
        assert_eq!(retry, Some(Effect::Connect));
        assert_eq!(connecting.update(now, key(KeyCode::Enter)), None);
    }

    #[test]
    fn q_and_ctrl_c_quit_at_any_time() {
        let mut connecting = refused();
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        for _ in 0..2 {
            let quit = connecting.update(seconds(0), key(KeyCode::Char('q')));
            assert_eq!(quit, Some(Effect::Leave));
            let quit = connecting.update(seconds(0), Event::Key(interrupt));
            assert_eq!(quit, Some(Effect::Leave));
            connecting.update(seconds(0), key(KeyCode::Char('r')));
        }
    }

    #[test]
    fn it_is_drawn_again_when_the_countdown_moves_and_not_otherwise() {
        let mut connecting = Connecting::new("s".into(), seconds(0), "refused".into());
        connecting.update(seconds(1), Event::Tick);
        connecting.update(seconds(1), Event::Failed("refused".into()));
        connecting.dirty = false;
        connecting.seconds_drawn = 2;
        connecting.update(Duration::from_millis(1_900), Event::Tick);
        assert!(!connecting.dirty);
        connecting.update(Duration::from_millis(2_100), Event::Tick);
        assert!(connecting.dirty);
    }
}
