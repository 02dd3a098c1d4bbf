//! Messages.

use alloc::vec::Vec;

use auction_core::{AccountEvent, BidReply, Reply, StandingLead, StandingOrder};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::day::public_event;
use super::market::{depth, indicative, lot, opened_bid, own_order, stock, terms};
use super::peers;
use super::value::{
    account_mode, amount, asset, digest, feed_sequence, lot_id, market_id, maybe_price, name,
    number, order_id, price, profit, quantity, request_id, role, secret, security, session_id,
    side, small, span, symbol, term, text, timestamp, token, user_id,
};
use super::{activity, day, device, lots, signed};
use crate::encoding::code::Code;
use crate::encoding::list::List;
use crate::limits::SESSIONS_LISTED_MAX;
use crate::message::body::{
    Accepted, Account, AccountEntry, AccountFeed, Balance, Bid, BidMaximum, CancelLot, CancelOrder,
    ChangePassword, CloseLot, CloseSession, DeadManOf, Deposit, Done, ExtendLot, Feed, FeedEntry,
    FilteredFeed, Follows, GetBalance, GetHistory, GetLeastWinning, GetOrders, GetSnapshot,
    Goodbye, HaltLot, Heartbeat, Hello, History, HistoryBid, Indicative, LeastWinning,
    ListSessions, ListedHolding, ListedSession, LoggedIn, Login, Logout, OpenLot, Orders, Ping,
    PlaceOrder, Pong, PublishProfit, Refused, Register, ReinstateUser, ReplaceOrder, Resume,
    ResumeLot, ResumePoint, Resumed, Resync, ResyncBecause, Sessions, SetDeadMan, SnapshotPart,
    SnapshotUser, SuspendUser, Watch, WatchAccount, WatchSymbols, Welcome, Withdraw,
};
use crate::message::{ClientMessage, ServerMessage};

/// Maximum number of elements of an arbitrary list.
const ELEMENTS_MAX: usize = 4;

/// Any message of a client.
pub fn client_message() -> BoxedStrategy<ClientMessage> {
    prop_oneof![
        accounts(),
        commands(),
        questions(),
        signed::questions(),
        device::questions(),
        peers::questions(),
        activity::questions(),
        lots::questions(),
        day::questions()
    ]
    .boxed()
}

/// Any message of a server.
pub fn server_message() -> BoxedStrategy<ServerMessage> {
    prop_oneof![
        connection(),
        answers(),
        market(),
        signed::answers(),
        device::answers(),
        peers::answers(),
        activity::answers(),
        lots::answers(),
        day::answers()
    ]
    .boxed()
}

fn accounts() -> BoxedStrategy<ClientMessage> {
    prop_oneof![
        (any::<u16>(), any::<u16>(), text()).prop_map(|(version_min, version_max, client)| {
            Hello {
                version_min,
                version_max,
                client,
            }
            .into()
        }),
        (name(), secret()).prop_map(|(name, password)| Register { name, password }.into()),
        (name(), secret()).prop_map(|(name, password)| Login { name, password }.into()),
        token().prop_map(|token| Resume { token }.into()),
        Just(Logout {}.into()),
        Just(ListSessions {}.into()),
        session_id().prop_map(|session| CloseSession { session }.into()),
        (secret(), secret()).prop_map(|(old, new)| ChangePassword { old, new }.into()),
    ]
    .boxed()
}

fn commands() -> BoxedStrategy<ClientMessage> {
    let times = (option::of(timestamp()), timestamp());
    let open = (symbol(), quantity(), times, terms(), maybe_price());
    prop_oneof![
        (lot_id(), price()).prop_map(|(lot, price)| Bid { lot, price }.into()),
        (lot_id(), price()).prop_map(|(lot, maximum)| BidMaximum { lot, maximum }.into()),
        (symbol(), security(), profit()).prop_map(|(symbol, security, profit)| {
            PublishProfit {
                symbol,
                security,
                profit,
            }
            .into()
        }),
        open.prop_map(|(symbol, quantity, times, terms, reserve)| {
            let (opens_at, closes_at) = times;
            OpenLot {
                symbol,
                quantity,
                opens_at,
                closes_at,
                terms,
                reserve,
            }
            .into()
        }),
        (lot_id(), timestamp()).prop_map(|(lot, closes_at)| ExtendLot { lot, closes_at }.into()),
        about_lots(),
        orders(),
        (user_id(), asset()).prop_map(|(user, asset)| Deposit { user, asset }.into()),
        (user_id(), asset()).prop_map(|(user, asset)| Withdraw { user, asset }.into()),
    ]
    .boxed()
}

