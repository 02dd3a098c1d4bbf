//! The worked cases of accounts, as tables: commands in a market with funds, their results, and the accounts after
//! them. The rules are on the manual's page of accounts: a bid reserves its greatest cost, an order to sell the shares
//! it can deliver; outbidding, cancelling and closing release it; the close moves exactly what was traded.

use auction_core::{
    AccountMode, Amount, Asset, BookShown, CallTerms, Collar, Command, DutchTerms, EnglishTerms,
    LotId, MarginalPriority, OrderId, Price, Reject, SealedPricing, SealedTerms, Side, Span,
    Symbol, Terms, UniformPricing, UniformTerms, UserId,
};

use crate::house::{A, B, C, D, House, open, price, quantity};

/// Plays a table of rows such as `A bid 60 | ok | A 100/60 0/0`: command, result, and accounts after it, as
/// cash/reserved cash and shares/reserved shares. After every row nothing is created or lost. The lots are of one stock
/// with a base price of 10.
fn plays(lots: &[(u64, Option<&str>, Terms)], table: &str) {
    let mut house = House::new("10");
    let mode = AccountMode::Funds;
    house.operate(0, Command::SetAccounts { mode }).unwrap();
    for (shares, reserve, terms) in lots {
        house.open(open(*shares, *reserve, terms.clone())).unwrap();
    }
    for row in table.trim().lines() {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [what, result, accounts] = cells[..] else {
            panic!("three cells are expected: {row}")
        };
        assert_eq!(act(&mut house, what), result, "{row}");
        for account in accounts.split(',').filter(|account| !account.is_empty()) {
            let [who, cash, shares] = words(account)[..] else {
                panic!("a name, cash and shares are expected: {row}")
            };
            let balance = house.engine.balance(user(who)).unwrap();
            let holding = balance.holding(symbol());
            let units = |text: &str| Amount::parse(text).unwrap().units();
            let (all, reserved) = cash.split_once('/').unwrap();
            let found = (balance.cash().units(), balance.reserved().units());
            assert_eq!(found, (units(all), units(reserved)), "{row}");
            let found = format!("{}/{}", holding.shares, holding.reserved);
            assert_eq!(found, shares, "{row}");
        }
        is_conserved(&house, row);
    }
    house.holds_on_replay();
}

