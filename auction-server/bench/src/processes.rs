//! Programs that this one starts, monitors, and ends by process id.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Time limit until a program is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Time limit for ending after the request; then the program is killed.
const END_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Number of characters of a program's output that are shown when it fails.
const SHOWN_MAX: usize = 2_000;

/// A running program. It is asked to end when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    said: PathBuf,
}

impl Program {
    /// Starts the program; its output goes to a file in `folder`.
    pub fn start(command: &mut Command, folder: &Path) -> io::Result<Self> {
        let said = folder.join("said.txt");
        let out = File::create(&said)?;
        command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
        Ok(Self { child, said })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the program without a request to end.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Waits until `ready` returns a value for the program's output so far.
    ///
    /// # Errors
    /// When the program ends before, or the time limit passes.
    pub fn wait_for<T>(&mut self, mut ready: impl FnMut(&str) -> Option<T>) -> io::Result<T> {
        let until = Instant::now() + READY_WITHIN;
        loop {
            let said = fs::read(&self.said)?;
            let said = String::from_utf8_lossy(&said);
            if let Some(found) = ready(&said) {
                return Ok(found);
            }
            let why = if let Some(status) = self.child.try_wait()? {
                format!("ended with {status}")
            } else if Instant::now() > until {
                format!("was not ready within {} s", READY_WITHIN.as_secs())
            } else {
                sleep(LOOK_EVERY);
                continue;
            };
            let shown: String = said.chars().take(SHOWN_MAX).collect();
            return Err(io::Error::other(format!("it {why}; it said: {shown}")));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // The process may have ended already.
            let _ = kill_process(pid, Signal::INT);
        }
        let until = Instant::now() + END_WITHIN;
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            sleep(LOOK_EVERY);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finds a program by name: in the path, or in one of these folders.
pub fn find(name: &str, folders: impl IntoIterator<Item = PathBuf>) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).chain(folders);
    in_path
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("{name} is not installed here"),
            )
        })
}

/// Returns a port of this machine that is free now.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Returns the address of a port of this machine.
pub fn here(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Connects to a program that may not be listening yet.
pub fn connect_when_ready(program: &mut Program, port: u16) -> io::Result<TcpStream> {
    program.wait_for(|_| TcpStream::connect(here(port)).ok())
}

/// Processor time of a process and of those it has started.
pub fn processor_time(pid: u32) -> io::Result<Duration> {
    let mut total = time_of(pid)?;
    for task in fs::read_dir("/proc")?.flatten() {
        let number = task.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(number) = number
            && parent_of(number) == Some(pid)
        {
            // The process may have ended since.
            total += time_of(number).unwrap_or_default();
        }
    }
    Ok(total)
}

/// Processor time of a process and its ended children, in ticks of a hundredth of a second.
fn time_of(pid: u32) -> io::Result<Duration> {
    let fields = stat_of(pid)?;
    // Fields 14 to 17 of proc(5): utime, stime, cutime, cstime; these begin with field 3.
    let ticks: u64 = fields[11..15]
        .iter()
        .filter_map(|t| t.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(10 * ticks))
}

fn parent_of(pid: u32) -> Option<u32> {
    stat_of(pid).ok()?.get(1)?.parse().ok()
}

fn stat_of(pid: u32) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name is in brackets and may contain any characters.
    let (_, fields) = text.rsplit_once(')').unwrap_or_default();
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

/// Work of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Worked {
    /// Its processor time.
    pub time: Duration,
    /// Bytes that it has written to files.
    pub bytes: u64,
}

/// Returns the work of the threads with this name in a process; zero without such a thread.
pub fn worked(pid: u32, thread: &str) -> io::Result<Worked> {
    let mut all = Worked::default();
    for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        if read("comm").trim() != thread {
            continue;
        }
        // The first number in the scheduler's statistics: nanoseconds.
        let nanos = read("schedstat")
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok());
        all.time += Duration::from_nanos(nanos.unwrap_or_default());
        let io = read("io");
        let bytes = io
            .lines()
            .find_map(|line| line.strip_prefix("wchar: ")?.parse().ok());
        all.bytes += bytes.unwrap_or(0_u64);
    }
    Ok(all)
}

/// Resident memory of a process.
pub fn resident_kib(pid: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().split(' ').next()?.parse().ok());
    number.ok_or_else(|| io::Error::other("the system does not tell the memory of a process"))
}

/// A command's program and flags, as a person would type them. Only the last name of each path is shown: the rest is
/// specific to this machine.
pub fn typed(command: &Command) -> String {
    let parts = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let typed = parts.map(|part| {
        let part = match Path::new(part) {
            path if path.is_absolute() => path.file_name().unwrap_or(part),
            _ => part,
        };
        match part.to_string_lossy() {
            part if part.is_empty() || part.contains(' ') => format!("'{part}'"),
            part => part.into_owned(),
        }
    });
    typed.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_would_type_names_no_folder_of_this_machine() {
        let mut command = Command::new("/usr/bin/redis-server");
        command.args(["--save", "", "--dir", "/somewhere/data", "--port", "7"]);
        let text = "redis-server --save '' --dir data --port 7";
        assert_eq!(typed(&command), text);
    }

    #[test]
    fn a_thread_is_found_by_its_name() {
        let named = std::thread::Builder::new().name("bench-named".to_owned());
        let (tell, told) = std::sync::mpsc::channel::<()>();
        let thread = named.spawn(move || told.recv().is_err()).expect("a thread");
        let until = Instant::now() + READY_WITHIN;
        let found = loop {
            // A thread's name is set when it begins to run.
            let found = worked(std::process::id(), "bench-named").unwrap();
            if !found.time.is_zero() {
                break found;
            }
            assert!(Instant::now() < until, "no such thread is found");
        };
        assert_eq!(found.bytes, 0);
        drop(tell);
        assert!(thread.join().unwrap());
    }
}
