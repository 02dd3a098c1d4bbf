//! How far long work has come. Who does it tells; who started it may show it: as a bar, at a terminal.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::journal::{Disk, Extent, FrameView};

/// After so many frames, progress is told.
const FRAMES_BETWEEN: u64 = 16;

/// How far some work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is worked at.
    pub task: Task,
    /// How much is done.
    pub done: u64,
    /// Of how much, as far as is known.
    pub of: u64,
}

/// What takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// The journal is read, in bytes.
    Reading,
    /// Passwords of imported accounts are hashed, one account each.
    Hashing,
}

/// Tells how far the reading of a journal has come.
pub struct ReadProgress<'a> {
    extent: Extent,
    frames: u64,
    on_progress: &'a mut dyn FnMut(Progress),
}

impl<'a> ReadProgress<'a> {
    /// Of the journal in `folder`.
    pub fn new(disk: &dyn Disk, folder: &Path, on_progress: &'a mut dyn FnMut(Progress)) -> Self {
        Self {
            extent: Extent::of(disk, folder),
            frames: 0,
            on_progress,
        }
    }

    /// A frame was read.
    pub fn frame(&mut self, frame: &FrameView<'_>) {
        if self.frames.is_multiple_of(FRAMES_BETWEEN) {
            (self.on_progress)(Progress {
                task: Task::Reading,
                done: self.extent.before(frame),
                of: self.extent.total(),
            });
        }
        self.frames += 1;
    }

    /// All was read.
    pub fn end(self) {
        let of = self.extent.total();
        (self.on_progress)(Progress {
            task: Task::Reading,
            done: of,
            of,
        });
    }
}

/// A bar on standard error, gone when the work is done. Where no terminal is, nothing is shown.
#[derive(Debug)]
pub struct Bar {
    is_shown: bool,
    shown: Option<(Task, ProgressBar)>,
}

impl Bar {
    /// A bar that shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let is_shown = io::stderr().is_terminal() && !is_dumb;
        Self {
            is_shown,
            shown: None,
        }
    }

    /// One beside rows on standard output: none, when those go to the same terminal.
    #[must_use]
    pub fn beside_output() -> Self {
        let mut bar = Self::new();
        bar.is_shown &= !io::stdout().is_terminal();
        bar
    }

    /// Shows how far it is.
    pub fn show(&mut self, progress: Progress) {
        if !self.is_shown {
            return;
        }
        let Progress { task, done, of } = progress;
        match &self.shown {
            Some((_, bar)) if done >= of => {
                bar.finish_and_clear();
                self.shown = None;
            }
            Some((shown, bar)) if *shown == task => bar.set_position(done),
            // What is done at once needs no bar.
            _ if done >= of => {}
            _ => {
                let bar = ProgressBar::with_draw_target(Some(of), ProgressDrawTarget::hidden());
                bar.set_style(style(task));
                bar.set_message(task.said());
                // What was done before, such as up to a snapshot, says nothing of what is to come.
                bar.set_position(done);
                bar.reset_eta();
                bar.set_draw_target(ProgressDrawTarget::stderr());
                self.shown = Some((task, bar));
            }
        }
    }
}

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some((_, bar)) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

impl Task {
    fn said(self) -> &'static str {
        match self {
            Self::Reading => "reading the journal",
            Self::Hashing => "hashing passwords",
        }
    }
}

fn style(task: Task) -> ProgressStyle {
    let counted = match task {
        Task::Reading => "{bytes} of {total_bytes}",
        Task::Hashing => "{pos} of {len}",
    };
    let template = format!("{{msg}}  {{bar:30}}  {{percent}} %  {counted}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).expect("the template is sound");
    style.progress_chars("=> ")
}
