//! The records of a batch one by one, each as the bytes of a batch of it alone: the leaves of the journal's tree, and
//! what receipts hold.

use alloc::vec::Vec;

use super::decode::{Parts, decode_openings, decode_public_part};
use super::{LENGTH_BYTES, Opening, PublicRecord, RECORD_VERSION, RecordError};

/// One record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleRecord {
    /// What everyone may see of it.
    pub record: PublicRecord,
    /// The public bytes of a batch of it alone.
    pub public: Vec<u8>,
    /// The private bytes of a batch of it alone, when it has a private part.
    pub private: Option<Vec<u8>>,
}

/// The public bytes of each record of a batch, as a batch of it alone: the leaves of the journal's tree.
///
/// # Errors
/// [`RecordError`] when the bytes are not those of a batch; nothing comes after it.
pub fn leaves(public: &[u8]) -> impl Iterator<Item = Result<Vec<u8>, RecordError>> {
    Parts::new(public).map(|part| part.map(|(_, part)| alone(&[part])))
}

/// The record of a batch that stands at a sequence; `None`: it is not there.
///
/// # Errors
/// [`RecordError`] when the bytes are not those of a batch. The private part is not compared with its commitment.
pub fn single_record(
    public: &[u8],
    private: &[u8],
    sequence: auction_core::Sequence,
) -> Result<Option<SingleRecord>, RecordError> {
    let mut openings = decode_openings(private);
    for part in Parts::new(public) {
        let (offset, part) = part?;
        let record = decode_public_part(part).ok_or(RecordError::Malformed { offset })?;
        let opening = match record.commitment {
            None => None,
            Some(_) => openings.next().transpose()?,
        };
        if record.sequence == sequence {
            return Ok(Some(SingleRecord {
                record,
                public: alone(&[part]),
                private: opening.map(|Opening { salt, part }| alone(&[salt, part])),
            }));
        }
    }
    Ok(None)
}

fn alone(parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(1 + LENGTH_BYTES + length);
    bytes.push(RECORD_VERSION);
    let length = u32::try_from(length).expect("a part's length was read from its field");
    bytes.extend_from_slice(&length.to_le_bytes());
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}
