//! The public records of a journal, one frame at a time: what projections and exports are made of.
//!
//! They hold no credential, reserve or hidden maximum, so that none can get into a file or a reply by mistake.

use auction_proto::{PublicRecord, decode_public_records};

use crate::journal::{FrameView, JournalError, VisitError};

/// Gives the public records of a frame to `take`, in order.
///
/// # Errors
/// [`JournalError::Refused`], naming file and byte, when the frame's bytes are not its records, or when
/// `take` cannot make sense of one.
pub fn visit(
    frame: &FrameView<'_>,
    mut take: impl FnMut(PublicRecord) -> Result<(), VisitError>,
) -> Result<(), JournalError> {
    let mut visit_all = || {
        let mut expected = frame.first;
        for record in decode_public_records(frame.public) {
            let record = record?;
            if record.sequence.0 != expected {
                let found = record.sequence;
                return Err(format!("record {found} stands where {expected} was expected").into());
            }
            expected += 1;
            take(record)?;
        }
        if expected == frame.last() + 1 {
            Ok(())
        } else {
            Err("records are missing".into())
        }
    };
    visit_all().map_err(|source| refused(frame, source))
}

/// What is wrong with the records of a frame, with the file and the byte of the frame.
#[must_use]
pub fn refused(frame: &FrameView<'_>, source: VisitError) -> JournalError {
    JournalError::Refused {
        file: frame.file.to_owned(),
        offset: frame.offset,
        first: frame.first,
        source,
    }
}
