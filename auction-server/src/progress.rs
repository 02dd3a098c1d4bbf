//! How far long work has come. Who does it tells; who started it may show it: as a bar, at a terminal.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::journal::{Disk, Extent, FrameView};

/// After so many frames, progress is told.
const FRAMES_BETWEEN: u64 = 256;

/// How far some work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// What is worked at.
    pub work: Work,
    /// How much is done.
    pub done: u64,
    /// Of how much, as far as is known.
    pub of: u64,
}

/// What takes long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The journal is read, in bytes.
    Reading,
    /// Passwords of imported accounts are hashed, one account each.
    Hashing,
}

/// Tells how far the reading of a journal has come.
pub struct Reading<'a> {
    extent: Extent,
    frames: u64,
    tell: &'a mut dyn FnMut(Reached),
}

impl<'a> Reading<'a> {
    /// Of the journal in `folder`.
    pub fn new(disk: &dyn Disk, folder: &Path, tell: &'a mut dyn FnMut(Reached)) -> Self {
        Self {
            extent: Extent::of(disk, folder),
            frames: 0,
            tell,
        }
    }

    /// A frame was read.
    pub fn frame(&mut self, frame: &FrameView<'_>) {
        if self.frames.is_multiple_of(FRAMES_BETWEEN) {
            (self.tell)(Reached {
                work: Work::Reading,
                done: self.extent.before(frame),
                of: self.extent.total(),
            });
        }
        self.frames += 1;
    }
}

/// A bar on standard error, gone when it is dropped. Where no terminal is, nothing is shown.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    work: Option<Work>,
}

impl Bar {
    /// A bar that shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let target = if io::stderr().is_terminal() && !is_dumb {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        Self { bar, work: None }
    }

    /// Shows how far it is.
    pub fn show(&mut self, reached: Reached) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_length(reached.of);
        self.bar.set_position(reached.done);
        if self.work != Some(reached.work) {
            self.work = Some(reached.work);
            self.bar.set_style(style(reached.work));
            self.bar.set_message(reached.work.said());
            // What was done before, such as up to a snapshot, says nothing of what is to come.
            self.bar.reset_eta();
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
        self.bar.finish_and_clear();
    }
}

impl Work {
    fn said(self) -> &'static str {
        match self {
            Self::Reading => "reading the journal",
            Self::Hashing => "hashing passwords",
        }
    }
}

fn style(work: Work) -> ProgressStyle {
    let counted = match work {
        Work::Reading => "{bytes} of {total_bytes}",
        Work::Hashing => "{pos} of {len}",
    };
    let template = format!("{{msg}}  {{bar:30}}  {{percent}} %  {counted}, {{eta}} left");
    let style = ProgressStyle::with_template(&template).expect("the template is sound");
    style.progress_chars("=> ")
}