fn about_lots() -> BoxedStrategy<ClientMessage> {
    prop_oneof![
        lot_id().prop_map(|lot| CloseLot { lot }.into()),
        lot_id().prop_map(|lot| CancelLot { lot }.into()),
        lot_id().prop_map(|lot| HaltLot { lot }.into()),
        lot_id().prop_map(|lot| ResumeLot { lot }.into()),
        user_id().prop_map(|user| SuspendUser { user }.into()),
        user_id().prop_map(|user| ReinstateUser { user }.into()),
    ]
    .boxed()
}

fn orders() -> BoxedStrategy<ClientMessage> {
    let placed = (lot_id(), side(), quantity(), maybe_price());
    let replaced = (lot_id(), order_id(), quantity(), maybe_price());
    prop_oneof![
        placed.prop_map(|(lot, side, quantity, limit)| {
            PlaceOrder {
                lot,
                side,
                quantity,
                limit,
            }
            .into()
        }),
        replaced.prop_map(|(lot, order, quantity, limit)| {
            ReplaceOrder {
                lot,
                order,
                quantity,
                limit,
            }
            .into()
        }),
        (lot_id(), order_id()).prop_map(|(lot, order)| CancelOrder { lot, order }.into()),
    ]
    .boxed()
}

fn questions() -> BoxedStrategy<ClientMessage> {
    let resume = (market_id(), feed_sequence()).prop_map(|(market, feed_sequence)| ResumePoint {
        market,
        feed_sequence,
    });
    let resume = option::of(resume);
    let symbols = vec(symbol(), 0..=ELEMENTS_MAX);
    prop_oneof![
        resume.clone().prop_map(|resume| Watch { resume }.into()),
        (symbols, resume).prop_map(|(symbols, resume)| {
            let symbols = list(symbols);
            WatchSymbols { symbols, resume }.into()
        }),
        Just(GetSnapshot {}.into()),
        (lot_id(), small()).prop_map(|(lot, limit)| GetHistory { lot, limit }.into()),
        lot_id().prop_map(|lot| GetLeastWinning { lot }.into()),
        Just(WatchAccount {}.into()),
        option::of(span()).prop_map(|grace| SetDeadMan { grace }.into()),
        (option::of(user_id()), option::of(symbol())).prop_map(|(user, after)| GetBalance {
            user,
            after
        }
        .into()),
        lot_id().prop_map(|lot| GetOrders { lot }.into()),
        timestamp().prop_map(|client_time| Ping { client_time }.into()),
    ]
    .boxed()
}

fn connection() -> BoxedStrategy<ServerMessage> {
    let welcome = (
        any::<u16>(),
        market_id(),
        term(),
        timestamp(),
        text(),
        small(),
    );
    prop_oneof![
        welcome.prop_map(|(version, market, term, time, server, heartbeat_ms)| {
            Welcome {
                version,
                market,
                term,
                time,
                server,
                heartbeat_ms,
            }
            .into()
        }),
        (timestamp(), feed_sequence(), digest()).prop_map(|(time, feed_sequence, digest)| {
            Heartbeat {
                time,
                feed_sequence,
                digest,
            }
            .into()
        }),
        (timestamp(), timestamp()).prop_map(|(client_time, server_time)| {
            Pong {
                client_time,
                server_time,
            }
            .into()
        }),
        (code(), text()).prop_map(|(code, message)| Goodbye { code, message }.into()),
    ]
    .boxed()
}

fn answers() -> BoxedStrategy<ServerMessage> {
    let done = select(&[Done::Now, Done::Before][..]);
    let logged_in = (session_id(), option::of(token()), user_id(), name(), role());
    prop_oneof![
        refused().prop_map(Into::into),
        (feed_sequence(), done, reply()).prop_map(|(feed_sequence, done, reply)| {
            Accepted {
                feed_sequence,
                done,
                reply,
            }
            .into()
        }),
        balance().prop_map(Into::into),
        (lot_id(), least_winning()).prop_map(|(lot, least)| LeastWinning { lot, least }.into()),
        account(),
        vec(account_entry(), 0..=ELEMENTS_MAX).prop_map(|entries| {
            let entries = list(entries);
            AccountFeed { entries }.into()
        }),
        (lot_id(), vec(own_order(), 0..=ELEMENTS_MAX)).prop_map(|(lot, orders)| {
            Orders {
                lot,
                orders: list(orders),
            }
            .into()
        }),
        (logged_in, request_id(), timestamp()).prop_map(|(logged_in, last_request, expires_at)| {
            let (session, token, user, name, role) = logged_in;
            LoggedIn {
                session,
                token,
                user,
                name,
                role,
                last_request,
                expires_at,
            }
            .into()
        }),
        vec(listed_session(), 0..=SESSIONS_LISTED_MAX).prop_map(|sessions| {
            Sessions {
                sessions: list(sessions),
            }
            .into()
        }),
        history().prop_map(ServerMessage::from),
    ]
    .boxed()
}

