//! The way into the hub: a queue whose reader is woken by itself, so that the sequencer hands over what is durable,
//! tells those who wait, and only then gives a processor to the hub.

use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread::Thread;

/// Where messages go in. The hub ends when it is dropped.
#[derive(Debug)]
pub(super) struct HubQueue<M> {
    /// `None` once it is being dropped.
    queue: Option<SyncSender<M>>,
    hub: Thread,
}

impl<M> HubQueue<M> {
    pub(super) fn new(queue: SyncSender<M>, hub: Thread) -> Self {
        let queue = Some(queue);
        Self { queue, hub }
    }

    /// Puts a message in, and wakes nobody. When there is no room it wakes the hub, and waits.
    pub(super) fn put(&self, message: M) {
        let Some(queue) = &self.queue else { return };
        // Without a hub nobody watches.
        if let Err(TrySendError::Full(message)) = queue.try_send(message) {
            self.wake();
            let _ = queue.send(message);
        }
    }

    /// Puts a message in and wakes the hub.
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
        // It sees that nobody is left only when it looks.
        self.queue = None;
        self.wake();
    }
}
