//! `doctor`: looks at everything around a server that makes it slow, unreachable or unsafe. It changes nothing, and also
//! works beside a running server.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use auction_proto::VERSION;
use rustix::fs::statvfs;
use serde_json::{Value, json};

use crate::cli::access::existing;
use crate::cli::check::check;
use crate::cli::findings::{Findings, Severity};
use crate::config::data_dir::DataDir;
use crate::config::{Config, Network};
use crate::gateway::http::ops::ask_readiness;
use crate::journal::SEGMENT_BYTES_MAX;
use crate::platform::clock::{Machine as _, ThisMachine};

/// Free space below which a warning comes, in bytes.
pub const SPACE_LOW: u64 = 1 << 30;
/// Free space below which the journal soon cannot go on: its next segment and one more.
pub const SPACE_NONE: u64 = 2 * SEGMENT_BYTES_MAX;
/// Time of a sync from which a warning comes. Every batch of bids waits for one.
pub const SYNC_SLOW: Duration = Duration::from_millis(20);
/// Number of syncs that are measured.
const SYNCS: u64 = 25;
/// Bytes between two of the measured writes, and in each.
const WRITE_BYTES: usize = 4_096;

/// Looks at everything.
#[must_use]
pub fn examine(config: &Config) -> Findings {
    let mut findings = Findings::default();
    versions(&mut findings);
    findings.found(
        "clock",
        format!("this machine's clock shows {} UTC", ThisMachine.utc()),
    );
    findings.0.extend(check(config).0);
    let folder = existing(config.data.path()).to_owned();
    space(&mut findings, &folder, &config.data);
    match sync_times(&folder) {
        Ok(times) => speed(&mut findings, times),
        Err(error) => findings.warn(
            "disk speed",
            format!("{}: it cannot be measured: {error}", folder.display()),
        ),
    }
    proxies(&mut findings, config);
    server(&mut findings, &config.network);
    findings
}

/// The findings as lines for people.
#[must_use]
pub fn lines(findings: &Findings) -> String {
    let line = |found: &crate::cli::findings::Finding| {
        format!(
            "{:<8} {:<13} {}\n",
            found.severity.name(),
            found.topic,
            found.text
        )
    };
    let lines: String = findings.0.iter().map(line).collect();
    let (errors, warnings) = (
        findings.count(Severity::Error),
        findings.count(Severity::Warning),
    );
    format!("{lines}{errors} errors, {warnings} warnings\n")
}

/// The findings as JSON.
#[must_use]
pub fn as_json(findings: &Findings) -> String {
    let found = findings.0.iter().map(
        |found| json!({"topic": found.topic, "state": found.severity.name(), "text": found.text}),
    );
    let all = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "errors": findings.count(Severity::Error),
        "warnings": findings.count(Severity::Warning),
        "findings": found.collect::<Vec<Value>>(),
    });
    format!("{all:#}\n")
}

fn versions(findings: &mut Findings) {
    let system = rustix::system::uname();
    findings.found(
        "version",
        format!(
            "auction-server {}, protocol version {}, on {} {} ({})",
            env!("CARGO_PKG_VERSION"),
            VERSION,
            system.sysname().to_string_lossy(),
            system.release().to_string_lossy(),
            system.machine().to_string_lossy(),
        ),
    );
}

fn space(findings: &mut Findings, folder: &Path, data: &DataDir) {
    const TOPIC: &str = "disk space";
    let disk = match statvfs(folder) {
        Ok(disk) => disk,
        Err(error) => return findings.warn(TOPIC, format!("{}: {error}", folder.display())),
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let text = format!(
        "{}: {} MiB free; the journal has {} MiB",
        folder.display(),
        free >> 20,
        bytes_in(&data.journal()) >> 20
    );
    findings.add(TOPIC, space_severity(free), text);
}

fn space_severity(free: u64) -> Severity {
    match free {
        0..SPACE_NONE => Severity::Error,
        SPACE_NONE..SPACE_LOW => Severity::Warning,
        _ => Severity::Ok,
    }
}

/// Bytes of the files in a folder; those that cannot be read do not count.
fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let lengths = entries.filter_map(|entry| Some(entry.metadata().ok()?.len()));
    lengths.sum()
}

/// A file that is removed again.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Measures writes as the journal makes them: into a file of zeros, with a sync after each. Returns the median and the
/// longest.
fn sync_times(folder: &Path) -> io::Result<(Duration, Duration)> {
    let path = folder.join(format!("doctor-{}.tmp", std::process::id()));
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600);
    let file = options.open(&path)?;
    let _removed = Temporary(path);
    let at = |write: u64| write * WRITE_BYTES as u64;
    for write in 0..SYNCS {
        file.write_all_at(&[0; WRITE_BYTES], at(write))?;
    }
    file.sync_all()?;
    let mut times = Vec::new();
    for write in 0..SYNCS {
        let begun_at = Instant::now();
        file.write_all_at(&[1; WRITE_BYTES], at(write))?;
        file.sync_data()?;
        times.push(begun_at.elapsed());
    }
    times.sort_unstable();
    Ok((times[times.len() / 2], times[times.len() - 1]))
}

