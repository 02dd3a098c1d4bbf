//! `load`: bids at a server that runs already, for those who want to know what their machine bears.

use std::error::Error;
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use auction_core::{Lot, Phase, Terms};
use clap::Args;

use crate::load::{self, Outcome, Pace};
use crate::row::Unit;
use crate::targets::auction_line::{Accounts, market_at};
use crate::workload::Workload;

/// The market does not bear it: too few bids were accepted, or too many took too long.
const NOT_BORNE: u8 = 3;
/// Ten-thousandths in a cent.
const CENT: u64 = 100;
/// What is told of how long bids took.
const PARTS: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999)];

/// Bids at a server that runs already.
///
/// It makes traders of its own and bids for real, on all English lots that are open, each bid a cent above the last:
/// take a market that is made for it. Bids are sent on a fixed schedule, whatever the server does, and a bid's time
/// counts from the moment it was due. Without --rate as many are in flight as may be, and time counts from the send.
///
/// Ends with 0 when the market bears it, 3 when it accepts less than nine bids of ten or p99 is above --p99-max, 1 when
/// something fails, and 2 when it is asked wrongly.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Load {
    /// Where the server listens, without TLS.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:2022")]
    server_address: String,
    /// Bids a second in all; as many as go without it.
    #[arg(long, value_name = "BIDS", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Connections that bid, each for a trader of its own.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    connections: u32,
    /// How many bids of each are under way at most.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    in_flight: u32,
    /// How long is counted, in seconds.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// How long is not counted before, in seconds.
    #[arg(long, default_value_t = 2.0)]
    warm_up: f64,
    /// How long 99 of 100 bids may take at most, in milliseconds.
    #[arg(long, value_name = "MILLISECONDS")]
    p99_max: Option<f64>,
    /// One line of JSON instead of words.
    #[arg(long)]
    json: bool,
}

impl Load {
    /// Bids, and tells what came of it.
    pub fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        let server = answering_at(&self.server_address)?;
        let market = market_at(server)?;
        let lots = market.lots().iter().filter_map(open_at);
        let mut workload = Workload::on(lots);
        if workload.is_empty() {
            return Err(format!(
                "{} has no open English lot on which bids may rise by 0.01; start it for example with --lots 1000",
                self.server_address
            )
            .into());
        }
        let prefix = format!("load-{:08x}", rand::random::<u32>());
        let accounts = Accounts::make(server, &prefix, self.connections)?;
        let load = load::Load {
            connections: self.connections,
            in_flight: self.in_flight,
            pace: self
                .rate
                .map_or(Pace::Saturated, |rate| Pace::Rate(rate.into())),
            warm_up: Duration::try_from_secs_f64(self.warm_up)?,
            measured: Duration::try_from_secs_f64(self.seconds)?,
            first_trader: 0,
            traders: self.connections,
        };
        let outcome = load::run(&mut |trader| accounts.connect(trader), &mut workload, &load)?;
        let is_borne = self.is_borne(&outcome);
        match self.json {
            true => println!("{}", self.in_json(&outcome, is_borne)),
            false => print!("{}", self.in_words(&outcome, is_borne)),
        }
        Ok(match is_borne {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(NOT_BORNE),
        })
    }

    fn is_borne(&self, outcome: &Outcome) -> bool {
        let p99_max = self.p99_max.unwrap_or(f64::INFINITY) * 1e3;
        outcome.is_of_bids() && outcome.times.quantile(0.99) <= p99_max
    }

    fn in_words(&self, outcome: &Outcome, is_borne: bool) -> String {
        let (accepted, refused) = (outcome.accepted, outcome.refused);
        let rate = Unit::PerSecond.figure(outcome.rate());
        let mut text = format!("accepted {accepted} ({rate}), refused {refused}\n");
        for (name, part) in PARTS {
            let time = Unit::Micros.figure(outcome.times.quantile(part));
            text.push_str(&format!("{:<6} {time}\n", name.replace('_', ".")));
        }
        let longest = Unit::Micros.figure(outcome.times.longest());
        text.push_str(&format!("most   {longest}\n"));
        if !outcome.is_of_bids() {
            text.push_str(
                "too few were accepted: take more lots, or fewer connections or bids in flight\n",
            );
        } else if !is_borne {
            text.push_str("p99 is above what it may be\n");
        }
        text
    }

    fn in_json(&self, outcome: &Outcome, is_borne: bool) -> serde_json::Value {
        let mut micros = serde_json::Map::new();
        for (name, part) in PARTS {
            micros.insert(name.to_owned(), outcome.times.quantile(part).into());
        }
        micros.insert("most".to_owned(), outcome.times.longest().into());
        serde_json::json!({
            "connections": self.connections,
            "in_flight": self.in_flight,
            "rate": self.rate,
            "seconds": self.seconds,
            "accepted": outcome.accepted,
            "refused": outcome.refused,
            "accepted_per_second": outcome.rate(),
            "micros": micros,
            "is_borne": is_borne,
        })
    }
}

