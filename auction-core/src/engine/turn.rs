//! A turn: decides what is due first, then commands.

use super::{Engine, Executed};
use crate::Timestamp;
use crate::model::command::{Caller, Command};
use crate::model::record::{Record, Reply};
use crate::model::reject::Reject;

/// The decisions of one point in time, made by [`Engine::turn`]. Appends every record to the given journal.
#[derive(Debug)]
pub struct Turn<'a, S, J> {
    engine: &'a mut Engine,
    now: Timestamp,
    seed: S,
    journal: &'a mut J,
}

impl Engine {
    /// Begins a turn: [decides what is due](Self::advance) at `now`, and then accepts commands. So no deadline can be
    /// forgotten, and a lot closes with the time at which it was due. The records are appended to `journal` in their
    /// order: make them durable before you show them to anyone.
    ///
    /// `seed` returns 32 new unpredictable random bytes on each call, for example `rand::random`.
    ///
    /// ```
    /// use auction_core::manual::opening::market;
    /// use auction_core::{Caller, Command, LotId, Price, Timestamp, UserId};
    ///
    /// let mut engine = market(); // lot 1 closes after 300 s
    /// let mut journal = Vec::new();
    /// let late = Timestamp::from_secs(5_000);
    /// let mut turn = engine.turn(late, || [7; 32], &mut journal);
    /// let bid = Command::Bid { lot: LotId(1), price: Price::parse("1.40")? };
    /// assert!(turn.execute(Caller::User(UserId(1)), bid).is_err()); // it has closed
    /// assert_eq!(journal[0].at, Timestamp::from_secs(300));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn turn<'a, S, J>(
        &'a mut self,
        now: Timestamp,
        seed: S,
        journal: &'a mut J,
    ) -> Turn<'a, S, J>
    where
        S: FnMut() -> [u8; 32],
        J: Extend<Record>,
    {
        // If the clock went back, use the time of the last record.
        let now = now.max(self.at);
        let mut turn = Turn {
            engine: self,
            now,
            seed,
            journal,
        };
        turn.decide_due();
        turn
    }
}

impl<S: FnMut() -> [u8; 32], J: Extend<Record>> Turn<'_, S, J> {
    /// Decides a command, and applies the decision. Returns the reply for the caller, to be sent once the journal is
    /// durable.
    ///
    /// # Errors
    /// [`Reject`] gives the reason why the command is refused. Nothing has changed then.
    pub fn execute(
        &mut self,
        caller: Caller,
        command: impl Into<Command>,
    ) -> Result<Reply, Reject> {
        // A command before this one can have made something due, such as the draw of a random end.
        self.decide_due();
        let executed = self.engine.execute(self.now, caller, command.into())?;
        let reply = executed.reply();
        if let Executed::Decided(record) = executed {
            self.journal.extend([record]);
        }
        Ok(reply)
    }

    /// Returns the engine after all decisions so far.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        self.engine
    }

    fn decide_due(&mut self) {
        while let Some(record) = self.engine.advance(self.now, &mut self.seed) {
            self.journal.extend([record]);
        }
    }
}
