//! Threads whose work can wait: they get only processor time that is not needed otherwise.
//!
//! The latency of a bid depends on the sequencer and on the thread that serves connections. On a machine with few
//! processors each thread that reads the journal would take turns with them, a few milliseconds at a time.

use std::io;
use std::thread::{self, JoinHandle};

/// Starts a low-priority thread. On systems without such threads, it is a normal one.
///
/// # Errors
/// The system cannot start a thread.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.spawn(move || {
        lower_priority();
        work();
    })
}

/// Starts a thread of which someone waits for the result: it gives way to all others, and goes on at a small share while
/// they take the whole machine. On systems without such threads, it is a normal one.
///
/// # Errors
/// The system cannot start a thread.
pub fn spawn_awaited(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.spawn(move || {
        be_nice();
        work();
    })
}

/// Of a thread alone: on Linux, priorities are those of threads.
#[cfg(target_os = "linux")]
fn be_nice() {
    const NICEST: i32 = 19;
    let this = rustix::thread::gettid();
    if let Err(why) = rustix::process::setpriority_process(Some(this), NICEST) {
        tracing::debug!(%why, "a thread of passwords takes its turn as any other");
    }
}

#[cfg(not(target_os = "linux"))]
fn be_nice() {}

#[cfg(target_os = "linux")]
fn lower_priority() {
    use thread_priority::{
        NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
        set_thread_priority_and_policy, thread_native_id,
    };
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let set = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    if let Err(why) = set {
        tracing::debug!(
            ?why,
            "a thread of the background takes its turn as any other"
        );
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}
