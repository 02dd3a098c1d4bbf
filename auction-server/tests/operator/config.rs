//! Settings: precedence, valid values, and errors for invalid ones.

use std::fs;
use std::path::{Path, PathBuf};

use auction_core::{Span, Steps};
use auction_server::testing::config::{
    Config, Given, LogFormat, OnOutage, Origin, Setting, SettingsFile, resolve,
};

fn given(setting: Setting, text: &str, origin: Origin) -> Given {
    Given {
        setting,
        text: text.to_owned(),
        origin,
    }
}

fn in_file() -> Origin {
    Origin::File {
        path: PathBuf::from("auction.toml"),
        line: 3,
    }
}

#[test]
fn the_defaults_are_those_of_the_manual() {
    let config = Config::default();
    assert_eq!(config.listen.to_string(), "127.0.0.1:2022");
    assert_eq!(config.data.path(), Path::new("data"));
    assert_eq!((config.lots, config.seed), (10, None));
    assert_eq!(config.open_for, Span::from_secs(300));
    assert_eq!(config.soft_close, auction_core::SoftClose::default());
    assert_eq!(config.steps, Steps::default());
    assert_eq!(
        (config.on_outage, config.log),
        (OnOutage::Extend, LogFormat::Human)
    );
}

#[test]
fn flags_override_the_environment_then_the_file_then_defaults() {
    let all = [
        (in_file(), "2", 2),
        (Origin::Environment, "3", 3),
        (Origin::Flag, "4", 4),
    ];
    // Every subset, in both orders.
    for subset in 0_u32..8 {
        let chosen: Vec<_> = (0..3)
            .filter(|at| subset & (1 << at) != 0)
            .map(|at| &all[at])
            .collect();
        let expected = chosen.last().map_or(10, |(.., lots)| *lots);
        let mut layers: Vec<_> = chosen
            .iter()
            .map(|(origin, text, _)| given(Setting::Lots, text, origin.clone()))
            .collect();
        assert_eq!(
            resolve(layers.clone()).unwrap().config.lots,
            expected,
            "{subset:03b}"
        );
        layers.reverse();
        assert_eq!(
            resolve(layers).unwrap().config.lots,
            expected,
            "{subset:03b} reversed"
        );
    }
}

#[test]
fn values_that_are_none_are_refused_with_what_would_be_right() {
    use Setting::{
        BasePath, Data, ExtendBy, Listen, Log, LogLevel, Lots, OnOutage as Outage, OpenFor,
        ProxyProtocol, Seed, Step, TrustedProxy,
    };
    let cases = [
        (
            Listen,
            "localhost",
            "is not an address; expected a number and a port",
        ),
        (Data, "", "is no folder"),
        (Lots, "0", "expected 1 to 1000000"),
        (Lots, "-1", "is not a number of lots"),
        (Lots, "99999999999999999999", "is not a number of lots"),
        (
            OpenFor,
            "300",
            "is not a duration; expected a number and a unit",
        ),
        (OpenFor, "0s", "leaves no time to bid"),
        (OpenFor, "367d", "is too long; at most 366d"),
        (OpenFor, "5M", "5m is five minutes"),
        (OpenFor, "584942417355y", "is"),
        (ExtendBy, "1ns", "is finer than a microsecond"),
        (ExtendBy, "0s", "gives lots no time after an outage"),
        (Step, "0", "a step is at least 0.0001"),
        (Step, "0,01", "is not a decimal"),
        (Step, "bandid", "the word banded"),
        (Step, "1:0.05", "begins at price 0"),
        (Step, "0:0.05,1", "a part of it is no band"),
        (Step, "0:0.25,1:0.05", "their steps never fall"),
        (Seed, "-1", "is not a seed"),
        (Outage, "Extend", "expected extend"),
        (Log, "xml", "expected human or json"),
        (LogLevel, "loud", "expected error, warn, info or debug"),
        (BasePath, "auction", "is no base path; expected / and names"),
        (BasePath, "/a//b", "is no base path"),
        (BasePath, "/a/../b", "is no base path"),
        (BasePath, "", "is no base path"),
        (
            TrustedProxy,
            "10.0.0.0/33",
            "expected an address or a network",
        ),
        (ProxyProtocol, "on", "give trusted-proxy too"),
    ];
    for (setting, text, expected) in cases {
        let faults = resolve(vec![given(setting, text, Origin::Flag)]).unwrap_err();
        let said = faults[0].to_string();
        assert_eq!(faults.len(), 1, "{said}");
        let begin = format!("--{} {text:?} ", setting.key());
        assert!(
            said.starts_with(&begin) && said.contains(expected),
            "{said}"
        );
    }
}

#[test]
fn values_of_every_form_are_taken() {
    use Setting::{ExtendBy, ExtendWithin, Listen, Log, OnOutage as Outage, OpenFor, Seed, Step};
    let texts = [
        (Listen, "[::1]:0"),
        (OpenFor, "1h 30m"),
        (ExtendWithin, "0s"),
        (ExtendBy, "1500ms"),
        (Step, "0:0.05, 1:0.25"),
        (Seed, "18446744073709551615"),
        (Outage, "close"),
        (Log, "json"),
    ];
    let texts = texts.map(|(setting, text)| given(setting, text, Origin::Flag));
    let config = resolve(texts.to_vec()).unwrap().config;
    assert_eq!(config.listen.to_string(), "[::1]:0");
    assert_eq!(config.open_for, Span::from_secs(5_400));
    assert_eq!(config.soft_close.extend_within, Span::ZERO);
    assert_eq!(config.soft_close.extend_by.micros(), 1_500_000);
    assert_eq!(config.steps.bands().len(), 2);
    assert_eq!(config.seed, Some(u64::MAX));
    assert_eq!(
        (config.on_outage, config.log),
        (OnOutage::Close, LogFormat::Json)
    );

    let banded = resolve(vec![given(Step, "banded", Origin::Flag)])
        .unwrap()
        .config;
    assert_eq!(banded.steps, Steps::banded());
}

