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
use crate::config::Demo;
use crate::config::reserved_names;
use crate::market::group_commit::GroupCommit;

/// How long a session of the house lasts; a demo that runs for longer stands still.
const SESSION_LIFETIME: Span = Span::from_secs(365 * 24 * 60 * 60);
/// What stands where others have the hash of their password: it is the hash of none.
const NO_PASSWORD: &[u8] = b"the house has no password";

/// Who plays, and by which program.
#[derive(Debug)]
pub struct DemoAccounts {
    /// Opens the lots.
    pub(super) auctioneer: DemoAccount,
    /// Bid on them, by number.
    pub(super) traders: Vec<DemoAccount>,
    /// Which lots are opened.
    pub(super) program: Program,
}

/// One of the house, and what it shows to go on with its session.
#[derive(Debug)]
pub(super) struct DemoAccount {
    pub(super) user: UserId,
    pub(super) token: Token,
}

/// Why a market can have no demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DemoError {
    /// It was begun without one.
    #[error(
        "the market there is a real one: it was begun without --demo, and a demo never touches it"
    )]
    RealMarket,
}

impl DemoAccounts {
    /// Makes the accounts that are not there yet, and opens a session for each of the house.
    ///
    /// # Errors
    /// When the journal fails: the process must end. Within: the market is no demo's, and nothing was done.
    ///
    /// # Panics
    /// When a market refuses what it takes from its operator; a full one of ten million users does.
    pub fn enter(
        group_commit: &mut GroupCommit,
        now: Timestamp,
        demo: Demo,
        seed: u64,
    ) -> io::Result<Result<Self, DemoError>> {
        if !is_for_demo(group_commit.engine().market()) {
            return Ok(Err(DemoError::RealMarket));
        }
        let auctioneer = DemoAccount::enter(
            group_commit,
            now,
            reserved_names::auctioneer(),
            Role::Auctioneer,
        );
        let traders = (0..demo.traders).map(|number| {
            DemoAccount::enter(
                group_commit,
                now,
                reserved_names::trader(number),
                Role::Trader,
            )
        });
        let traders = traders.collect();
        group_commit.commit()?;
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
    is_new || reserved_names::is_demo(market)
}

impl DemoAccount {
    fn enter(group_commit: &mut GroupCommit, now: Timestamp, name: Name, role: Role) -> Self {
        let known = group_commit.engine().market().user_named(name);
        let mut decide = |command| {
            let decided = group_commit.decide(now, Caller::Operator, command);
            decided.expect("the operator's command for the house is in order");
        };
        if known.is_none() {
            decide(Command::Register(Box::new(Registration {
                name,
                role,
                credential: Credential::new(NO_PASSWORD).expect("a short constant"),
            })));
        }
        let user = group_commit.engine().market().user_named(name);
        let user = user.expect("the account is there by now");
        // Those of the runs before: nobody has their tokens any more.
        let old = group_commit.engine().roster().sessions_of(user).to_vec();
        let token = Token::new(rand::random());
        let new = NewSession {
            user,
            token_hash: token.hash(),
            expires_at: now.saturating_add(SESSION_LIFETIME),
        };
        let close = |session| Command::CloseSession { session };
        let commands = old.into_iter().map(close);
        for command in commands.chain([Command::OpenSession(Box::new(new))]) {
            let decided = group_commit.decide(now, Caller::Operator, command);
            decided.expect("the operator's command for the house is in order");
        }
        Self { user, token }
    }
}
