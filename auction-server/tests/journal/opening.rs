//! Making, closing, opening, locking.

use std::sync::Arc;

use auction_server::journal::{Chain, Disk, Reader, RealDisk, TailState};
use tempfile::tempdir;

use crate::workload::{append, drain, open, options};

fn real() -> Arc<dyn Disk> {
    Arc::new(RealDisk)
}

#[test]
fn what_was_appended_is_there_again_in_order() {
    let dir = tempdir().unwrap();
    let (mut journal, recovery, frames) = open(&real(), dir.path(), None).unwrap();
    assert!(recovery.created && frames.is_empty());
    assert_eq!(recovery.chain, Chain::genesis(&options().new.market));
    let mut appended = append(&mut journal, 100, 0);
    drop(journal);

    let (mut journal, recovery, frames) = open(&real(), dir.path(), None).unwrap();
    assert_eq!(frames, appended);
    assert!(!recovery.created);
    assert_eq!((recovery.market, recovery.term), (options().new.market, 7));
    assert_eq!(recovery.last_sequence, appended.last().unwrap().last());
    appended.extend(append(&mut journal, 100, 0));
    let position = journal.position();
    drop(journal);

    let mut reader = Reader::open(real(), dir.path()).unwrap();
    assert_eq!(drain(&mut reader).unwrap(), appended);
    assert_eq!(reader.position(), Some(position));
    assert_eq!(reader.tail_state().unwrap(), TailState::Clean);
}