/// Performs the first cell of a row, and returns its result in a word.
fn act(house: &mut House, what: &str) -> String {
    let words = words(what);
    let (lot, words) = match words[..] {
        [who, "on", lot, ..] => (LotId(lot.parse().unwrap()), [&[who], &words[3..]].concat()),
        _ => (LotId(1), words),
    };
    let limit = |text: &str| (text != "any").then(|| price(text));
    let shares = |text: &str| quantity(text.parse().unwrap());
    let order = |text: &str| OrderId(text.parse().unwrap());
    let place = |side, many, at| Command::PlaceOrder {
        lot,
        side,
        quantity: shares(many),
        limit: limit(at),
    };
    let (who, command) = match words[..] {
        ["house", "closes"] => (None, Command::CloseLot { lot }),
        ["house", "suspends", who] => (None, Command::SuspendUser { user: user(who) }),
        ["house", "halts"] => (None, Command::HaltLot { lot }),
        [who, "gets", what] => {
            let (user, asset) = (user(who), asset(what));
            (None, Command::Deposit { user, asset })
        }
        [who, "draws", what] => {
            let (user, asset) = (user(who), asset(what));
            (None, Command::Withdraw { user, asset })
        }
        [who, "bid", at] => (
            Some(user(who)),
            Command::Bid {
                lot,
                price: price(at),
            },
        ),
        [who, "max", at] => (
            Some(user(who)),
            Command::BidMaximum {
                lot,
                maximum: price(at),
            },
        ),
        [who, "buy", many, at] => (Some(user(who)), place(Side::Buy, many, at)),
        [who, "sell", many, at] => (Some(user(who)), place(Side::Sell, many, at)),
        [who, "replace", number, many, at] => (
            Some(user(who)),
            Command::ReplaceOrder {
                lot,
                order: order(number),
                quantity: shares(many),
                limit: limit(at),
            },
        ),
        [who, "cancel", number] => (
            Some(user(who)),
            Command::CancelOrder {
                lot,
                order: order(number),
            },
        ),
        _ => panic!("nobody does {what:?}"),
    };
    let done = match who {
        None => house.operate(1, command),
        Some(user) => house.user(1, user, command),
    };
    match done {
        Ok(_) => "ok".to_owned(),
        Err(Reject::InsufficientFunds { needed, available }) => {
            format!("short: {needed} of {available}")
        }
        Err(Reject::InsufficientShares {
            needed, available, ..
        }) => format!("lacks: {needed} of {available}"),
        Err(other) => other.to_string(),
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn user(name: &str) -> UserId {
    match name {
        "A" => A,
        "B" => B,
        "C" => C,
        "D" => D,
        _ => panic!("{name} is nobody"),
    }
}

fn symbol() -> Symbol {
    Symbol::parse("AAPL").unwrap()
}

/// Parses `100.50`, or `5shares`.
fn asset(text: &str) -> Asset {
    match text.strip_suffix("shares") {
        Some(shares) => Asset::Shares {
            symbol: symbol(),
            quantity: quantity(shares.parse().unwrap()),
        },
        None => Asset::Cash(Amount::parse(text).unwrap()),
    }
}

/// Checks that all cash is deposits less withdrawals, that all shares are that plus what lots sold, and that nobody is
/// overdrawn.
fn is_conserved(house: &House, row: &str) {
    assert_eq!(house.engine.audit(), Ok(()), "{row}");
    let (mut cash, mut shares) = (0, 0);
    for record in &house.records {
        let (sign, asset) = match record.command {
            Command::Deposit { asset, .. } => (1, asset),
            Command::Withdraw { asset, .. } => (-1, asset),
            _ => continue,
        };
        match asset {
            Asset::Cash(amount) => cash += sign * i128::from(amount.units()),
            Asset::Shares { quantity, .. } => shares += sign * i128::from(quantity.get()),
        }
    }
    let house_of = house.engine.ledger().unwrap().house();
    let sold: i128 = house_of
        .stocks()
        .map(|(_, issue)| i128::from(issue.sold))
        .sum();
    let (mut held, mut owned) = (i128::from(house_of.proceeds().units()), -sold);
    for (_, balance) in house.engine.ledger().unwrap().balances() {
        assert!(balance.reserved() <= balance.cash(), "{row}");
        held += i128::from(balance.cash().units());
        for (_, holding) in balance.holdings() {
            assert!(holding.reserved <= holding.shares, "{row}");
            owned += i128::from(holding.shares);
        }
    }
    assert_eq!((held, owned), (cash, shares), "{row}");
}

fn english() -> Terms {
    Terms::English(EnglishTerms::default())
}

fn vickrey() -> Terms {
    Terms::Sealed(SealedTerms {
        pricing: SealedPricing::SecondPrice,
    })
}

fn in_parts(pricing: UniformPricing) -> Terms {
    Terms::Uniform(UniformTerms {
        pricing,
        priority: MarginalPriority::Time,
        bids_max: 5,
    })
}

fn call(collar: Option<u32>) -> Terms {
    Terms::Call(CallTerms {
        book: BookShown::Closed,
        collar: collar.map(|basis_points| Collar {
            absolute: Price::ZERO,
            basis_points,
        }),
        extensions_max: 0,
        ..CallTerms::default()
    })
}

#[test]
fn only_the_leaders_offer_on_an_english_lot_is_reserved() {
    plays(
        &[(1, None, english())],
        "
        A gets 100        | ok                        | A 100/0 0/0
        B gets 100        | ok                        |
        A bid 60          | ok                        | A 100/60 0/0
        A draws 40.0001   | short: 40.0001 of 40.00   |
        B bid 100.0001    | short: 100.0001 of 100.00 | A 100/60 0/0, B 100/0 0/0
        B bid 100         | ok                        | A 100/0 0/0, B 100/100 0/0
        A draws 100       | ok                        | A 0/0 0/0
        B max 100.0001    | short: 0.0001 of 0.00     | B 100/100 0/0
        house closes      | ok                        | B 0/0 1/0
        ",
    );
}

#[test]
fn a_maximum_is_reserved_whole_and_the_close_takes_the_price() {
    plays(
        &[(1, None, english())],
        "
        A gets 100        | ok                        |
        B gets 60         | ok                        |
        A max 80          | ok                        | A 100/80 0/0
        A max 100.0001    | short: 20.0001 of 20.00   | A 100/80 0/0
        A max 90          | ok                        | A 100/90 0/0
        B bid 60.01       | short: 60.01 of 60.00     | B 60/0 0/0
        B bid 60          | ok                        | A 100/90 0/0, B 60/0 0/0
        house closes      | ok                        | A 39.99/0 1/0, B 60/0 0/0
        ",
    );
}

#[test]
fn a_price_counts_for_every_share_of_the_lot() {
    plays(
        &[(3, None, english())],
        "
        A gets 100        | ok                        |
        A bid 33.3334     | short: 100.0002 of 100.00 |
        A bid 33.3333     | ok                        | A 100/99.9999 0/0
        house closes      | ok                        | A 0.0001/0 3/0
        ",
    );
}

#[test]
fn a_lot_that_is_not_sold_gives_everything_back() {
    plays(
        &[(1, Some("50"), english())],
        "
        A gets 100        | ok                        |
        A bid 49.99       | ok                        | A 100/49.99 0/0
        house closes      | ok                        | A 100/0 0/0
        A draws 100       | ok                        | A 0/0 0/0
        ",
    );
}

#[test]
fn several_lots_share_one_account() {
    plays(
        &[
            (1, None, english()),
            (1, None, english()),
            (1, None, vickrey()),
        ],
        "
        A gets 100        | ok                        |
        B gets 100        | ok                        |
        A bid 60          | ok                        | A 100/60 0/0
        A on 2 bid 40.01  | short: 40.01 of 40.00     | A 100/60 0/0
        A on 2 bid 30     | ok                        | A 100/90 0/0
        A on 3 buy 1 10.01| short: 10.01 of 10.00     | A 100/90 0/0
        A on 3 buy 1 10   | ok                        | A 100/100 0/0
        B bid 70          | ok                        | A 100/40 0/0, B 100/70 0/0
        A on 2 max 90.01  | short: 60.01 of 60.00     | A 100/40 0/0
        A on 2 max 90     | ok                        | A 100/100 0/0
        house on 2 closes | ok                        | A 70/10 1/0
        house on 3 closes | ok                        | A 60/0 2/0
        house closes      | ok                        | A 60/0 2/0, B 30/0 1/0
        ",
    );
}

#[test]
fn suspension_and_halts_release_nothing_that_binds() {
    plays(
        &[
            (1, None, english()),
            (1, None, vickrey()),
            (1, None, call(Some(1_000))),
        ],
        "
        A gets 100        | ok                        |
        A gets 5shares    | ok                        |
        A bid 30          | ok                        | A 100/30 5/0
        A on 2 buy 1 20   | ok                        | A 100/50 5/0
        A on 3 buy 2 10   | ok                        | A 100/70 5/0
        A on 3 sell 5 11  | ok                        | A 100/70 5/5
        house halts       | ok                        | A 100/70 5/5
        house suspends A  | ok                        | A 100/50 5/0
        house closes      | ok                        | A 70/20 6/0
        house on 2 closes | ok                        | A 60/0 7/0
        ",
    );
}

#[test]
fn a_take_is_paid_at_once_at_the_price_taken() {
    let falling = Terms::Dutch(DutchTerms {
        start: price("50"),
        step: price("1"),
        interval: Span::from_secs(10),
        floor: price("20"),
    });
    plays(
        &[(2, None, falling)],
        "
        A gets 99.9999    | ok                        |
        B gets 100        | ok                        |
        A bid 50          | short: 100.00 of 99.9999  | A 99.9999/0 0/0
        B bid 50          | ok                        | B 0/0 2/0
        ",
    );
}

#[test]
fn a_sealed_bid_is_reserved_the_close_takes_the_second_price() {
    plays(
        &[(1, None, vickrey())],
        "
        A gets 100        | ok                        |
        B gets 60         | ok                        |
        A buy 1 100.01    | short: 100.01 of 100.00   |
        A buy 1 70        | ok                        | A 100/70 0/0
        A replace 1 1 100 | ok                        | A 100/100 0/0
        A replace 1 1 80  | ok                        | A 100/80 0/0
        A cancel 1        | ok                        | A 100/0 0/0
        A buy 1 100       | ok                        | A 100/100 0/0
        B buy 1 60        | ok                        | B 60/60 0/0
        house closes      | ok                        | A 40/0 1/0, B 60/0 0/0
        ",
    );
}

#[test]
fn bids_for_parts_add_up_and_settle_at_what_each_pays() {
    let table = "
        A gets 100        | ok                        |
        B gets 100        | ok                        |
        A buy 6 10        | ok                        | A 100/60 0/0
        A buy 4 10.0001   | short: 40.0004 of 40.00   | A 100/60 0/0
        A buy 5 8         | ok                        | A 100/100 0/0
        A replace 2 5 8.01| short: 0.05 of 0.00       | A 100/100 0/0
        A replace 2 2 20  | ok                        | A 100/100 0/0
        A replace 2 2 12  | ok                        | A 100/84 0/0
        B buy 10 9        | ok                        | B 100/90 0/0
    ";
    // 2 at 12, 6 at 10, and 2 of 10 at 9.
    for (pricing, closed) in [
        (UniformPricing::Uniform, "A 28/0 8/0, B 82/0 2/0"),
        (UniformPricing::PayAsBid, "A 16/0 8/0, B 82/0 2/0"),
    ] {
        let table = format!("{}\nhouse closes | ok | {closed}", table.trim());
        plays(&[(10, None, in_parts(pricing))], &table);
    }
}

#[test]
fn call_orders_reserve_cash_or_shares_the_uncross_moves_both() {
    plays(
        &[(1, None, call(None))],
        "
        A gets 100        | ok                        |
        B gets 10shares   | ok                        |
        B sell 11 9       | lacks: 11 of 10           | B 0/0 10/0
        B sell 6 9        | ok                        | B 0/0 10/6
        B sell 5 any      | lacks: 5 of 4             | B 0/0 10/6
        B draws 5shares   | lacks: 5 of 4             | B 0/0 10/6
        B replace 1 11 9  | lacks: 5 of 4             | B 0/0 10/6
        B replace 1 10 9  | ok                        | B 0/0 10/10
        B replace 1 8 9   | ok                        | B 0/0 10/8
        A buy 10 10.01    | short: 100.10 of 100.00   | A 100/0 0/0
        A buy 10 10       | ok                        | A 100/100 0/0
        A replace 1 9 11  | ok                        | A 100/99 0/0
        A replace 1 9 12  | short: 9.00 of 1.00       | A 100/99 0/0
        A replace 1 9 9.50| ok                        | A 100/85.50 0/0
        A buy 1 8         | ok                        | A 100/93.50 0/0
        A cancel 2        | ok                        | A 100/85.50 0/0
        house closes      | ok                        | A 24/0 8/0, B 76/0 2/0
        B draws 76        | ok                        | B 0/0 2/0
        ",
    );
}

#[test]
fn an_order_at_any_price_reserves_what_the_collar_lets_it_cost() {
    plays(
        &[(1, None, call(Some(1_000)))],
        "
        A gets 109.9999   | ok                        |
        B gets 10shares   | ok                        |
        A buy 10 any      | short: 110.00 of 109.9999 |
        A gets 0.0001     | ok                        |
        A buy 10 any      | ok                        | A 110/110 0/0
        B sell 10 9.50    | ok                        | B 0/0 10/10
        house closes      | ok                        | A 15/0 10/0, B 95/0 0/0
        ",
    );
    plays(
        &[(1, None, call(None))],
        "
        A gets 100        | ok                        |
        A buy 1 any       | short: 999999999.9999 of 100.00 | A 100/0 0/0
        ",
    );
}

#[test]
fn what_a_lot_gave_can_be_sold_in_the_next() {
    plays(
        &[(1, None, english()), (1, None, call(None))],
        "
        A gets 20         | ok                        |
        B gets 30         | ok                        |
        A bid 15          | ok                        | A 20/15 0/0
        A on 2 sell 1 25  | lacks: 1 of 0             |
        house closes      | ok                        | A 5/0 1/0
        A on 2 sell 1 25  | ok                        | A 5/0 1/1
        B on 2 buy 1 30   | ok                        | B 30/30 0/0
        house on 2 closes | ok                        | A 30/0 0/0, B 5/0 1/0
        ",
    );
}
