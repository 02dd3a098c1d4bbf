//! Counters and measurements of the server, for operators: in the text format of Prometheus.
//!
//! Implemented here, because code on the path of a bid may neither lock nor allocate: counters and histograms are plain
//! atomics, and a histogram's buckets are powers of two. The libraries' histograms take a lock for each value.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use auction_proto::Code;

use crate::platform::process::{Folder, Process};

/// A number that only rises.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn add_one(&self) {
        self.add(1);
    }

    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that rises and falls.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Adds `count`. Returns the new value.
    pub fn add(&self, count: usize) -> i64 {
        let count = signed(count);
        self.0.fetch_add(count, Ordering::Relaxed) + count
    }

    /// Subtracts `count`.
    pub fn subtract(&self, count: usize) {
        self.0.fetch_sub(signed(count), Ordering::Relaxed);
    }

    /// Sets the value.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds one until the returned guard is dropped.
    pub fn held(&self) -> Held<'_> {
        self.add(1);
        Held(self)
    }

    fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Guard for one unit of a [`Gauge`].
#[derive(Debug)]
pub struct Held<'a>(&'a Gauge);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.subtract(1);
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Number of buckets of a histogram beside the last, which takes all: up to 2 to the 25th microseconds, 33 s.
const BUCKETS: usize = 26;

/// Distribution of values: the bucket of `n` holds those up to 2 to the `n`th.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS + 1],
    sum: AtomicU64,
}

impl Histogram {
    /// Counts this value, `times` times.
    pub fn observe(&self, value: u64, times: u64) {
        let bucket = value
            .checked_sub(1)
            .map_or(0, |less| u64::BITS - less.leading_zeros());
        let bucket = (bucket as usize).min(BUCKETS);
        self.buckets[bucket].fetch_add(times, Ordering::Relaxed);
        self.sum
            .fetch_add(value.saturating_mul(times), Ordering::Relaxed);
    }

    /// Counts this duration, `times` times.
    pub fn observe_time(&self, time: Duration, times: u64) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.observe(micros, times);
    }
}

/// All metrics.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Bids and orders that were accepted; one that is repeated counts once.
    pub bids_accepted: Counter,
    /// Refusals by code, in the order of [`Code::ALL`], and those of other codes.
    refused: Refusals,
    /// Records of each batch.
    pub batch_records: Histogram,
    /// Time of a batch's write and sync.
    pub sync_time: Histogram,
    /// Time that a command waited for the sequencer.
    pub queued: Histogram,
    /// Time in which its batch was decided.
    pub decided: Histogram,
    /// Time in which its batch became durable.
    pub synced: Histogram,
    /// Time of its answer from there to the client's socket.
    pub told: Histogram,
    /// Time of clients from their connection, including TLS, to their welcome.
    pub greeted: Histogram,
    /// Commands that wait for the sequencer.
    pub inbox: Gauge,
    /// Messages that wait for the hub.
    pub hub_inbox: Gauge,
    /// Passwords that wait to be hashed, or are being hashed.
    pub passwords: Gauge,
    /// Open connections that speak frames.
    pub connections_binary: Gauge,
    /// Open connections that speak lines of JSON.
    pub connections_json: Gauge,
    /// Open WebSockets.
    pub connections_websocket: Gauge,
    /// Open connections that speak HTTP, or whose protocol is not known yet.
    pub connections_other: Gauge,
    /// Connections of traders that the sequencer reads itself.
    pub order_entry: Gauge,
    /// Connections that use a session.
    pub sessions: Gauge,
    /// Connections that were refused by admission.
    pub turned_away: Counter,
    /// Logins with a wrong name or password.
    pub logins_failed: Counter,
    /// Connections dropped because the client did not read.
    pub too_slow: Counter,
    /// Connections dropped because the client was silent.
    pub silent: Counter,
    /// Watchers that received a snapshot because they did not keep up.
    pub resynced: Counter,
    /// Writes to clients' connections. Everything ready for one connection is written at once.
    pub writes: Counter,
    /// Standstills of the sequencer.
    pub standstills: Counter,
    /// Market time minus the machine's UTC, in microseconds, at most a few seconds old.
    pub clock_offset: Gauge,
    /// End of the certificate's validity, in seconds since 1970; 0: no TLS, or unknown.
    pub certificate_expiry: Gauge,
}

#[derive(Debug)]
struct Refusals(Vec<Counter>);

impl Default for Refusals {
    fn default() -> Self {
        Self((0..=Code::ALL.len()).map(|_| Counter::default()).collect())
    }
}

