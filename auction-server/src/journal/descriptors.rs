//! What the journal does when there is no file descriptor to open a file with: it waits for one.
//!
//! Only opening a file fails so, before anything of it was read or written, so that another attempt does no harm. A
//! failed write or sync is never tried again: nothing is known of the bytes then.

use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;

/// Longest wait for a descriptor by an append that needs its next segment; then it fails.
pub const DESCRIPTOR_WAIT_MAX: Duration = Duration::from_secs(60);
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether an attempt failed because the process, or the system, has no file descriptor left.
#[must_use]
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE)
    )
}

/// Makes an attempt that opens a file, again while there is no descriptor for it and `goes_on` agrees; it is given how
/// long that has lasted.
pub(super) fn when_free<T>(
    path: &Path,
    goes_on: impl Fn(Duration) -> bool,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut since = None;
    loop {
        let error = match attempt() {
            Err(error) if is_out_of_descriptors(&error) => error,
            done => return done,
        };
        if since.is_none() {
            tracing::warn!(
                file = %path.display(),
                "{error}: the journal waits for a file descriptor; close other programs, or raise `ulimit -n`"
            );
        }
        let since = *since.get_or_insert_with(Instant::now);
        if !goes_on(since.elapsed()) {
            return Err(error);
        }
        thread::sleep(PAUSE);
    }
}

/// For an append, which waits itself.
pub(super) fn for_an_append(waited: Duration) -> bool {
    waited < DESCRIPTOR_WAIT_MAX
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn an_attempt_is_made_again_while_there_is_no_descriptor_and_no_longer_than_agreed() {
        let (path, attempts) = (Path::new("next.tmp"), Cell::new(0));
        let fails_with = |errno: Errno| {
            let attempts = &attempts;
            move || -> io::Result<()> {
                attempts.set(attempts.get() + 1);
                Err(errno.into())
            }
        };
        let agreed = |_| attempts.get() < 3;
        let error = when_free(path, agreed, fails_with(Errno::MFILE)).unwrap_err();
        assert!(is_out_of_descriptors(&error));
        assert_eq!(attempts.take(), 3);
        // Nothing is known of what a sync that failed has done.
        when_free(path, agreed, fails_with(Errno::IO)).unwrap_err();
        assert_eq!(attempts.get(), 1);
    }

    #[test]
    fn an_append_waits_up_to_its_limit() {
        assert!(for_an_append(DESCRIPTOR_WAIT_MAX - Duration::from_nanos(1)));
        assert!(!for_an_append(DESCRIPTOR_WAIT_MAX));
    }
}
