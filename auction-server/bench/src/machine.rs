//! When, where and with what is measured: what one must know to read the figures, and no names.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

use auction_core::Timestamp;

/// The date, the machine with the disk that `folder` lies on, and the versions, as a list.
pub fn told(folder: &Path, server: &Path) -> io::Result<String> {
    let mut list = String::new();
    for (name, value) in [
        ("measured", now()),
        ("processor", processor()?),
        ("memory", memory()?),
        ("system", system()?),
        ("disk", disk(folder)?),
        ("busy before", busy()?),
        ("measured program", measured(server)),
        ("built with", said(Command::new("rustc").arg("--version"))),
    ] {
        list.push_str(&format!("- {name}: {value}\n"));
    }
    Ok(list)
}

fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = Timestamp::from_secs(since.unwrap_or_default().as_secs()).to_string();
    // To the minute: 2026-11-23T01:08.
    format!("{} UTC", now[..16].replace('T', " "))
}

fn processor() -> io::Result<String> {
    let info = fs::read_to_string("/proc/cpuinfo")?;
    let model = value_of(&info, "model name").unwrap_or("unknown");
    let virtual_machine = match value_of(&info, "flags") {
        Some(flags) if flags.split(' ').any(|flag| flag == "hypervisor") => ", a virtual machine",
        _ => "",
    };
    let cores = available_parallelism()?;
    Ok(format!("{model}, {cores} cores{virtual_machine}"))
}

fn memory() -> io::Result<String> {
    let info = fs::read_to_string("/proc/meminfo")?;
    let kib: Option<f64> =
        value_of(&info, "MemTotal").and_then(|v| v.split(' ').next()?.parse().ok());
    Ok(format!("{:.1} GiB", kib.unwrap_or_default() / 1_048_576.0))
}

fn system() -> io::Result<String> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!("Linux {}", release.trim()))
}

/// `name : value` in a file of the system.
fn value_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim())
    })
}

/// What ran in the minute before: the figures are of a machine that had little else to do, or not.
fn busy() -> io::Result<String> {
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!("{load} threads on average in the last minute"))
}

/// The file system that a folder lies in, and what the system says of its device.
fn disk(folder: &Path) -> io::Result<String> {
    let device = fs::metadata(folder)?.dev();
    let numbers = format!(
        "{}:{}",
        rustix::fs::major(device),
        rustix::fs::minor(device)
    );
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    // proc(5): number, parent, device, root, where, options, and behind a dash the kind and the source.
    let mount = mounts
        .lines()
        .find(|line| line.split(' ').nth(2) == Some(&numbers));
    let kind_and_source = mount.and_then(|line| {
        let (_, behind) = line.split_once(" - ")?;
        let mut words = behind.split(' ');
        Some((words.next()?, words.next()?.rsplit('/').next()?))
    });
    let (kind, source) = kind_and_source.unwrap_or(("an unknown file system", "an unknown device"));
    let rotational = ["queue/rotational", "../queue/rotational"]
        .iter()
        .find_map(|file| fs::read_to_string(format!("/sys/dev/block/{numbers}/{file}")).ok());
    let spins = match rotational.as_deref().map(str::trim) {
        Some("1") => ", which the system takes for rotating",
        Some(_) => ", solid-state",
        None => "",
    };
    Ok(format!("{kind} on {source}{spins}"))
}

/// The server's version, and this tree's commit.
fn measured(server: &Path) -> String {
    let here = env!("CARGO_MANIFEST_DIR");
    let version = said(Command::new(server).arg("--version"));
    let mut git = Command::new("git");
    let commit = said(git.args(["-C", here, "describe", "--always", "--dirty"]));
    format!("{version}; this tree is at commit {commit}")
}

/// What a program says, on one line.
fn said(command: &mut Command) -> String {
    let output = command
        .output()
        .ok()
        .filter(|output| output.status.success());
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_names_no_folder_of_this_machine() {
        let folder = std::env::temp_dir();
        let told = told(&folder, Path::new("/nowhere/auction-server")).unwrap();
        assert!(!told.contains(&*folder.to_string_lossy()), "{told}");
        assert!(!told.contains("nowhere"), "{told}");
    }
}
