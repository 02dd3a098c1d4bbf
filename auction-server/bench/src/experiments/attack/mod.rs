//! Honest bids on a schedule, before and while many others attack the server, and the server's memory.

mod attackers;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use self::attackers::{ADDRESSES, Attack, Numbers};
use super::idle::files;
use crate::load::{self, Load, Outcome, Pace};
use crate::processes::resident_kib;
use crate::report::Section;
use crate::row::{Aim, Row, Theirs, Told, Unit, grouped};
use crate::setup::{Others, Setup, TRADERS};
use crate::target::Target as _;
use crate::targets::auction::{Auction, Durability};
use crate::workload::Workload;

/// Honest bids per second.
const RATE: f64 = 2_000.0;
const NUMBERS: Numbers = Numbers {
    idle: 5_000,
    slow_readers: 200,
    slowloris: 50,
    bad_logins: 100,
    garbage: 50,
};
const NUMBERS_QUICK: Numbers = Numbers {
    idle: 100,
    slow_readers: 20,
    slowloris: 5,
    bad_logins: 20,
    garbage: 10,
};
/// Number of files that this process needs besides the attackers' connections.
const OTHER_FILES: usize = 500;
/// Measured turns of the usual length in one measurement: the attack needs time to act.
const TURNS: u32 = 6;
/// Time limit for all attackers to be connected.
const CONNECTED_WITHIN: Duration = Duration::from_secs(60);
/// Time after the attack until memory is read: the server has dropped those who are gone by then.
const AFTER: Duration = Duration::from_secs(12);
/// Aim: the latency may grow this much, and memory by this many KiB.
const LATENCY_MAX: f64 = 3.0;
const GROWTH_MAX_KIB: f64 = 64.0 * 1_024.0;

/// One round.
struct Round {
    before: Outcome,
    under: Outcome,
    kib: [u64; 3],
}

pub fn ask(setup: &Setup) -> io::Result<Section> {
    let wanted = match setup.others {
        Others::LeftOut => NUMBERS_QUICK,
        Others::Measured => NUMBERS,
    };
    let numbers = Numbers {
        idle: wanted.idle.min(files()?.saturating_sub(OTHER_FILES)),
        ..wanted
    };
    let mut rounds = Vec::new();
    let mut started_as = String::new();
    let (mut guessed, mut ended) = (0, 0);
    for round in 1..=setup.rounds {
        setup.say(&format!("under attack: round {round} of {}", setup.rounds));
        let folder = setup.folder.within("attack")?;
        let mut server = Auction::start_with(
            &setup.server,
            &folder,
            setup.lots,
            TRADERS,
            Durability::Strict,
            &[],
        )?;
        started_as = server.started_as();
        let attack = Attack {
            server: server.address(),
            account: server.account(0),
            numbers,
            is_over: AtomicBool::new(false),
            begun: AtomicU64::new(0),
            guessed: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        };
        rounds.push(measure(setup, &mut server, &attack)?);
        guessed += attack.guessed.into_inner();
        ended += attack.ended.into_inner();
    }
    Ok(section(
        setup,
        numbers,
        &rounds,
        &started_as,
        [guessed, ended],
    ))
}

fn measure(setup: &Setup, server: &mut Auction, attack: &Attack) -> io::Result<Round> {
    let mut workload = Workload::new(setup.lots);
    let mut bids = |server: &mut Auction| {
        let load = Load {
            connections: TRADERS,
            in_flight: 16,
            pace: Pace::Rate(RATE),
            warm_up: setup.warm_up,
            measured: setup.measured * TURNS,
            first_trader: 0,
            traders: TRADERS,
        };
        let outcome = load::run(&mut |trader| server.connect(trader), &mut workload, &load)?;
        match outcome.is_of_bids() {
            true => Ok(outcome),
            false => Err(io::Error::other("most honest bids were refused")),
        }
    };
    let before = bids(server)?;
    let memory_before = resident_kib(server.pid())?;
    let (under, memory_under) = thread::scope(|scope| {
        scope.spawn(|| attack.idle());
        scope.spawn(|| attack.slow_readers());
        scope.spawn(|| attack.slowloris());
        scope.spawn(|| attack.bad_logins());
        scope.spawn(|| attack.garbage());
        let numbers = attack.numbers;
        let all = (numbers.idle + numbers.slow_readers + numbers.slowloris) as u64;
        let until = Instant::now() + CONNECTED_WITHIN;
        while attack.begun.load(Ordering::Relaxed) < all && Instant::now() < until {
            sleep(Duration::from_millis(50));
        }
        let measured = bids(server).and_then(|under| Ok((under, resident_kib(server.pid())?)));
        attack.is_over.store(true, Ordering::Relaxed);
        measured
    })?;
    sleep(AFTER);
    let kib = [memory_before, memory_under, resident_kib(server.pid())?];
    Ok(Round { before, under, kib })
}

fn section(
    setup: &Setup,
    numbers: Numbers,
    rounds: &[Round],
    started_as: &str,
    [guessed, ended]: [u64; 2],
) -> Section {
    let Numbers {
        idle,
        slow_readers,
        slowloris,
        bad_logins,
        garbage,
    } = numbers;
    let each = |value: &dyn Fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
    let growth = |round: &Round, at: usize| round.kib[at].saturating_sub(round.kib[0]) as f64;
    let p99 = |outcome: &Outcome| outcome.times.quantile(0.99);
    let latency = Row {
        what: format!(
            "p99 of {} honest bids a second under attack, {TRADERS} connections",
            grouped(RATE as u64)
        ),
        unit: Unit::Micros,
        ours: each(&|round| p99(&round.under)),
        beside: "the same bids before".to_owned(),
        theirs: Theirs::Measured(each(&|round| p99(&round.before))),
        aim: Aim::AtMost(LATENCY_MAX),
        told: Told::InShort,
    };
    let memory = Row {
        what: "memory that the server takes more under attack".to_owned(),
        unit: Unit::Kib,
        ours: each(&|round| growth(round, 1)),
        beside: "64 MiB".to_owned(),
        theirs: Theirs::Measured(vec![GROWTH_MAX_KIB; rounds.len()]),
        aim: Aim::AtMost(1.0),
        told: Told::InShort,
    };
    let after = Row {
        what: format!("the same {} s after the attack", AFTER.as_secs()),
        ours: each(&|round| growth(round, 2)),
        beside: "-".to_owned(),
        theirs: Theirs::Nobody,
        aim: Aim::Stated,
        told: Told::InFull,
        ..memory.clone()
    };
    let seconds = (setup.measured * TURNS).as_secs_f64();
    Section {
        title: "Under attack".to_owned(),
        text: vec![
            format!(
                "Bids on a schedule, measured for {seconds} s before the attack and for as long during it. The attackers, from \
                 {ADDRESSES} addresses of the loopback network: {idle} connections held idle, {slow_readers} that watch \
                 the market and do not read, {slowloris} that greet byte by byte and come again when they are dropped, {bad_logins} logins \
                 with a wrong password per second, and {garbage} connections with random bytes per second. They ran on the \
                 same processors as the server. {guessed} passwords were guessed, and {ended} connections of attackers \
                 were ended or refused."
            ),
            format!("- `{started_as}`"),
        ],
        rows: vec![latency, memory, after],
        ..Section::default()
    }
}