fn market() -> BoxedStrategy<ServerMessage> {
    let follows = day::follows();
    let place = (market_id(), small(), follows, feed_sequence(), timestamp());
    let place = (place, account_mode());
    let users = vec(snapshot_user(), 0..=ELEMENTS_MAX);
    let stocks = vec(stock(), 0..=ELEMENTS_MAX);
    let lots = vec(lot(), 0..=ELEMENTS_MAX);
    let entry = (timestamp(), public_event()).prop_map(|(at, event)| FeedEntry { at, event });
    let feed = (market_id(), term(), feed_sequence(), feed_sequence());
    let because = select(
        &[
            ResyncBecause::TooSlow,
            ResyncBecause::TooLongAgo,
            ResyncBecause::UnknownPlace,
            ResyncBecause::JournalLost,
        ][..],
    );
    let entries = vec(entry, 0..=ELEMENTS_MAX);
    prop_oneof![
        (place, users, stocks, lots).prop_map(|(place, users, stocks, lots)| {
            let ((market, index, follows, feed_sequence, at), accounts) = place;
            SnapshotPart {
                market,
                index,
                follows,
                feed_sequence,
                at,
                accounts,
                users: list(users),
                stocks: list(stocks),
                lots: list(lots),
            }
            .into()
        }),
        feed_sequence().prop_map(|feed_sequence| Resumed { feed_sequence }.into()),
        (feed.clone(), entries.clone()).prop_map(|(feed, entries)| {
            let (market, term, after, through) = feed;
            Feed {
                market,
                term,
                after,
                through,
                entries: list(entries),
            }
            .into()
        }),
        (feed, entries).prop_map(|(feed, entries)| {
            let (market, term, after, through) = feed;
            FilteredFeed {
                market,
                term,
                after,
                through,
                entries: list(entries),
            }
            .into()
        }),
        because.prop_map(|because| Resync { because }.into()),
        (lot_id(), timestamp(), indicative(), option::of(depth())).prop_map(
            |(lot, at, indicative, depth)| {
                Indicative {
                    lot,
                    at,
                    indicative,
                    depth,
                }
                .into()
            }
        ),
    ]
    .boxed()
}

fn refused() -> BoxedStrategy<Refused> {
    let at = option::of(timestamp());
    let number = option::of(number(u64::MAX));
    let stock = (option::of(symbol()), option::of(security()));
    let cash = (option::of(amount()), option::of(amount()));
    (code(), text(), maybe_price(), at, number, (stock, cash))
        .prop_map(
            |(code, message, price, at, number, ((symbol, security), (needed, available)))| {
                Refused {
                    code,
                    message,
                    price,
                    at,
                    number,
                    symbol,
                    security,
                    needed,
                    available,
                }
            },
        )
        .boxed()
}

fn code() -> BoxedStrategy<Code> {
    prop_oneof![4 => select(Code::ALL), 1 => any::<u16>().prop_map(Code)].boxed()
}

fn reply() -> BoxedStrategy<Reply> {
    let extended_to = option::of(timestamp());
    let bid = (
        lot_id(),
        any::<bool>(),
        maybe_price(),
        extended_to,
        any::<bool>(),
    );
    prop_oneof![
        1 => Just(Reply::Done),
        // It has forms of its own.
        4 => day::reply(),
        1 => user_id().prop_map(Reply::Registered),
        1 => session_id().prop_map(Reply::SessionOpened),
        1 => lot_id().prop_map(Reply::LotOpened),
        1 => order_id().prop_map(Reply::OrderPlaced),
        1 => bid.prop_map(|(lot, leads, price, extended_to, bought)| {
            Reply::Bid(BidReply {
                lot,
                leads,
                price,
                extended_to,
                bought,
            })
        }),
    ]
    .boxed()
}

fn account() -> BoxedStrategy<ServerMessage> {
    let dead_man = (session_id(), span()).prop_map(|(session, grace)| DeadManOf { session, grace });
    let parts = (
        vec(dead_man, 0..=ELEMENTS_MAX),
        vec(standing_lead(), 0..=ELEMENTS_MAX),
        vec(standing_order(), 0..=ELEMENTS_MAX),
    );
    (any::<u32>(), any::<bool>(), parts)
        .prop_map(|(index, more, (dead_men, leads, orders))| {
            let follows = if more {
                Follows::More
            } else {
                Follows::Nothing
            };
            Account {
                index,
                follows,
                dead_men: list(dead_men),
                leads: list(leads),
                orders: list(orders),
            }
            .into()
        })
        .boxed()
}

fn standing_lead() -> BoxedStrategy<StandingLead> {
    (lot_id(), price())
        .prop_map(|(lot, offer)| StandingLead { lot, offer })
        .boxed()
}