impl Metrics {
    /// Counts a refusal.
    pub fn refused(&self, code: Code) {
        let place = Code::ALL.binary_search(&code).unwrap_or(Code::ALL.len());
        self.refused.0[place].add_one();
    }

    /// All metrics in the format of Prometheus.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Text(String::new());
        text.one(
            "bids_accepted_total",
            "counter",
            "Bids and orders that were accepted.",
        );
        text.value("bids_accepted_total", "", self.bids_accepted.get());
        text.one(
            "refused_total",
            "counter",
            "Requests that were refused, by code.",
        );
        let names = Code::ALL.iter().map(|code| code.name().unwrap_or("other"));
        for (name, count) in names.chain(["other"]).zip(&self.refused.0) {
            text.value(
                "refused_total",
                &format!("{{code=\"{name}\"}}"),
                count.get(),
            );
        }
        let seconds = 1e-6;
        text.one(
            "batch_records",
            "histogram",
            "Number of records in each batch.",
        );
        text.histogram("batch_records", "", &self.batch_records, 1.0);
        text.one("sync_seconds", "histogram", "Write and sync of each batch.");
        text.histogram("sync_seconds", "", &self.sync_time, seconds);
        text.one(
            "command_seconds",
            "histogram",
            "Time of commands in each stage: queued, decided, synced, told.",
        );
        let stages = [
            ("queued", &self.queued),
            ("decided", &self.decided),
            ("synced", &self.synced),
            ("told", &self.told),
        ];
        for (stage, histogram) in stages {
            let label = format!("stage=\"{stage}\"");
            text.histogram("command_seconds", &label, histogram, seconds);
        }
        text.one(
            "hello_seconds",
            "histogram",
            "Time of clients from connecting to their welcome.",
        );
        text.histogram("hello_seconds", "", &self.greeted, seconds);
        text.one(
            "queue_depth",
            "gauge",
            "Length of the queues of the sequencer, the hub and the hasher.",
        );
        let queues = [
            ("sequencer", &self.inbox),
            ("hub", &self.hub_inbox),
            ("passwords", &self.passwords),
        ];
        for (queue, depth) in queues {
            text.value(
                "queue_depth",
                &format!("{{queue=\"{queue}\"}}"),
                depth.get(),
            );
        }
        text.one("connections", "gauge", "Open connections, by protocol.");
        let encodings = [
            ("binary", &self.connections_binary),
            ("json", &self.connections_json),
            ("websocket", &self.connections_websocket),
            ("other", &self.connections_other),
        ];
        for (encoding, open) in encodings {
            let label = format!("{{encoding=\"{encoding}\"}}");
            text.value("connections", &label, open.get());
        }
        text.one(
            "order_entry_connections",
            "gauge",
            "Connections that only bid: the sequencer reads them itself.",
        );
        text.value("order_entry_connections", "", self.order_entry.get());
        text.one("sessions", "gauge", "Connections that are logged in.");
        text.value("sessions", "", self.sessions.get());
        self.append_counters(&mut text);
        text.one(
            "clock_offset_seconds",
            "gauge",
            "Market time minus the machine's UTC: 0 when the machine's clock is and was right.",
        );
        let offset = self.clock_offset.get() as f64 * seconds;
        text.value("clock_offset_seconds", "", offset);
        let expiry = self.certificate_expiry.get();
        if expiry != 0 {
            text.one(
                "certificate_expiry_timestamp_seconds",
                "gauge",
                "End of the certificate's validity, since 1970; absent without TLS.",
            );
            text.value("certificate_expiry_timestamp_seconds", "", expiry);
        }
        text.0
    }

    fn append_counters(&self, text: &mut Text) {
        let counters = [
            (
                "turned_away_total",
                "Connections refused by the admission limits.",
                &self.turned_away,
            ),
            (
                "logins_failed_total",
                "Logins with a wrong name or password.",
                &self.logins_failed,
            ),
            (
                "too_slow_total",
                "Connections dropped because the client did not read.",
                &self.too_slow,
            ),
            (
                "silent_total",
                "Connections dropped because the client was silent.",
                &self.silent,
            ),
            (
                "resynced_total",
                "Watchers that did not keep up and got a snapshot.",
                &self.resynced,
            ),
            (
                "writes_total",
                "Writes to clients' connections; everything ready for one connection is written at once.",
                &self.writes,
            ),
            (
                "standstills_total",
                "Times the server did not run for more than 5 s, as a suspended machine: an outage for its lots.",
                &self.standstills,
            ),
        ];
        for (name, help, counter) in counters {
            text.one(name, "counter", help);
            text.value(name, "", counter.get());
        }
    }
}

