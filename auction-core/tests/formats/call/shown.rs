//! Data of a call that is public, and data that only a trader sees.

use auction_core::{
    BookShown, CallTerms, Candidates, Command, Indicative, LadderStep, NoCrossBecause, OrderId,
    OrderState, Outcome, OwnOrder, Reply, Side, UserId, WinningThreshold,
};

use super::{buy, collar, house, order, plain, quote, replace, sell};
use crate::house::{A, B, C, LOT, cancel, price, quantity};

#[test]
fn others_see_the_number_of_traders_and_the_indicative_result() {
    let shown = CallTerms {
        book: BookShown::Open,
        ..CallTerms::default()
    };
    for terms in [CallTerms::default(), shown] {
        let mut house = house("10", terms);
        let nothing = Indicative::NoCross {
            best_buy: None,
            best_sell: None,
        };
        assert_eq!(house.engine.indicative(LOT), Some(nothing));
        house.user(1, A, buy(5, "9")).unwrap();
        assert_eq!(house.bidders(), 1);
        house.user(1, A, buy(7, "8.99")).unwrap();
        assert_eq!(
            house.last_public(),
            [],
            "one trader's next order is no news"
        );
        house.user(1, B, sell(3, "9.01")).unwrap();
        let apart = Indicative::NoCross {
            best_buy: quote("9", 5),
            best_sell: quote("9.01", 3),
        };
        assert_eq!(house.engine.indicative(LOT), Some(apart));
        house.user(1, B, replace(1, 3, Some("8.99"))).unwrap();
        let Some(Indicative::Cross(cross)) = house.engine.indicative(LOT) else {
            panic!("they cross")
        };
        assert_eq!(
            (cross.price, cross.volume, cross.surplus),
            (price("9"), 3, 2)
        );
        house.user(1, C, order(Side::Sell, 1, None)).unwrap();
        let depth = house.engine.depth(LOT);
        if terms.book == BookShown::Closed {
            assert_eq!(depth, None);
        } else {
            let depth = depth.unwrap();
            assert_eq!((depth.market_buy, depth.market_sell), (0, 1));
            assert_eq!(depth.buys.first().copied(), quote("9", 5));
            assert_eq!(depth.buys.get(1).copied(), quote("8.99", 7));
            assert_eq!(depth.sells.first().copied(), quote("8.99", 3));
        }
        house.user(1, A, cancel(1)).unwrap();
        assert_eq!(house.bidders(), 3);
        house.user(1, A, cancel(2)).unwrap();
        assert_eq!(house.bidders(), 2);
        house.outcome();
        assert_eq!(house.engine.indicative(LOT), None);
        assert_eq!(house.engine.depth(LOT), None);
    }
}

#[test]
fn each_learns_what_their_own_orders_got_and_nobody_else_does() {
    let mut house = plain("10");
    let placed = |number| Ok(Reply::OrderPlaced(OrderId(number)));
    assert_eq!(house.user(1, A, buy(100, "10.10")), placed(1));
    assert_eq!(house.user(1, A, buy(50, "9.50")), placed(2));
    assert_eq!(house.user(1, B, sell(60, "10")), placed(1));
    let own = |order, side, shares, limit, state| OwnOrder {
        order: OrderId(order),
        side,
        quantity: quantity(shares),
        limit: Some(price(limit)),
        state,
    };
    let live = [
        own(1, Side::Buy, 100, "10.10", OrderState::Live),
        own(2, Side::Buy, 50, "9.50", OrderState::Live),
    ];
    assert_eq!(house.engine.orders_of(LOT, A).unwrap(), live);
    assert_eq!(house.engine.orders_of(LOT, C).unwrap(), []);
    let outcome = house.outcome();
    let at = price("10.10");
    let crossed = Outcome::Crossed {
        price: at,
        volume: 60,
        surplus: 40,
        by: LadderStep::Pressure,
        candidates: Some(Candidates {
            lowest: price("10"),
            highest: at,
        }),
        traders: 2,
    };
    assert_eq!(outcome, crossed);
    let closed = |filled, price| OrderState::Closed { filled, price };
    let mine = [
        own(1, Side::Buy, 100, "10.10", closed(60, Some(at))),
        own(2, Side::Buy, 50, "9.50", closed(0, None)),
    ];
    assert_eq!(house.engine.orders_of(LOT, A).unwrap(), mine);
    assert_eq!(mine[0].lapsed(), 40);
    let theirs = [own(1, Side::Sell, 60, "10", closed(60, Some(at)))];
    assert_eq!(house.engine.orders_of(LOT, B).unwrap(), theirs);
    assert_eq!(house.engine.orders_of(LOT, C).unwrap(), []);
    assert_eq!(house.engine.orders_of(auction_core::LotId(9), A), None);
    // There is no winner.
    let least = house.engine.winning_threshold(LOT, A);
    assert_eq!(least, Some(WinningThreshold::Nothing));
    let shown = format!("{:?}", house.engine.market());
    assert!(!shown.contains("9.50"), "an order is nobody else's to see");
}

#[test]
fn a_call_in_which_nothing_trades_says_why() {
    let outcome = |orders: &[(UserId, Command)], base: &str, collar| {
        let terms = CallTerms {
            collar,
            extensions_max: 0,
            ..CallTerms::default()
        };
        let mut house = house(base, terms);
        for (user, order) in orders {
            house.user(1, *user, order.clone()).unwrap();
        }
        let Outcome::NoCross {
            because,
            best_buy,
            best_sell,
        } = house.outcome()
        else {
            panic!("nothing trades")
        };
        let stock = house.engine.market().stocks().next().unwrap();
        assert_eq!(stock.last_uncross, None);
        (because, best_buy, best_sell)
    };
    let nothing = NoCrossBecause::NothingCrosses;
    assert_eq!(outcome(&[], "10", None), (nothing, None, None));
    let apart = [(A, buy(5, "9")), (B, sell(6, "9.01"))];
    assert_eq!(
        outcome(&apart, "10", None),
        (nothing, quote("9", 5), quote("9.01", 6))
    );
    let market = [
        (A, order(Side::Buy, 5, None)),
        (B, order(Side::Sell, 5, None)),
    ];
    assert_eq!(
        outcome(&market, "0", None),
        (NoCrossBecause::NoPrice, None, None)
    );
    let far = [(A, buy(5, "13")), (B, sell(5, "12.50"))];
    assert_eq!(
        outcome(&far, "10", collar("0", 1_000)),
        (NoCrossBecause::Collar, quote("13", 5), quote("12.50", 5))
    );
}