fn standing_order() -> BoxedStrategy<StandingOrder> {
    (lot_id(), order_id(), side(), quantity(), maybe_price())
        .prop_map(|(lot, order, side, quantity, limit)| StandingOrder {
            lot,
            order,
            side,
            quantity,
            limit,
        })
        .boxed()
}

fn account_entry() -> BoxedStrategy<AccountEntry> {
    (
        timestamp(),
        prop_oneof![of_lots(), of_sessions(), day::account_event()],
    )
        .prop_map(|(at, event)| AccountEntry { at, event })
        .boxed()
}

fn of_lots() -> BoxedStrategy<AccountEvent> {
    let order = || (lot_id(), order_id());
    let filled = (order(), any::<u64>(), maybe_price());
    prop_oneof![
        standing_order().prop_map(AccountEvent::OrderPlaced),
        (order(), quantity(), maybe_price()).prop_map(|((lot, order), quantity, limit)| {
            AccountEvent::OrderReplaced {
                lot,
                order,
                quantity,
                limit,
            }
        }),
        order().prop_map(|(lot, order)| AccountEvent::OrderCancelled { lot, order }),
        standing_lead().prop_map(AccountEvent::Leads),
        (lot_id(), price()).prop_map(|(lot, price)| AccountEvent::Outbid { lot, price }),
        filled.prop_map(|((lot, order), filled, pays)| AccountEvent::OrderFilled {
            lot,
            order,
            filled,
            pays,
        }),
        order().prop_map(|(lot, order)| AccountEvent::OrderLapsed { lot, order }),
        (lot_id(), price()).prop_map(|(lot, price)| AccountEvent::Won { lot, price }),
        lot_id().prop_map(|lot| AccountEvent::Unsold { lot }),
    ]
    .boxed()
}

fn of_sessions() -> BoxedStrategy<AccountEvent> {
    prop_oneof![
        (session_id(), option::of(span()))
            .prop_map(|(session, grace)| AccountEvent::DeadManSet { session, grace }),
        session_id().prop_map(|session| AccountEvent::DeadManFired { session }),
        session_id().prop_map(|session| AccountEvent::SessionOpened { session }),
        session_id().prop_map(|session| AccountEvent::SessionClosed { session }),
        Just(AccountEvent::Suspended),
        Just(AccountEvent::Reinstated),
        asset().prop_map(|asset| AccountEvent::Deposited { asset }),
        asset().prop_map(|asset| AccountEvent::Withdrawn { asset }),
    ]
    .boxed()
}

fn least_winning() -> BoxedStrategy<auction_core::WinningThreshold> {
    prop_oneof![
        price().prop_map(auction_core::WinningThreshold::Bid),
        price().prop_map(auction_core::WinningThreshold::AtLeast),
        Just(auction_core::WinningThreshold::Nothing),
    ]
    .boxed()
}

fn balance() -> BoxedStrategy<Balance> {
    let shares = || number(u64::MAX);
    let holding =
        (symbol(), shares(), shares()).prop_map(|(symbol, shares, reserved)| ListedHolding {
            symbol,
            shares,
            reserved,
        });
    let holdings = vec(holding, 0..=ELEMENTS_MAX);
    let follows = day::follows();
    (user_id(), amount(), amount(), holdings, follows)
        .prop_map(|(user, cash, reserved, holdings, follows)| Balance {
            user,
            cash,
            reserved,
            holdings: list(holdings),
            follows,
        })
        .boxed()
}

fn listed_session() -> BoxedStrategy<ListedSession> {
    (session_id(), timestamp(), timestamp(), any::<bool>())
        .prop_map(|(session, opened_at, expires_at, current)| ListedSession {
            session,
            opened_at,
            expires_at,
            current,
        })
        .boxed()
}

fn history() -> BoxedStrategy<History> {
    let bids = vec(history_bid(), 0..=ELEMENTS_MAX);
    let opened = vec(opened_bid(), 0..=ELEMENTS_MAX);
    (lot_id(), small(), bids, opened)
        .prop_map(|(lot, total, bids, opened)| History {
            lot,
            total,
            bids: list(bids),
            opened: list(opened),
        })
        .boxed()
}

fn history_bid() -> BoxedStrategy<HistoryBid> {
    let place = (feed_sequence(), timestamp());
    (place, user_id(), maybe_price(), price(), user_id())
        .prop_map(
            |((feed_sequence, at), bidder, amount, price, leader)| HistoryBid {
                feed_sequence,
                at,
                bidder,
                amount,
                price,
                leader,
            },
        )
        .boxed()
}

fn snapshot_user() -> BoxedStrategy<SnapshotUser> {
    (user_id(), name(), role())
        .prop_map(|(user, name, role)| SnapshotUser { user, name, role })
        .boxed()
}

fn list<T, const MAX: usize>(elements: Vec<T>) -> List<T, MAX> {
    List::new(elements).expect("within every list's limit")
}
