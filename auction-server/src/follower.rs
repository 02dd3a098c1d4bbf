//! stub
use crate::folder::DataFolder;
use crate::journal::Disk;
use auction_core::LotId;
use auction_proto::History;
use std::sync::Arc;
use std::thread::JoinHandle;
/// stub
pub struct Follower;
/// stub
#[derive(Clone)]
pub struct Histories;
impl Histories {
    /// stub
    pub async fn of(&self, _lot: LotId, _limit: usize) -> Result<Option<History>, ()> {
        Err(())
    }
}
impl Follower {
    /// stub
    pub fn start(
        _disk: Arc<dyn Disk>,
        _data: &DataFolder,
        _durable: tokio::sync::watch::Receiver<u64>,
    ) -> std::io::Result<(JoinHandle<()>, Histories)> {
        Ok((std::thread::spawn(|| {}), Histories))
    }
}
