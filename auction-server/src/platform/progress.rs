//! Progress of long work. The worker reports it; the caller may show it, as a bar on a terminal.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::journal::{Disk, Extent, FrameView};

/// Number of frames between two reports.
const FRAMES_BETWEEN: u64 = 16;

/// Progress of some work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The work.
    pub task: Task,
    /// The amount done.
    pub done: u64,
    /// The total, as far as it is known.
    pub of: u64,
}

/// Kinds of long work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Reading the journal, in bytes.
    Reading,
    /// Copying files, in bytes.
    Copying,
    /// Hashing the passwords of imported accounts, in accounts.
    Hashing,
}

/// Reports the progress of reading a journal.
pub struct ReadProgress<'a> {
    extent: Extent,
    frames: u64,
    on_progress: &'a mut dyn FnMut(Progress),
}

impl<'a> ReadProgress<'a> {
    /// Reports for the journal in `folder`.
    pub fn new(disk: &dyn Disk, folder: &Path, on_progress: &'a mut dyn FnMut(Progress)) -> Self {
        Self {
            extent: Extent::of(disk, folder),
            frames: 0,
            on_progress,
        }
    }

    /// Counts a frame that was read.
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

    /// Reports the end of the journal.
    pub fn end(self) {
        let of = self.extent.total();
        (self.on_progress)(Progress {
            task: Task::Reading,
            done: of,
            of,
        });
    }
}

/// A bar on standard error, removed when the work is done. Without a terminal, nothing is shown.
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

    /// A bar next to rows on standard output: none, if those go to the same terminal.
    #[must_use]
    pub fn beside_output() -> Self {
        let mut bar = Self::new();
        bar.is_shown &= !io::stdout().is_terminal();
        bar
    }

    /// Shows the progress.
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
            // Work that is done at once needs no bar.
            _ if done >= of => {}
            _ => {
                let bar = ProgressBar::with_draw_target(Some(of), ProgressDrawTarget::hidden());
                bar.set_style(style(task));
                bar.set_message(task.said());
                // Work done before, such as up to a snapshot, says nothing about the time of the rest.
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
            Self::Copying => "copying",
            Self::Hashing => "hashing passwords",
        }
    }
}

fn style(task: Task) -> ProgressStyle {
    let counted = match task {
        Task::Reading | Task::Copying => "{bytes} of {total_bytes}",
        Task::Hashing => "{pos} of {len}",
    };
    let template = format!("{{msg}}  {{bar:30}}  {{percent}} %  {counted}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).expect("the template is sound");
    style.progress_chars("=> ")
}
