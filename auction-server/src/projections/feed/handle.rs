//! The queue into the hub. A message does not wake its reader, so that the sequencer can publish durable events, send
//! its replies, and only then give a processor to the hub.

use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread::Thread;

/// Sender of the queue. The hub ends when it is dropped.
#[derive(Debug)]
pub(super) struct HubQueue<M> {
    /// `None` during the drop.
    queue: Option<SyncSender<M>>,
    hub: Thread,
}

impl<M> HubQueue<M> {
    pub(super) fn new(queue: SyncSender<M>, hub: Thread) -> Self {
        let queue = Some(queue);
        Self { queue, hub }
    }

    /// Adds a message without waking the hub. When the queue is full it wakes the hub, and waits.
    pub(super) fn put(&self, message: M) {
        let Some(queue) = &self.queue else { return };
        // If the hub has ended, nobody watches.
        if let Err(TrySendError::Full(message)) = queue.try_send(message) {
            self.wake();
            let _ = queue.send(message);
        }
    }

    /// Adds a message and wakes the hub.
    pub(super) fn send(&self, message: M) -> Result<(), TrySendError<M>> {
        match &self.queue {
            Some(queue) => queue.try_send(message)?,
            None => return Err(TrySendError::Disconnected(message)),
        }
        self.wake();
        Ok(())
    }

    pub(super) fn wake(&self) {
        self.hub.unpark();
    }
}

impl<M> Drop for HubQueue<M> {
    fn drop(&mut self) {
        // The hub notices the closed queue only when it wakes.
        self.queue = None;
        self.wake();
    }
}