#[test]
fn all_faults_are_reported_together_by_the_name_that_was_used() {
    let faults = resolve(vec![
        given(Setting::Lots, "ten", Origin::Environment),
        given(Setting::Step, "x", Origin::Flag),
        given(Setting::Log, "x", in_file()),
    ])
    .unwrap_err();
    let said: Vec<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3);
    assert!(said[0].starts_with("AUCTION_LOTS \"ten\""), "{}", said[0]);
    assert!(said[1].starts_with("--step \"x\""), "{}", said[1]);
    assert!(
        said[2].starts_with("auction.toml:3: log \"x\""),
        "{}",
        said[2]
    );
}

fn read_file(text: &str) -> Result<Vec<Given>, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auction.toml");
    fs::write(&path, text).unwrap();
    let prefix = format!("{}/", folder.path().display());
    let said = |fault: &auction_server::testing::config::ConfigError| {
        fault.to_string().replace(&prefix, "")
    };
    SettingsFile::Named(path)
        .read()
        .map(|contents| contents.given)
        .map_err(|faults| faults.iter().map(said).collect())
}

#[test]
fn a_number_in_the_file_keeps_its_spelling_and_is_never_a_float() {
    let read = read_file("# mine\nlots = 3\nstep = 0.10\nopen-for = \"5m\"\n").unwrap();
    let texts: Vec<_> = read
        .iter()
        .map(|given| (given.setting, given.text.as_str(), given.to_string()))
        .collect();
    let expected = [
        (Setting::Lots, "3", 2),
        (Setting::Step, "0.10", 3),
        (Setting::OpenFor, "5m", 4),
    ];
    for (setting, text, line) in expected {
        let found = texts.iter().find(|found| found.0 == setting).unwrap();
        assert_eq!(found.1, text);
        assert!(
            found
                .2
                .ends_with(&format!("auction.toml:{line}: {}", setting.key())),
            "{}",
            found.2
        );
    }
}

#[test]
fn a_wrong_file_is_refused_by_line() {
    let cases = [
        (
            "lots = 3\nlotz = 4\n",
            "auction.toml:2: unknown key \"lotz\"; the keys are listen, data, lots",
        ),
        (
            "\n\nlots = [3]\n",
            "auction.toml:3: lots is array; expected a text or a decimal number",
        ),
        ("lots = true", "auction.toml:1: lots is boolean"),
        ("lots = 0x10", "auction.toml:1: lots is integer"),
        ("lots 3\n", "auction.toml:1: this is no TOML"),
        (
            "lots = 3\nlots = 4\n",
            "auction.toml:2: this is no TOML: duplicate key",
        ),
        (
            "[market]\nlots = 3\n",
            "auction.toml:1: unknown key \"market\"",
        ),
    ];
    for (text, expected) in cases {
        let said = read_file(text).unwrap_err();
        assert!(said[0].starts_with(expected), "{text:?}: {}", said[0]);
    }
}

#[test]
fn a_named_file_must_exist_and_the_default_file_may() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auction.toml");
    assert_eq!(
        SettingsFile::InDataFolder(path.clone())
            .read()
            .unwrap()
            .given,
        []
    );
    assert!(SettingsFile::Named(path.clone()).read().is_err());

    fs::write(&path, "data = \"elsewhere\"").unwrap();
    let said = SettingsFile::InDataFolder(path.clone()).read().unwrap_err()[0].to_string();
    assert!(
        said.contains("cannot be set in the file that lies in the data folder"),
        "{said}"
    );
    assert_eq!(
        SettingsFile::Named(path).read().unwrap().given[0].text,
        "elsewhere"
    );
}

#[test]
fn calendars_are_tables_and_their_faults_have_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auction.toml");
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        let read = SettingsFile::Named(path.clone()).read();
        read.map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let text = "lots = 3\n[calendar.short]\nphases = \"call 5m\"\n\n\
                [calendar.xetra]\ntime_zone = \"Europe/Berlin\"\nphases = \"call 08:50, close 17:35\"\n";
    let contents = read(text).unwrap();
    assert_eq!(contents.given.len(), 1);
    let names: Vec<_> = contents.calendars.keys().collect();
    assert_eq!(names, ["short", "xetra"]);

    for (text, says) in [
        (
            "calendar = 3",
            ":1: expected tables such as [calendar.nyse]",
        ),
        (
            "[calendar]\nx = 3",
            ":2: calendar x: expected tables such as",
        ),
        ("\n[calendar.x]", ":2: calendar x: phases is missing"),
        (
            "[calendar.x]\nphases = 3",
            ":2: calendar x: phases is integer; expected a text",
        ),
        (
            "[calendar.x]\nphases = \"call 5m\"\nzone = \"UTC\"",
            ":3: calendar x: unknown key \"zone\"; the keys are phases, time_zone",
        ),
        (
            "[calendar.x]\nphases = \"call 09:00\"\ntime_zone = \"Mars\"",
            ":1: calendar x: time_zone \"Mars\" is unknown",
        ),
    ] {
        let faults = read(text).unwrap_err();
        assert!(faults[0].contains(says), "{text}: {faults:?}");
    }
}
