//! `lots.csv`: valid files, and errors for invalid ones.

use std::fs;

use auction_core::{
    BookShown, CallTerms, Collar, DutchTerms, EnglishTerms, MarginalPriority, Price, Quantity,
    SealedPricing, SealedTerms, SoftClose, SoftCloseMode, Span, Steps, Terms, Timestamp,
    UniformPricing, UniformTerms,
};
use auction_server::testing::config::calendar::{Calendar, Calendars};
use auction_server::testing::config::csv::lots::{Defaults, PlannedLot, read};

fn price(text: &str) -> Price {
    Price::parse(text).unwrap()
}

fn defaults() -> Defaults {
    Defaults {
        open_for: Span::from_secs(300),
        steps: Steps::default(),
        soft_close: SoftClose::default(),
        trading_days: true,
        calendars: calendars(),
    }
}

fn calendars() -> Calendars {
    let calendars = [
        ("short", "call 5m, continuous 1h, call 5m", None),
        (
            "xetra",
            "call 08:50, continuous 09:00, call 17:30, close 17:35",
            Some("Europe/Berlin"),
        ),
    ];
    let named = calendars
        .map(|(name, phases, zone)| (name.to_owned(), Calendar::parse(phases, zone).unwrap()));
    named.into()
}

fn lots(text: &str) -> Result<Vec<PlannedLot>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lots.csv");
    fs::write(&path, text).unwrap();
    read(&path, &defaults()).map_err(|error| {
        let said = error.to_string();
        said.replace(&*path.to_string_lossy(), "lots.csv")
    })
}

#[test]
fn each_format_has_its_terms_and_the_settings_give_the_rest() {
    let text = "\
symbol,format,quantity,opens_in,open_for,reserve,step,buy_now,extend_by,extend_mode,extensions_max,start,interval,floor,priority,bids_max
AAPL,english,,,,,,,,,,,,,,
AAPL,English,100,60s,1h,20,banded,50,0s,reset,3,,,,,
BRK.B,dutch,,,,,1,,,,,100,10s,50,,
TSLA,vickrey,,,,50,,,,,,,,,,
NVDA,pay-as-bid,1000000,,,,,,,,,,,,pro-rata,3
NVDA,uniform,5,,,,,,,,,,,,,
TSLA,sealed-first,,,,,,,,,,,,,,
";
    let now = Timestamp::from_secs(1_000);
    let lots: Vec<_> = lots(text)
        .unwrap()
        .iter()
        .map(|lot| lot.open(now))
        .collect();
    assert_eq!(lots[0].terms, Terms::English(EnglishTerms::default()));
    assert_eq!((lots[0].quantity, lots[0].opens_at), (Quantity::ONE, None));
    assert_eq!(lots[0].closes_at, Timestamp::from_secs(1_300));
    assert_eq!(lots[1].opens_at, Some(Timestamp::from_secs(1_060)));
    assert_eq!(lots[1].closes_at, Timestamp::from_secs(4_660));
    assert_eq!(lots[1].reserve, Some(price("20")));
    let terms = EnglishTerms {
        steps: Steps::banded(),
        buy_now: Some(price("50")),
        soft_close: SoftClose {
            extend_by: Span::ZERO,
            mode: SoftCloseMode::Reset,
            extensions_max: Some(3),
            ..SoftClose::default()
        },
    };
    assert_eq!(lots[1].terms, Terms::English(terms));
    let falling = DutchTerms {
        start: price("100"),
        step: price("1"),
        interval: Span::from_secs(10),
        floor: price("50"),
    };
    assert_eq!(lots[2].terms, Terms::Dutch(falling));
    let sealed = |pricing| Terms::Sealed(SealedTerms { pricing });
    assert_eq!(lots[3].terms, sealed(SealedPricing::SecondPrice));
    assert_eq!(lots[6].terms, sealed(SealedPricing::FirstPrice));
    let uniform = |pricing, priority, bids_max| {
        Terms::Uniform(UniformTerms {
            pricing,
            priority,
            bids_max,
        })
    };
    let (own, pro_rata) = (UniformPricing::PayAsBid, MarginalPriority::ProRata);
    assert_eq!(lots[4].terms, uniform(own, pro_rata, 3));
    let (one, time) = (UniformPricing::Uniform, MarginalPriority::Time);
    assert_eq!(lots[5].terms, uniform(one, time, 10));
}

#[test]
fn a_call_has_its_round_lot_and_terms_and_the_rest_is_usual() {
    let text = "\
symbol,format,quantity,extend_by,extensions_max,tick,book,collar,collar_bps,market_extension,random_end,no_cancel
AAPL,call,,,,,,,,,,
AAPL,Call,100,2m,3,0.05,open,0.50,1000,on,30s,45s
AAPL,call,,,,,closed,,500,off,,0s
AAPL,call,,,,,,0.50,,,,
";
    let now = Timestamp::from_secs(1_000);
    let lots = lots(text).unwrap();
    let lots: Vec<_> = lots.iter().map(|lot| lot.open(now)).collect();
    let usual = CallTerms::default();
    assert_eq!(lots[0].terms, Terms::Call(usual));
    assert_eq!(lots[1].quantity, "100".parse().unwrap());
    let collar = |absolute, basis_points| {
        let absolute = price(absolute);
        Some(Collar {
            absolute,
            basis_points,
        })
    };
    let all = CallTerms {
        tick: price("0.05"),
        book: BookShown::Open,
        collar: collar("0.50", 1_000),
        extensions_max: 3,
        market_extension: true,
        extend_by: Span::from_secs(120),
        random_end: Span::from_secs(30),
        no_cancel: Some(Span::from_secs(45)),
    };
    assert_eq!(lots[1].terms, Terms::Call(all));
    let some = CallTerms {
        collar: collar("0", 500),
        no_cancel: Some(Span::ZERO),
        ..usual
    };
    assert_eq!(lots[2].terms, Terms::Call(some));
    let absolute = CallTerms {
        collar: collar("0.50", 0),
        ..usual
    };
    assert_eq!(lots[3].terms, Terms::Call(absolute));
}

