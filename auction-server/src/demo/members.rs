//! The accounts of the house, and a session for each.
//!
//! No password is theirs: what their accounts hold is no hash of any. Each start opens them a session and keeps its token
//! in memory alone.

use std::io;

use auction_core::{
    Caller, Command, Credential, Market, Name, NewSession, Registration, Role, Span, Timestamp,
    UserId,
};
use auction_proto::Token;

use super::program::Program;
use crate::committer::Committer;
use crate::config::Demo;
use crate::house;

/// How long a session of the house lasts; a demo that runs for longer stands still.
const SESSION_LIFETIME: Span = Span::from_secs(365 * 24 * 60 * 60);
/// What stands where others have the hash of their password: it is the hash of none.
const NO_PASSWORD: &[u8] = b"the house has no password";

/// Who plays, and by which program.
#[derive(Debug)]
pub struct House {
    /// Opens the lots.
    pub(super) auctioneer: Member,
    /// Bid on them, by number.
    pub(super) traders: Vec<Member>,
    /// Which lots are opened.
    pub(super) program: Program,
}

/// One of the house, and what it shows to go on with its session.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) user: UserId,
    pub(super) token: Token,
}

/// Why a market can have no demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDemo {
    /// It was begun without one.
    #[error(
        "the market there is a real one: it was begun without --demo, and a demo never touches it"
    )]
    RealMarket,
}

impl House {
    /// Makes the accounts that are not there yet, and opens a session for each of the house.
    ///
    /// # Errors
    /// When the journal fails: the process must end. Within: the market is no demo's, and nothing was done.
    ///
    /// # Panics
    /// When a market refuses what it takes from its operator; a full one of ten million users does.
    pub fn enter(
        committer: &mut Committer,
        now: Timestamp,
        demo: Demo,
        seed: u64,
    ) -> io::Result<Result<Self, NoDemo>> {
        if !is_for_demo(committer.engine().market()) {
            return Ok(Err(NoDemo::RealMarket));
        }
        let auctioneer = Member::enter(committer, now, house::auctioneer(), Role::Auctioneer);
        let traders = (0..demo.traders)
            .map(|number| Member::enter(committer, now, house::trader(number), Role::Trader));
        let traders = traders.collect();
        committer.commit()?;
        Ok(Ok(Self {
            auctioneer,
            traders,
            program: Program {
                seed,
                open_for: demo.open_for,
            },
        }))
    }
}

/// Whether a demo may play here: nobody has yet, or a demo has.
fn is_for_demo(market: &Market) -> bool {
    let is_new = market.users().is_empty() && market.lots().is_empty();
    is_new || house::is_demo(market)
}

impl Member {
    fn enter(committer: &mut Committer, now: Timestamp, name: Name, role: Role) -> Self {
        let known = committer.engine().market().user_named(name);
        let mut decide = |command| {
            let decided = committer.decide(now, Caller::Operator, command);
            decided.expect("the operator's command for the house is in order");
        };
        if known.is_none() {
            decide(Command::Register(Box::new(Registration {
                name,
                role,
                credential: Credential::new(NO_PASSWORD).expect("a short constant"),
            })));
        }
        let user = committer.engine().market().user_named(name);
        let user = user.expect("the account is there by now");
        // Those of the runs before: nobody has their tokens any more.
        let old = committer.engine().sessions().sessions_of(user).to_vec();
        let token = Token::new(rand::random());
        let new = NewSession {
            user,
            token_hash: token.hash(),
            expires_at: now.saturating_add(SESSION_LIFETIME),
        };
        let close = |session| Command::CloseSession { session };
        let commands = old.into_iter().map(close);
        for command in commands.chain([Command::OpenSession(Box::new(new))]) {
            let decided = committer.decide(now, Caller::Operator, command);
            decided.expect("the operator's command for the house is in order");
        }
        Self { user, token }
    }
}
