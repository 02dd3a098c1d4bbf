//! Programs that are started here, watched, and ended by their own number.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a program may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long it may take to end when it is asked to; then it is killed.
const END_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How many characters of what a program said are shown when it fails.
const SHOWN_MAX: usize = 2_000;

/// A program that runs. Asked to end when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    said: PathBuf,
}

impl Program {
    /// Starts it; what it says goes to a file in `folder`.
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

    /// Ends it without a warning.
    pub fn kill(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// Waits until `ready` gives something of what the program has said so far.
    ///
    /// # Errors
    /// When it ends before, or takes too long.
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
            // It may have ended already.
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

/// A program by name: in the path, or in one of these folders.
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

/// A port of this machine that is free at this moment.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The address of a port of this machine.
pub fn here(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Connects to someone who may not listen yet.
pub fn connect_when_ready(program: &mut Program, port: u16) -> io::Result<TcpStream> {
    program.wait_for(|_| TcpStream::connect(here(port)).ok())
}

/// The time that a process and those it has begun have had on processors.
pub fn processor_time(pid: u32) -> io::Result<Duration> {
    let mut total = time_of(pid)?;
    for task in fs::read_dir("/proc")?.flatten() {
        let number = task.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(number) = number
            && parent_of(number) == Some(pid)
        {
            // It may have ended since.
            total += time_of(number).unwrap_or_default();
        }
    }
    Ok(total)
}

/// What a process has used and its children that have ended, in ticks of a hundredth of a second.
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
    // The name stands in brackets and may hold anything.
    let (_, fields) = text.rsplit_once(')').unwrap_or_default();
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

/// What a thread has done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Worked {
    /// Its time on processors.
    pub time: Duration,
    /// What it has written to files.
    pub bytes: u64,
}

/// What the threads of this name in a process have done; nothing when there is none.
pub fn worked(pid: u32, thread: &str) -> io::Result<Worked> {
    let mut all = Worked::default();
    for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        if read("comm").trim() != thread {
            continue;
        }
        // The first number of its line in the scheduler's statistics: nanoseconds.
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

/// A command's program and flags, as one would type them, with the last name of each path: the rest is this machine's.
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
            // Its name is set when it begins to run.
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
