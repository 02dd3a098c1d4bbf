//! Threads whose work can wait: they are given the processor time that nobody else wants.
//!
//! Whoever waits for a bid waits for the sequencer and for the thread that serves connections. On a machine with few
//! processors each thread that reads behind the journal would take turns with them, a few milliseconds at a time.

use std::io;
use std::thread::{self, JoinHandle};

/// Starts a thread for what can wait. Where the system knows no such threads, it is one as any other.
///
/// # Errors
/// When the system has no thread to give.
pub fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let builder = thread::Builder::new().name(name.to_owned());
    builder.spawn(move || {
        lower_priority();
        work();
    })
}

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