/// Where the server answers: a name can stand for several addresses.
fn answering_at(server: &str) -> Result<SocketAddr, String> {
    let answers = TcpStream::connect(server).and_then(|stream| stream.peer_addr());
    answers.map_err(|error| format!("nobody answers at {server}: {error}"))
}

/// An English lot that takes bids which rise by a cent, and the price in cents that the next must be above.
fn open_at(lot: &Lot) -> Option<(u32, u64)> {
    let Terms::English(terms) = &lot.terms else {
        return None;
    };
    let rises_by_a_cent = terms
        .steps
        .bands()
        .iter()
        .all(|band| band.step.units() <= CENT);
    let is_open = lot.phase == Phase::Open && lot.halted_since.is_none();
    let is_fit = is_open && rises_by_a_cent && terms.buy_now.is_none();
    let least = lot.least_bid().filter(|_| is_fit)?;
    Some((lot.id.0, least.units().div_ceil(CENT) - 1))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::histogram::Times;

    use super::*;

    #[derive(clap::Parser)]
    struct Asked {
        #[command(flatten)]
        load: Load,
    }

    fn outcome(accepted: u64, refused: u64) -> Outcome {
        let mut times = Times::new();
        (0..accepted).for_each(|_| times.add(Duration::from_millis(4)));
        Outcome {
            answered: accepted + refused,
            accepted,
            refused,
            took: Duration::from_secs(2),
            times,
        }
    }

    #[test]
    fn a_market_bears_it_when_it_accepts_nine_of_ten_in_time() {
        let asked = |flags: &[&str]| Asked::parse_from([&["load"], flags].concat()).load;
        assert!(asked(&[]).is_borne(&outcome(90, 10)));
        assert!(!asked(&[]).is_borne(&outcome(89, 11)));
        assert!(asked(&["--p99-max", "5"]).is_borne(&outcome(100, 0)));
        assert!(!asked(&["--p99-max", "3"]).is_borne(&outcome(100, 0)));
    }

    #[test]
    fn a_server_is_found_by_name_and_by_address() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let at = server.local_addr().unwrap();
        let by_name = format!("localhost:{}", at.port());
        for name in [at.to_string(), by_name] {
            assert_eq!(answering_at(&name), Ok(at));
        }
        let refused = answering_at("no port").unwrap_err();
        assert!(refused.contains("no port"), "{refused}");
    }

    #[test]
    fn words_and_json_tell_the_same() {
        let load = Asked::parse_from(["load", "--rate", "50"]).load;
        let (outcome, is_borne) = (outcome(100, 2), true);
        let words = load.in_words(&outcome, is_borne);
        assert!(
            words.starts_with("accepted 100 (50/s), refused 2\n"),
            "{words}"
        );
        let json = load.in_json(&outcome, is_borne);
        assert_eq!(json["accepted"], 100);
        assert_eq!(json["accepted_per_second"], 50.0);
        assert_eq!(json["rate"], 50);
        let p99 = json["micros"]["p99"].as_f64().unwrap();
        assert!((3_990.0..4_010.0).contains(&p99), "{p99}");
    }
}
