//! Measurements of this process and of a folder's disk, for operators. What the system does not tell is left out.

use std::fs;
use std::path::Path;

/// Measurements of a process, with the names that Prometheus has for them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    /// Memory in use, in bytes.
    pub resident_bytes: Option<u64>,
    /// Time of all threads on processors, in seconds.
    pub cpu_seconds: Option<f64>,
    /// Number of threads.
    pub threads: Option<u64>,
    /// Number of open files and connections.
    pub open_files: Option<u64>,
    /// Limit of open files and connections.
    pub open_files_max: Option<u64>,
    /// Start of the process, in seconds since 1970 UTC.
    pub started_at: Option<f64>,
}

/// Measurements of a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// Size of all files in it, in bytes, without subfolders.
    pub bytes: Option<u64>,
    /// Space that is free on its disk for this user, in bytes.
    pub free_bytes: Option<u64>,
}

impl Process {
    /// Measures this process.
    #[must_use]
    pub fn measure() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let of = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            value.split_whitespace().next()?.parse::<u64>().ok()
        };
        let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The name of the program is in parentheses, and can hold blanks. After it, the first field is the third.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        let seconds =
            |field: usize| Some(fields.get(field - 3)?.parse::<u64>().ok()? as f64 / ticks);
        let booted_at = fs::read_to_string("/proc/stat").ok().and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("btime "))?;
            line.trim().parse::<u64>().ok()
        });
        Self {
            resident_bytes: of("VmRSS:").map(|kib| kib << 10),
            cpu_seconds: seconds(14)
                .zip(seconds(15))
                .map(|(user, system)| user + system),
            threads: of("Threads:"),
            open_files: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|all| all.count() as u64),
            open_files_max: rustix::process::getrlimit(rustix::process::Resource::Nofile).current,
            started_at: booted_at
                .zip(seconds(22))
                .map(|(booted, after)| booted as f64 + after),
        }
    }
}

impl Folder {
    /// Measures a folder.
    #[must_use]
    pub fn measure(path: &Path) -> Self {
        let sizes = fs::read_dir(path).ok().map(|entries| {
            let files = entries.flatten().filter_map(|entry| entry.metadata().ok());
            files
                .filter(fs::Metadata::is_file)
                .map(|file| file.len())
                .sum()
        });
        let disk = rustix::fs::statvfs(path).ok();
        Self {
            bytes: sizes,
            free_bytes: disk.map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        }
    }
}
