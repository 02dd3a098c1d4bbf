//! What the server prints, as text.

use auction_core::{
    AccountMode, CallTerms, Caller, Command, DutchTerms, LotId, MarginalPriority, Price, Profit,
    Role, SealedPricing, SealedTerms, SecurityCode, Span, Symbol, Terms, Timestamp, UniformPricing,
    UniformTerms, UserId,
};
use auction_server::testing::projections::console_text::{Certified, Security, opening, results};

use crate::stage::{START, Stage, open};

#[test]
fn the_opening_tells_what_is_open_until_when_where_and_what_to_type() {
    let mut stage = Stage::in_memory();
    stage.list("AAPL", "01954", "1.32", "9350");
    stage.list("BRK.B", "00007", "0", "-12.5");
    stage.open("AAPL", 1, None);
    stage.open("BRK.B", 1, None);
    let text = opening(
        stage.engine.market(),
        "127.0.0.1:2022".parse().unwrap(),
        Security::Plain,
        Timestamp::from_secs(START),
    );
    assert_eq!(
        text,
        "\
The market listens on 127.0.0.1:2022.

   Lot  Security          Symbol             Price          Profit  Closes (UTC)
     1  01954             AAPL                1.32            9350  13:05:00
     2  00007             BRK.B               0.00           -12.5  13:05:00

2 lots, open until 2026-11-22 13:05:00 UTC, 300 s from now.
A bid in the last 60 s moves the close of its lot by 60 s.

Open http://127.0.0.1:2022/ in a browser, or type in another terminal
  auction register mia
  auction login mia
  auction lots
  auction bid AAPL 1.33
  auction watch
"
    );
}

#[test]
fn another_port_is_told_and_lots_that_close_at_different_times_each_say_when() {
    let mut stage = Stage::in_memory();
    stage.list("AAPL", "01954", "1.32", "9350");
    stage.open("AAPL", 1, None);
    stage.open("AAPL", 1, None);
    let later = Command::ExtendLot {
        lot: LotId(2),
        closes_at: Timestamp::from_secs(START + 400),
    };
    stage.operate(1, later);
    let text = opening(
        stage.engine.market(),
        "127.0.0.1:40000".parse().unwrap(),
        Security::Plain,
        Timestamp::from_secs(START + 1),
    );
    assert!(
        text.contains("  13:05:00\n") && text.contains("  13:06:40\n"),
        "{text}"
    );
    assert!(
        text.contains("2 lots; it is now 2026-11-22 13:00:01 UTC.\n"),
        "{text}"
    );
    assert!(
        text.contains("  export AUCTION_SERVER=127.0.0.1:40000\n"),
        "{text}"
    );
}

#[test]
fn formats_are_told_when_not_all_lots_are_english_and_how_to_bid_on_the_first() {
    let price = |text| Price::parse(text).unwrap();
    let formats = [
        (
            Terms::Dutch(DutchTerms {
                start: price("100"),
                step: price("1"),
                interval: Span::from_secs(10),
                floor: price("50"),
            }),
            "take AAPL",
        ),
        (
            Terms::Sealed(SealedTerms {
                pricing: SealedPricing::SecondPrice,
            }),
            "bid AAPL 1.32",
        ),
        (
            Terms::Uniform(UniformTerms {
                pricing: UniformPricing::Uniform,
                priority: MarginalPriority::Time,
                bids_max: 5,
            }),
            "order AAPL buy 10 1.32",
        ),
        (Terms::Call(CallTerms::default()), "order AAPL buy 10 1.32"),
    ];
    for (terms, to_bid) in formats {
        let mut stage = Stage::in_memory();
        stage.list("AAPL", "01954", "1.32", "0");
        let format = terms.format();
        stage.operate(0, open("AAPL", 10, None, terms));
        stage.open("AAPL", 1, None);
        let text = opening(
            stage.engine.market(),
            "127.0.0.1:2022".parse().unwrap(),
            Security::Plain,
            Timestamp::from_secs(START),
        );
        for says in [
            "   Lot  Security          Symbol    Format                 Price ".to_owned(),
            format!("     1  01954             AAPL      {format:<12} "),
            "     2  01954             AAPL      english      ".to_owned(),
            "A bid in the last 60 s moves the close of an English lot by 60 s.\n".to_owned(),
            format!("  auction {to_bid}\n  auction watch\n"),
        ] {
            assert!(text.contains(&says), "{says:?} is not in: {text}");
        }
    }
}

#[test]
fn a_market_on_funds_tells_where_traders_get_them_from() {
    for mode in [AccountMode::Credit, AccountMode::Funds] {
        let mut stage = Stage::in_memory();
        let on_funds = mode == AccountMode::Funds;
        if on_funds {
            stage.operate(0, Command::SetAccounts { mode });
        }
        stage.list("AAPL", "01954", "1.32", "0");
        stage.open("AAPL", 1, None);
        let text = opening(
            stage.engine.market(),
            "127.0.0.1:2022".parse().unwrap(),
            Security::Plain,
            Timestamp::from_secs(START),
        );
        let says = "an auctioneer types auction deposit NAME AMOUNT.\n";
        assert_eq!(text.contains(says), on_funds, "{text}");
    }
}

