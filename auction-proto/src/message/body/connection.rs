//! First and last messages of a connection, and those that show that it is alive.

use auction_core::{Digest, FeedSequence, MarketId, Term, Timestamp};

use crate::encoding::code::Code;
use crate::encoding::text::Text;
use crate::limits::{MESSAGE_BYTES_MAX, PROGRAM_BYTES_MAX};

fields! {
    /// The first message of a client, before any other. Answered by [`Welcome`], or by a refusal and the end.
    struct Hello = HELLO {
        /// The oldest version of the protocol that the client speaks.
        version_min: u16,
        /// The newest.
        version_max: u16,
        /// The client program, for the server's log: `name/version`.
        client: Text<PROGRAM_BYTES_MAX>,
    }

    /// Answers [`Hello`].
    struct Welcome = WELCOME {
        /// The version spoken from here on: the newest that both speak.
        version: u16,
        /// The market's identity. Another one than before: nothing that was known is of use.
        market: MarketId,
        /// Term of the market's leader: raised at each change of leader.
        term: Term,
        /// The server's time.
        time: Timestamp,
        /// The server program: `name/version`.
        server: Text<PROGRAM_BYTES_MAX>,
        /// The server sends something at least this often, in milliseconds. Silence of twice that: the
        /// connection is dead.
        heartbeat_ms: u32,
    }

    /// Asks for the time. It also shows that the client lives.
    struct Ping = PING {
        /// The client's time, given back as it is.
        client_time: Timestamp,
    }

    /// Answers [`Ping`].
    struct Pong = PONG {
        /// The time that the client named.
        client_time: Timestamp,
        /// The server's time when it answered.
        server_time: Timestamp,
    }

    /// A sign of life, and a check: at this place of the feed, every fold has this digest.
    struct Heartbeat = HEARTBEAT {
        /// The server's time.
        time: Timestamp,
        /// The place of the last public event.
        feed_sequence: FeedSequence,
        /// The digest of the public market there.
        digest: Digest,
    }

    /// The server's last message.
    struct Goodbye = GOODBYE {
        /// Reason why the connection ends.
        code: Code,
        /// The same for people.
        message: Text<MESSAGE_BYTES_MAX>,
    }
}
