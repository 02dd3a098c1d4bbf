//! `compare`: measures the market beside what people would use instead.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::time::Duration;

use clap::Args;

use crate::experiments::Question;
use crate::folder::Folder;
use crate::machine;
use crate::report::Report;
use crate::setup::{Length, Others, Setup};

/// As many as let nobody outbid themself.
const LOTS: u32 = 20_000;
const ROUNDS: u32 = 5;
const QUICK_ROUNDS: u32 = 1;
const QUICK_LOTS: u32 = 5_000;
const QUICK: Duration = Duration::from_millis(200);

/// Measures all there is to compare, in turns, and writes a report with pictures.
#[derive(Debug, Args)]
pub struct Compare {
    /// Only whether everything works: short turns, one round, none of the others.
    #[arg(long)]
    quick: bool,
    /// Only these questions.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Question>,
    /// How many turns each one has at each question.
    #[arg(long, default_value_t = ROUNDS, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// What is counted of each turn, in seconds.
    #[arg(long, default_value_t = 1.5)]
    seconds: f64,
    /// Where the markets are made that are measured; a disk, not memory.
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    folder: PathBuf,
    /// Also what takes minutes: a journal of ten million bids.
    #[arg(long)]
    long: bool,
    /// Where the report is written.
    #[arg(long, value_name = "FOLDER", default_value = "target/bench-report")]
    out: PathBuf,
    /// Show the table in this file, in the place of the one that it shows.
    #[arg(long, value_name = "FILE")]
    readme: Option<PathBuf>,
    /// The program to measure; without it, this tree's is built and measured.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
}

impl Compare {
    /// Measures, and writes the report.
    pub fn run(self) -> Result<(), Box<dyn Error>> {
        let setup = self.setup()?;
        let questions = match self.only.is_empty() {
            true => Question::ALL.to_vec(),
            false => self.only.clone(),
        };
        let mut report = Report {
            setting: machine::told(setup.folder.path(), &setup.server)? + &self.told(&setup),
            ..Report::default()
        };
        let mut failed = None;
        for question in questions {
            match question.ask(&setup) {
                Ok(section) => report.sections.push(section),
                // The others are asked all the same.
                Err(error) => {
                    setup.say(&format!("{question:?}: {error}"));
                    failed = Some(error);
                }
            }
            report.write(&self.out)?;
        }
        print!("{}", report.markdown());
        if let Some(error) = failed {
            return Err(error.into());
        }
        self.readme.map_or(Ok(()), |file| report.show_in(&file))?;
        Ok(())
    }

    fn setup(&self) -> Result<Setup, Box<dyn Error>> {
        let server = match &self.server {
            Some(server) => server.clone(),
            None => build_server()?,
        };
        let measured = Duration::try_from_secs_f64(self.seconds)?;
        let setup = Setup {
            folder: Folder::new(&self.folder)?,
            server,
            rounds: self.rounds,
            warm_up: measured / 5,
            measured,
            lots: LOTS,
            others: Others::Measured,
            length: match self.long {
                true => Length::Long,
                false => Length::Usual,
            },
        };
        if !self.quick {
            return Ok(setup);
        }
        Ok(Setup {
            rounds: QUICK_ROUNDS,
            warm_up: QUICK / 4,
            measured: QUICK,
            lots: QUICK_LOTS,
            others: Others::LeftOut,
            ..setup
        })
    }

    /// How it was measured: the last of the list that begins with the machine.
    fn told(&self, setup: &Setup) -> String {
        let (rounds, seconds) = (setup.rounds, setup.measured.as_secs_f64());
        let s = if rounds == 1 { "" } else { "s" };
        format!(
            "- turns: {rounds} round{s}, {seconds} s counted of each turn where its length is not told"
        )
    }
}

/// Builds this tree's server as it ships, beside this program.
fn build_server() -> Result<PathBuf, Box<dyn Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let this = std::env::current_exe()?;
    let target = this
        .ancestors()
        .nth(2)
        .ok_or("this program lies in no target folder")?;
    let mut build = Process::new(cargo);
    build
        .args(["build", "--release", "-p", "auction-server"])
        .current_dir(workspace);
    let status = build.arg("--target-dir").arg(target).status()?;
    if !status.success() {
        return Err("the server could not be built; name one with --server".into());
    }
    Ok(target.join("release").join("auction-server"))
}
