//! Records of a batch one by one, each encoded as a batch that contains only this record: the leaves of the journal's
//! tree, and the content of receipts.

use alloc::vec::Vec;

use super::decode::{Parts, decode_openings, decode_public_part};
use super::{LENGTH_BYTES, Opening, PublicRecord, RECORD_VERSION, RecordError};

/// One record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleRecord {
    /// Public part of the record.
    pub record: PublicRecord,
    /// Public bytes of a batch that contains only this record.
    pub public: Vec<u8>,
    /// Private bytes of a batch that contains only this record, if it has a private part.
    pub private: Option<Vec<u8>>,
}

/// Returns the public bytes of each record of a batch, each encoded as a batch of its own: the leaves of the
/// journal's tree.
///
/// # Errors
/// [`RecordError`] when the bytes are not a valid batch; the iterator ends after it.
pub fn leaves(public: &[u8]) -> impl Iterator<Item = Result<Vec<u8>, RecordError>> {
    Parts::new(public).map(|part| part.map(|(_, part)| alone(&[part])))
}

/// Returns the record of a batch with this sequence; `None` if the batch does not contain it.
///
/// # Errors
/// [`RecordError`] when the bytes are not a valid batch. The private part is not checked against its commitment.
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