#[test]
fn what_is_wrong_is_said_by_line() {
    let cases = [
        (
            "symbol,format\n",
            "lots.csv: there is no lot below the header; add a row such as AAPL,english, or remove the file: a round \
             opens random stocks then",
        ),
        (
            "symbol,format\nAAPL,sealed\n",
            "lots.csv:2: format \"sealed\" is unknown; expected english, dutch, sealed-first, vickrey, uniform, \
             pay-as-bid, call or day",
        ),
        (
            "symbol,format,quantity\nAAPL,english,0\n",
            "lots.csv:2: quantity \"0\" is no number of shares; expected 1 to 1000000000000",
        ),
        (
            "symbol,format,floor\nAAPL,english,5\n",
            "lots.csv:2: floor is not for an English lot; leave it empty",
        ),
        (
            "symbol,format,start,step,interval,floor\nAAPL,dutch,100,1,,50\n",
            "lots.csv:2: interval is empty; the format dutch needs one",
        ),
        (
            "symbol,format,priority,bids_max\nAAPL,uniform,size,many\n",
            "lots.csv:2: priority \"size\" is unknown; expected time or pro-rata\n\
             lots.csv:2: bids_max \"many\" is no number; expected for example 10",
        ),
        (
            "symbol,format,tick,book,market_extension\nAAPL,call,x,half,yes\n",
            "lots.csv:2: tick \"x\" is not a decimal; expected for example 12.50\n\
             lots.csv:2: book \"half\" is unknown; expected open or closed\n\
             lots.csv:2: market_extension \"yes\" is unknown; expected on or off",
        ),
        (
            "symbol,format,reserve,step,tick\nAAPL,call,5,,\nAAPL,call,,1,\nAAPL,english,,,1\n",
            "lots.csv:2: reserve is not for a call lot; leave it empty\n\
             lots.csv:3: step is not for a call lot; leave it empty\n\
             lots.csv:4: tick is not for an English lot; leave it empty",
        ),
        (
            "symbol,format,open_for\nAAPL,english,0s\n",
            "lots.csv:2: open_for \"0s\" leaves no time to bid; expected for example 300s",
        ),
        (
            "symbol\nAAPL\n",
            "lots.csv:1: there is no column format; the header names \"symbol\", and symbol,format is expected",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(lots(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn a_day_names_a_calendar_by_lengths_or_by_times_of_day() {
    let text = "\
symbol,format,day,opens_in,static_corridor_bps
AAPL,day,short,,500
AAPL,day,short,10m,
AAPL,day,xetra,,
";
    // 2026-12-01 06:00 UTC, before a day in Berlin.
    let now = Timestamp::from_secs(1_796_104_800);
    let planned = lots(text).unwrap();
    let lots: Vec<_> = planned.iter().map(|lot| lot.open(now)).collect();
    let after = |secs| now.saturating_add(Span::from_secs(secs));
    let times: Vec<_> = lots
        .iter()
        .map(|lot| (lot.opens_at, lot.closes_at))
        .collect();
    assert_eq!(times[0], (None, after(4_200)));
    assert_eq!(times[1], (Some(after(600)), after(4_800)));
    // 07:50 to 16:35 in UTC.
    assert_eq!(times[2], (Some(after(6_600)), after(38_100)));
    let Terms::Day(terms) = &lots[2].terms else {
        panic!("it is a day");
    };
    let begins = terms.phases.iter().map(|of| of.begins_after);
    let begins: Vec<_> = begins.map(|span| span.micros() / 1_000_000).collect();
    assert_eq!(begins, [0, 600, 31_200]);
    let Terms::Day(terms) = &lots[0].terms else {
        panic!("it is a day");
    };
    assert_eq!(
        terms.static_corridor.map(|corridor| corridor.basis_points),
        Some(500)
    );
    // The next morning, once the day has begun.
    let later = planned[2].open(after(6_600));
    assert_eq!(later.opens_at, Some(after(6_600 + 86_400)));
}

#[test]
fn a_wrong_calendar_is_named_with_its_line() {
    let header = "symbol,format,day,schedule,opens_in\n";
    for (row, says) in [
        (
            "AAPL,day,lse,,",
            "lots.csv:2: day \"lse\" is no calendar: expected short or xetra",
        ),
        (
            "AAPL,day,short,call 5m,",
            "lots.csv:2: schedule is not for a lot that names a calendar",
        ),
        (
            "AAPL,day,xetra,,5m",
            "lots.csv:2: opens_in is not for a day whose calendar has times",
        ),
        (
            "AAPL,english,short,,",
            "lots.csv:2: day is not for an English lot",
        ),
        ("AAPL,day,,,", "lots.csv:2: schedule is empty"),
    ] {
        let said = lots(&format!("{header}{row}\n")).unwrap_err();
        assert!(said.contains(says), "{row}: {said}");
    }
}