/// Build, process and disk of a server in the format of Prometheus: measured at each scrape.
#[must_use]
pub fn machine_text(process: &Process, journal: &Folder) -> String {
    let mut text = Text(String::new());
    text.one("build_info", "gauge", "Version of the server; always 1.");
    let version = concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}");
    text.value("build_info", version, 1);
    let folder = [
        (
            "journal_bytes",
            "Size of the journal's files.",
            journal.bytes,
        ),
        (
            "disk_free_bytes",
            "Space that is free for the server on the journal's disk.",
            journal.free_bytes,
        ),
    ];
    for (name, help, value) in folder {
        if let Some(value) = value {
            text.one(name, "gauge", help);
            text.value(name, "", value);
        }
    }
    // Names that Prometheus has for every program.
    let gauges = [
        (
            "resident_memory_bytes",
            "Memory in use.",
            process.resident_bytes,
        ),
        ("threads", "Number of threads.", process.threads),
        (
            "open_fds",
            "Open files and connections.",
            process.open_files,
        ),
        (
            "max_fds",
            "Limit of open files and connections.",
            process.open_files_max,
        ),
    ];
    for (name, help, value) in gauges {
        text.of_process(name, "gauge", help, value);
    }
    text.of_process(
        "cpu_seconds_total",
        "counter",
        "Time of all threads on processors.",
        process.cpu_seconds,
    );
    text.of_process(
        "start_time_seconds",
        "gauge",
        "Start of the process, in seconds since 1970 UTC.",
        process.started_at,
    );
    text.0
}

/// The text format of Prometheus, version 0.0.4.
struct Text(String);

impl Text {
    fn one(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP auction_{name} {help}"));
        self.line(format_args!("# TYPE auction_{name} {kind}"));
    }

    fn value(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
        self.line(format_args!("auction_{name}{labels} {value}"));
    }

    fn of_process(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        value: Option<impl std::fmt::Display>,
    ) {
        if let Some(value) = value {
            self.line(format_args!("# HELP process_{name} {help}"));
            self.line(format_args!("# TYPE process_{name} {kind}"));
            self.line(format_args!("process_{name} {value}"));
        }
    }

    fn histogram(&mut self, name: &str, label: &str, histogram: &Histogram, unit: f64) {
        let comma = if label.is_empty() { "" } else { "," };
        let mut count = 0;
        for (place, bucket) in histogram.buckets.iter().enumerate() {
            count += bucket.load(Ordering::Relaxed);
            let most = match place {
                BUCKETS => "+Inf".to_owned(),
                _ => (unit * f64::from(1_u32 << place)).to_string(),
            };
            let labels = format!("_bucket{{{label}{comma}le=\"{most}\"}}");
            self.value(name, &labels, count);
        }
        let labels = if label.is_empty() {
            String::new()
        } else {
            format!("{{{label}}}")
        };
        let sum = histogram.sum.load(Ordering::Relaxed) as f64 * unit;
        self.value(name, &format!("_sum{labels}"), sum);
        self.value(name, &format!("_count{labels}"), count);
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a text takes all");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_counts_in_its_bucket_and_all_above() {
        let metrics = Metrics::default();
        for (value, times) in [
            (0, 1),
            (1, 1),
            (2, 1),
            (3, 1),
            (1_000, 5),
            (u64::MAX >> 1, 1),
        ] {
            metrics.batch_records.observe(value, times);
        }
        let text = metrics.text();
        for line in [
            "auction_batch_records_bucket{le=\"1\"} 2\n",
            "auction_batch_records_bucket{le=\"2\"} 3\n",
            "auction_batch_records_bucket{le=\"4\"} 4\n",
            "auction_batch_records_bucket{le=\"512\"} 4\n",
            "auction_batch_records_bucket{le=\"1024\"} 9\n",
            "auction_batch_records_bucket{le=\"33554432\"} 9\n",
            "auction_batch_records_bucket{le=\"+Inf\"} 10\n",
            "auction_batch_records_count 10\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }

    #[test]
    fn refusals_are_counted_by_name_and_unknown_ones_together() {
        let metrics = Metrics::default();
        for code in Code::ALL {
            metrics.refused(*code);
        }
        metrics.refused(Code::BID_TOO_LOW);
        metrics.refused(Code(9_999));
        let text = metrics.text();
        for line in [
            "auction_refused_total{code=\"bid_too_low\"} 2\n",
            "auction_refused_total{code=\"internal\"} 1\n",
            "auction_refused_total{code=\"other\"} 1\n",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }

    #[test]
    fn what_is_held_counts_until_it_is_dropped() {
        let gauge = Gauge::default();
        let held = gauge.held();
        assert_eq!(gauge.get(), 1);
        drop(held);
        assert_eq!(gauge.get(), 0);
    }
}
