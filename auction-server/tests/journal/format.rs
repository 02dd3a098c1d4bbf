//! The bytes on disk, held for ever. They were computed by another program, from the description in the
//! module's docs alone.

use std::fs;
use std::sync::Arc;

use auction_server::testing::journal::{Batch, Disk, Log, RealDisk, SnapshotStore};
use tempfile::tempdir;

use crate::workload::open;

const KEY: &str = "415543544b45590a0100000000000000303132333435363738396162636465667c6558f2a1e142d6\
     a6d55dfaa5ba378b";
const SEGMENT_HEADER: &str = "415543545345470a010000000000000061206d61726b657420666f7220796f750700000000000000\
     01000000000000000020000000000000ef6d9a756c17c5231b3f2bb194f46d77d6f6d5b001d2e2b1\
     65443836b42e82915594cba22c91a959fd3cc229a05f2952";
const FRAME: &str = "700000000200000001000000000000000b000000060000004921d89c4654e8af104dad77ee9d17f9\
     f94acb9e8993fd9ba5e9438bffe906540a19b7ab3811c9914cae87d0ae7d30660884dfc667353af3\
     b71f857a0134eeae74776f207265636f72647373656372657400000000000000";
const SNAPSHOT: &str = "41554354534e500a010000000000000061206d61726b657420666f7220796f750200000000000000\
     4921d89c4654e8af104dad77ee9d17f9f94acb9e8993fd9ba5e9438bffe906540900000000000000\
     c51295bf5bf0e9c965f082fab61c3bb58d6dd7d7291dad501b82934743b6726e7468652073746174\
     65";

#[test]
fn the_bytes_on_disk_are_what_the_docs_say() {
    let dir = tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(RealDisk);
    let (mut journal, ..) = open(&disk, dir.path(), None).unwrap();
    let batch = Batch {
        first: 1,
        count: 2,
        public: b"two records",
        private: b"secret",
    };
    journal.append(&batch).unwrap();
    SnapshotStore::new(disk, dir.path())
        .save(journal.position(), b"the state")
        .unwrap();

    let read = |name: &str| fs::read(dir.path().join(name)).unwrap();
    assert_eq!(hex(&read("journal.key")), KEY);
    let segment = read("00000000000000000001.seg");
    assert_eq!(segment.len(), 8192);
    assert_eq!(hex(&segment[..104]), SEGMENT_HEADER);
    assert_eq!(hex(&segment[4096..4208]), FRAME);
    let gaps = [&segment[104..4096], &segment[4208..]].concat();
    assert!(gaps.iter().all(|&byte| byte == 0));
    assert_eq!(hex(&read("00000000000000000002.snap")), SNAPSHOT);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