fn speed(findings: &mut Findings, (median, longest): (Duration, Duration)) {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let times = format!(
        "a sync takes {:.2} ms, the longest of {SYNCS} {:.2} ms",
        millis(median),
        millis(longest)
    );
    if median < SYNC_SLOW {
        findings.found("disk speed", times);
    } else {
        findings.warn(
            "disk speed",
            format!(
                "{times}: each bid waits for one; use a disk with a faster sync, such as an SSD"
            ),
        );
    }
}

fn proxies(findings: &mut Findings, config: &Config) {
    const TOPIC: &str = "proxy";
    let network = &config.network;
    let names_hosts = !network.public_hosts.is_empty();
    if network.trusted_proxies.is_empty() {
        let text =
            "trusted-proxy is not set: every connection counts for the address that it comes from";
        if names_hosts && config.listen.ip().is_loopback() {
            return findings.warn(
                TOPIC,
                format!(
                    "{text}. public-host is set and the port is reachable from this machine only: if a proxy is in \
                     front, name its address, or all clients share the limits of one"
                ),
            );
        }
        return findings.found(TOPIC, text);
    }
    if let Some(all) = network.trusted_proxies.iter().find(|range| range.is_all()) {
        findings.warn(
            TOPIC,
            format!("trusted-proxy has {all}, every address: any client can say to be another"),
        );
    }
    if !names_hosts && !network.proxy_protocol {
        findings.warn(
            TOPIC,
            "public-host is not set: the page works behind a proxy only under localhost or an IP address",
        );
    }
    let ranges: Vec<_> = network
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    let way = if network.proxy_protocol {
        "a header of PROXY protocol version 2, which their connections must begin with"
    } else {
        "X-Forwarded-For"
    };
    findings.found(
        TOPIC,
        format!("{} name clients by {way}", ranges.join(", ")),
    );
}

fn server(findings: &mut Findings, network: &Network) {
    const TOPIC: &str = "server";
    let Some(address) = network.ops.address() else {
        return findings.found(TOPIC, "ops-listen is off: a running server cannot be asked");
    };
    match ask_readiness(address) {
        Ok(()) => findings.found(TOPIC, format!("{address}: a server runs, and is ready")),
        Err(why) if why.starts_with("not ready") => {
            findings.warn(TOPIC, format!("{address}: a server runs, and is {why}"));
        }
        Err(why) => findings.found(TOPIC, format!("no server answers: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_has_two_bounds() {
        assert_eq!(space_severity(SPACE_LOW), Severity::Ok);
        assert_eq!(space_severity(SPACE_LOW - 1), Severity::Warning);
        assert_eq!(space_severity(SPACE_NONE), Severity::Warning);
        assert_eq!(space_severity(SPACE_NONE - 1), Severity::Error);
        assert_eq!(space_severity(0), Severity::Error);
    }

    #[test]
    fn a_slow_sync_is_a_warning() {
        let severity = |median| {
            let mut findings = Findings::default();
            speed(&mut findings, (median, Duration::from_secs(1)));
            findings.0[0].severity
        };
        assert_eq!(severity(SYNC_SLOW), Severity::Warning);
        assert_eq!(severity(SYNC_SLOW - Duration::from_nanos(1)), Severity::Ok);
    }

    #[test]
    fn syncs_are_measured_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (median, longest) = sync_times(folder.path()).unwrap();
        assert!(Duration::ZERO < median && median <= longest);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn proxies_that_believe_anyone_or_have_no_name_are_warned_of() {
        let warned = |change: &dyn Fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            let mut findings = Findings::default();
            proxies(&mut findings, &config);
            findings.texts(Severity::Warning).join("\n")
        };
        assert_eq!(warned(&|_| {}), "");
        let named = |config: &mut Config| config.network.public_hosts = vec!["a.test".into()];
        assert!(warned(&named).contains("all clients share the limits of one"));
        let trusting = |range: &str| {
            let range = range.parse().unwrap();
            move |config: &mut Config| config.network.trusted_proxies = vec![range]
        };
        assert!(warned(&trusting("127.0.0.1")).contains("public-host is not set"));
        let all = warned(&trusting("0.0.0.0/0"));
        assert!(all.contains("0.0.0.0/0, every address"), "{all}");
        let both = |config: &mut Config| {
            named(config);
            trusting("10.0.0.0/8")(config);
        };
        assert_eq!(warned(&both), "");
    }
}