#[test]
fn who_comes_by_tls_is_told_the_name_that_the_certificate_is_for() {
    let mut stage = Stage::in_memory();
    stage.list("AAPL", "01954", "1.32", "0");
    stage.open("AAPL", 1, None);
    for (certified, says) in [
        (Certified::Address, "tls://127.0.0.1:2022\n"),
        (
            Certified::Name("auction.example.com"),
            "tls://auction.example.com:2022\n",
        ),
        (Certified::Unknown, "tls://NAME:2022 "),
    ] {
        let text = opening(
            stage.engine.market(),
            "127.0.0.1:2022".parse().unwrap(),
            Security::Tls(certified),
            Timestamp::from_secs(START),
        );
        let says = format!("  export AUCTION_SERVER={says}");
        assert!(text.contains(&says), "{says:?} is not in: {text}");
    }
}

#[test]
fn a_market_without_open_lots_says_so() {
    let stage = Stage::in_memory();
    let text = opening(
        stage.engine.market(),
        "[::1]:1".parse().unwrap(),
        Security::Plain,
        Timestamp::default(),
    );
    assert_eq!(text, "The market listens on [::1]:1.\nNo lot is open.\n");
}

#[test]
fn the_news_tells_bids_extensions_profits_and_winners_as_they_come() {
    let mut stage = Stage::in_memory();
    stage.list("AAPL", "01954", "1.32", "9350");
    stage.list("BRK.B", "00007", "0", "0");
    stage.open("AAPL", 100, None);
    stage.open("BRK.B", 1, Some("50"));
    stage.open("BRK.B", 1, None);
    stage.register("mia", Role::Trader);
    stage.register("tom", Role::Trader);
    stage.register("apple", Role::Company(Symbol::parse("AAPL").unwrap()));
    stage.register("ann", Role::Auctioneer);
    stage.bid(2, 1, 1, "1.40");
    stage.bid_maximum(3, 2, 1, "2");
    stage.bid(4, 1, 1, "1.50");
    stage.bid(5, 1, 2, "10");
    let profit = Command::PublishProfit {
        symbol: Symbol::parse("AAPL").unwrap(),
        security: SecurityCode::parse("01954").unwrap(),
        profit: Profit::parse("9800").unwrap(),
    };
    stage.run(6, Caller::User(UserId(3)), profit);
    stage.bid(250, 1, 1, "2.50");
    stage.close_all();
    assert_eq!(
        stage.printed,
        "\
13:00:00.000 AAPL opens as lot 1, at a base price of 1.32, until 2026-11-22 13:05:00 UTC
13:00:00.000 BRK.B opens as lot 2, at a base price of 0.00, until 2026-11-22 13:05:00 UTC
13:00:00.000 BRK.B opens as lot 3, at a base price of 0.00, until 2026-11-22 13:05:00 UTC
13:00:01.000 mia registers as a trader
13:00:01.000 tom registers as a trader
13:00:01.000 apple is registered as the company of AAPL
13:00:01.000 ann is registered as an auctioneer
13:00:02.000 AAPL mia bids 1.40 and leads
13:00:03.000 AAPL tom states a maximum and leads at 1.41
13:00:04.000 AAPL mia bids 1.50; tom leads at 1.51
13:00:05.000 BRK.B mia bids 10.00 and leads; the reserve is not met
13:00:06.000 AAPL publishes a profit of 9800
13:04:10.000 AAPL mia bids 2.50 and leads
13:04:10.000 AAPL closes later, at 2026-11-22 13:06:00 UTC
13:05:00.000 BRK.B is not sold: the reserve was not met with 10.00
13:05:00.000 BRK.B is not sold: nobody bid
13:06:00.000 AAPL goes to mia, 100 shares for 2.50 each
"
    );
    let market = stage.engine.market();
    assert_eq!(
        results(market, &market.lots()[..2]),
        "\
All lots have closed.

AAPL     goes to mia, 100 shares for 2.50 each
BRK.B    is not sold: the reserve was not met with 10.00

The results stay readable. Stop the server and start it again for a new round.
"
    );
}

#[test]
fn of_a_call_the_news_tells_the_price_why_and_what_was_left_over() {
    let mut stage = Stage::in_memory();
    stage.play_calls();
    for says in [
        "13:05:00.000 AAPL is uncrossed at 11.00, 80 shares of 2 traders: by the pressure of one side; 20 more would be bought\n",
        "13:05:00.000 AAPL is uncrossed at 10.00, 50 shares of 2 traders: by the pressure of one side; 20 more would be sold\n",
    ] {
        assert!(
            stage.printed.contains(says),
            "{says:?} is not in: {}",
            stage.printed
        );
    }
}

#[test]
fn a_door_that_others_can_reach_is_told_as_such() {
    let stage = Stage::in_memory();
    let warning = "passwords cross the network unencrypted";
    for (address, is_warned) in [
        ("127.0.0.1:1", false),
        ("[::1]:1", false),
        ("0.0.0.0:1", true),
    ] {
        let text = opening(
            stage.engine.market(),
            address.parse().unwrap(),
            Security::Plain,
            Timestamp::default(),
        );
        assert_eq!(text.contains(warning), is_warned, "{text}");
    }
}
