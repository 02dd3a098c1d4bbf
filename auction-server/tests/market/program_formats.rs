//! The program `auction` with lots of every format: the auctioneer opens and controls them, traders bid in secret, and
//! everyone sees the results and the reasons.

use serde_json::{Value, json};

use crate::line::{Line, PASSWORD};
use crate::person::Person;
use crate::test_market::{Server, TestMarket, until};

const USAGE: i32 = 2;
const REFUSED: i32 = 3;
const NOT_LOGGED_IN: i32 = 5;

fn test_market(stocks: u32) -> TestMarket {
    let test_market = TestMarket::with_lots(stocks);
    test_market.write("lots.csv", "symbol,format\nS1,english\n");
    let users = format!("name,role,password\nann,auctioneer,{PASSWORD}\n");
    test_market.write("users.csv", &users);
    test_market
}

fn cast(server: &Server) -> (Person, Person, Person) {
    let [ann, mia, tom] = ["ann", "mia", "tom"].map(|name| {
        let person = Person::at(server.address());
        if name != "ann" {
            person.does(&format!("register {name}"));
        }
        person.does(&format!("login {name}"));
        person
    });
    (ann, mia, tom)
}

/// The number of the lot in a command's output.
fn lot(told: &Value) -> String {
    format!("#{}", told["lot"])
}

fn ended(told: &Value) -> Value {
    assert_eq!(told["phase"], "closed", "{told}");
    told["outcome"].clone()
}

/// The open lots of every format but the call, by their number, and what the program printed of the English one.
struct Lots {
    english: Value,
    dutch: String,
    vickrey: String,
    first: String,
    uniform: String,
    own: String,
}

/// Opens a lot of every format but the call, and bids on them.
fn open_and_bid(ann: &Person, mia: &Person, tom: &Person) -> Lots {
    let english = ann.does("open S2 --format english --reserve 2 --open-for 1h");
    assert_eq!(english["format"], "english");
    assert_eq!(mia.does("bid S2 2.50")["leads"], true);

    let dutch = "open S3 --format dutch --start 100 --step 1 --interval 1h --floor 50";
    let dutch = lot(&ann.does(dutch));
    let above = mia.fails(&format!("take {dutch} --at-most 70"), REFUSED);
    assert_eq!(
        (&above["code"], &above["price"]),
        (&json!("price_still_above"), &json!("100.00"))
    );
    let taken = tom.does("take S3");
    assert_eq!(
        (&taken["bought"], &taken["price"]),
        (&json!(true), &json!("100.00"))
    );

    // A bid on a sealed lot is for all of it.
    let vickrey =
        lot(&ann.does("open S4 --format vickrey --quantity 10 --reserve 50 --open-for 1h"));
    let sealed = mia.does("bid S4 100");
    assert_eq!(
        (&sealed["order"], &sealed["quantity"]),
        (&json!(1), &json!(10))
    );
    assert_eq!(tom.does("order S4 buy 10 777")["state"], "placed");
    assert_eq!(tom.does("replace S4 1 10 90")["limit"], "90.00");
    assert_eq!(
        tom.fails("order S4 buy 10 95", REFUSED)["code"],
        "too_many_orders"
    );
    assert_eq!(
        tom.fails("order S4 sell 10 95", REFUSED)["code"],
        "buys_only"
    );
    assert_eq!(
        tom.fails("order S4 buy 10 --market", REFUSED)["code"],
        "limit_needed"
    );
    assert_eq!(tom.fails("take S4", REFUSED)["code"], "takes_bids");
    let early = mia.fails("would-have-won S4", REFUSED);
    assert_eq!(early["code"], "not_due");

    let first = lot(&ann.does("open S5 --format sealed-first --open-for 1h"));
    mia.does("bid S5 7");
    tom.does("bid S5 8");
    assert_eq!(mia.does("cancel S5 1")["state"], "cancelled");

    let uniform =
        lot(&ann.does("open S6 --format uniform --quantity 100 --reserve 10 --open-for 1h"));
    for bid in ["30 12", "50 9", "20 15"] {
        mia.does(&format!("order S6 buy {bid}"));
    }
    let own = lot(
        &ann.does("open S7 --format pay-as-bid --quantity 15 --priority pro-rata --bids-max 4")
    );
    tom.does("order S7 buy 10 20");
    mia.does("order S7 buy 10 15");
    Lots {
        english,
        dutch,
        vickrey,
        first,
        uniform,
        own,
    }
}

/// Checks that hidden values and the orders of others cannot be seen.
fn check_hidden(mia: &Person, tom: &Person, lots: &Lots) {
    // Hidden values cannot be seen.
    let shown = tom.does("lots S4 S6");
    for sealed in shown["lots"].as_array().unwrap() {
        assert_eq!(
            (&sealed["price"], &sealed["reserve"]),
            (&Value::Null, &json!("hidden"))
        );
    }

    let before = tom.does("history S4");
    assert_eq!(
        (&before["total"], &before["opened"]),
        (&json!(0), &json!([]))
    );

    // Users see their own orders, and nobody else does.
    let mine = mia.does("orders");
    let english = &lots.english["lot"];
    assert_eq!(
        mine["leads"],
        json!([{"lot": english, "symbol": "S2", "offer": "2.50", "price": "2.50"}])
    );
    let standing = mine["orders"].as_array().unwrap().iter();
    let standing: Vec<_> = standing
        .map(|order| (&order["symbol"], &order["limit"], &order["state"]))
        .map(|(symbol, limit, state)| format!("{symbol} {limit} {state}").replace('"', ""))
        .collect();
    let expected = ["S4 100.00", "S6 12.00", "S6 9.00", "S6 15.00", "S7 15.00"];
    assert_eq!(standing, expected.map(|order| format!("{order} live")));
    assert_eq!(tom.does("orders S6")["orders"], json!([]));
    assert_eq!(tom.does("orders S2")["leads"], json!([]));
}

/// Opens a call, whose orders and fills are private, and returns its number.
fn open_call(ann: &Person, mia: &Person, tom: &Person) -> String {
    let call = lot(&ann.does("open S8 --format call --quantity 10 --open-for 1h"));
    let indicative = |person: &Person| person.does("lots S8")["lots"][0]["indicative"].clone();
    assert_eq!(indicative(mia)["price"], Value::Null);
    mia.does("order S8 sell 60 1.10");
    mia.does("order S8 sell 20 1.20");
    assert_eq!(tom.does("order S8 buy 100 --market")["state"], "placed");
    assert_eq!(
        tom.fails("order S8 sell 10 1.00", REFUSED)["code"],
        "would_self_trade"
    );
    assert_eq!(
        tom.fails("order S8 buy 5 1.00", REFUSED)["code"],
        "off_round_lot"
    );
    tom.does("replace S8 1 80 1.15");
    // Everyone sees the indicative uncross; lots of other formats have none.
    until("the last order shows", || {
        let now = indicative(tom);
        let (price, volume) = (&now["price"], &now["volume"]);
        (price == "1.15" && volume == 60).then_some(())
    });
    assert_eq!(tom.does("lots S6")["lots"][0]["indicative"], Value::Null);
    call
}

fn close_lots(ann: &Person) {
    let closed = ended(&ann.does("close S2"));
    assert_eq!(
        (&closed["winner"], &closed["price"]),
        (&json!("mia"), &json!("2.50"))
    );
    let closed = ended(&ann.does("close S4"));
    assert_eq!(
        (
            &closed["winner"],
            &closed["price"],
            &closed["by"],
            &closed["runner_up"]
        ),
        (
            &json!("mia"),
            &json!("90.00"),
            &json!("second_highest_bid"),
            &json!("90.00")
        )
    );
    let closed = ended(&ann.does("close S5"));
    assert_eq!(
        (&closed["winner"], &closed["price"]),
        (&json!("tom"), &json!("8.00"))
    );
    let closed = ended(&ann.does("close S6"));
    assert_eq!(
        (
            &closed["sold"],
            &closed["lowest"],
            &closed["highest_rejected"]
        ),
        (&json!(50), &json!("12.00"), &json!("9.00"))
    );
    let closed = ended(&ann.does("close S7"));
    assert_eq!(
        (&closed["sold"], &closed["buyers"]),
        (&json!(15), &json!(2))
    );
    let closed = ended(&ann.does("close S8"));
    assert_eq!(
        (&closed["result"], &closed["price"], &closed["volume"]),
        (&json!("crossed"), &json!("1.15"), &json!(60))
    );
}

fn check_thresholds(mia: &Person, tom: &Person, lots: &Lots) {
    assert_eq!(tom.does("would-have-won S4")["least_winning"], "100.0001");
    assert_eq!(
        mia.does(&format!("would-have-won {}", lots.first))["least_winning"],
        "8.0001"
    );
    assert_eq!(
        tom.does(&format!("would-have-won {}", lots.uniform))["least_winning"],
        "10.00"
    );
    assert_eq!(
        mia.does(&format!("would-have-won {}", lots.dutch))["least_winning"],
        "100.00"
    );
    mia.does(&format!("would-have-won {}", lots.own));
}

/// Checks the results of the users' own orders, which closed lots show on request.
fn check_fills(mia: &Person, tom: &Person, uniform: &str, call: &str) {
    let all = mia.does("orders");
    assert_eq!((&all["leads"], &all["orders"]), (&json!([]), &json!([])));
    let filled = |person: &Person, line: &str| {
        let told = person.does(line);
        let orders = told["orders"].as_array().unwrap().clone();
        let filled = orders.into_iter().map(|mut order| {
            assert_eq!(order["state"], "closed");
            (order["filled"].as_u64().unwrap(), order["price"].take())
        });
        filled.collect::<Vec<_>>()
    };
    assert_eq!(filled(mia, "orders S4"), [(10, json!("90.00"))]);
    assert_eq!(filled(tom, "orders S4"), [(0, Value::Null)]);
    let uniform_fills = filled(mia, &format!("orders --lot {}", &uniform[1..]));
    let expected = [(30, json!("12.00")), (0, Value::Null), (20, json!("12.00"))];
    assert_eq!(uniform_fills, expected);
    assert_eq!(filled(mia, "orders S5"), []);
    let sold = filled(mia, &format!("orders {call}"));
    assert_eq!(sold, [(60, json!("1.15")), (0, Value::Null)]);
    assert_eq!(filled(tom, "orders S8"), [(60, json!("1.15"))]);
    assert_eq!(tom.does("orders S8")["orders"][0]["side"], "buy");
    assert_eq!(mia.fails("orders S99", REFUSED)["code"], "unknown_symbol");
}

#[test]
fn lots_of_every_format_are_opened_bid_on_and_closed() {
    let test_market = test_market(9);
    let server = test_market.open();
    let (ann, mia, tom) = cast(&server);

    let lots = open_and_bid(&ann, &mia, &tom);
    check_hidden(&mia, &tom, &lots);
    let call = open_call(&ann, &mia, &tom);

    close_lots(&ann);
    check_thresholds(&mia, &tom, &lots);
    check_fills(&mia, &tom, &lots.uniform, &call);

    // From the close on, everyone can see the sealed bids.
    let opened = tom.does("history S4");
    let mine = json!({
        "bidder": "mia", "order": 1, "price": "100.00", "quantity": 10, "filled": 10, "pays": "90.00",
    });
    assert_eq!((&opened["total"], &opened["opened"][0]), (&json!(2), &mine));
    assert_eq!(opened["opened"][1]["pays"], Value::Null);
    let exported: Vec<_> = test_market
        .export("bids")
        .into_iter()
        .map(|row| row[2..5].join(","))
        .collect();
    let expected = [
        "mia,S2,2.50",
        "tom,S3,100.00",
        "mia,S4,100.00",
        "tom,S4,90.00",
        "tom,S5,8.00",
        "mia,S6,12.00",
        "mia,S6,9.00",
        "mia,S6,15.00",
        "tom,S7,20.00",
        "mia,S7,15.00",
    ];
    assert_eq!(exported, expected);

    let results = tom.does("results");
    let formats: Vec<_> = results["lots"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lot| &lot["format"])
        .collect();
    assert_eq!(
        formats,
        [
            "english",
            "dutch",
            "vickrey",
            "sealed-first",
            "uniform",
            "pay-as-bid",
            "call"
        ]
    );
    server.end();
    test_market.verified_digest();
    assert_eq!(lots.vickrey, "#4");
    let latest = "mia,S2,2.50\nmia,S4,100.00\nmia,S6,15.00\nmia,S7,15.00\n\
                  tom,S3,100.00\ntom,S4,90.00\ntom,S5,8.00\ntom,S7,20.00\n";
    assert_eq!(
        test_market.read("client.csv"),
        format!("name,symbol,bit\n{latest}")
    );
}

#[test]
fn auctioneers_schedule_halt_extend_cancel_and_suspend() {
    let test_market = test_market(4);
    let server = test_market.open();
    let (ann, mia, _) = cast(&server);
    let scheduled = ann.does("open S2 --format english --opens-in 1h --open-for 30m");
    assert_eq!(scheduled["phase"], "scheduled");
    assert_eq!(mia.fails("bid S2 5", REFUSED)["code"], "lot_not_begun");
    assert_eq!(ended(&ann.does("cancel-lot S2"))["because"], "cancelled");

    // Two lots of one symbol: the user must choose one.
    let first = lot(&ann.does("open S3 --format english --open-for 1h"));
    let second = lot(&ann.does("open S3 --format vickrey --open-for 1h"));
    for ambiguous in ["halt S3", "bid S3 2", "cancel S3 1"] {
        let error = mia.fails(ambiguous, USAGE);
        assert!(
            error["message"].as_str().unwrap().contains("--lot N"),
            "{error}"
        );
    }
    let halted = ann.does(&format!("halt S3 --lot {first}"));
    assert!(halted["halted_since"].is_string());
    let left = halted["closes_in_ms"].clone();
    assert_eq!(
        mia.fails(&format!("bid {first} 2"), REFUSED)["code"],
        "lot_halted"
    );
    let again = mia.does(&format!("lots {first}"));
    assert_eq!(
        again["lots"][0]["closes_in_ms"], left,
        "its time stands still"
    );
    assert_eq!(
        ann.does(&format!("resume {first}"))["halted_since"],
        Value::Null
    );
    mia.does(&format!("bid {first} 2"));
    assert_eq!(
        ann.fails(&format!("cancel-lot {first}"), REFUSED)["code"],
        "lot_has_bids"
    );

    let before = mia.does(&format!("lots {second}"))["lots"][0]["closes_at"].clone();
    let after = ann.does(&format!("extend {second} --by 5m"))["closes_at"].clone();
    assert!(before.as_str() < after.as_str(), "{before} {after}");
    let earlier = ann.fails(&format!("extend {second} --closes-in 1m"), REFUSED);
    assert_eq!(earlier["code"], "close_not_later");

    assert_eq!(ann.does("suspend mia")["suspended"], true);
    assert_eq!(
        mia.fails(&format!("bid {second} 9"), REFUSED)["code"],
        "suspended"
    );
    assert_eq!(ann.does("reinstate mia")["suspended"], false);
    mia.does(&format!("bid {second} 9"));
    assert_eq!(ann.fails("suspend nobody", REFUSED)["code"], "unknown_user");
    // Nobody can lock themselves out by mistake.
    assert_eq!(ann.fails("suspend ann", REFUSED)["code"], "not_permitted");
    ann.does(&format!("halt {second}"));
}

#[test]
fn forbidden_invalid_and_anonymous_commands_change_nothing() {
    let test_market = test_market(3);
    let server = test_market.open();
    let (ann, mia, _) = cast(&server);
    let stranger = Person::at(server.address());
    let open = "open S2 --format english";
    ann.does(open);
    let before = Line::open(server.address()).snapshot().feed_sequence();
    for line in [
        open,
        "extend S2 --by 5m",
        "close S2",
        "cancel-lot S2",
        "halt S2",
        "suspend tom",
    ] {
        assert_eq!(mia.fails(line, REFUSED)["code"], "not_permitted", "{line}");
        stranger.fails(line, NOT_LOGGED_IN);
    }
    for line in [
        "order S2 buy 1 5",
        "replace S2 1 1 5",
        "cancel S2 1",
        "take S2",
        "would-have-won S2",
    ] {
        stranger.fails(line, NOT_LOGGED_IN);
        mia.fails(line, REFUSED);
        ann.fails(line, REFUSED);
    }
    for (line, code) in [
        ("open S2", USAGE),
        ("open S2 --format japanese", USAGE),
        ("open S2 --format dutch", USAGE),
        ("open S2 --format english --floor 5", USAGE),
        (
            "open S2 --format english --opens-in 1m --opens-at 2030-01-01T00:00:00Z",
            USAGE,
        ),
        (
            "open S2 --format english --open-for 1m --closes-in 1m",
            USAGE,
        ),
        ("open S2 --format english --quantity 0", USAGE),
        (
            "open S2 --format english --closes-at 2020-01-01T00:00:00Z",
            REFUSED,
        ),
        (
            "open S2 --format english --opens-in 2h --closes-in 1h",
            REFUSED,
        ),
        ("open S2 --format english --reserve 0.50", REFUSED),
        ("open S2 --format uniform --bids-max 0", REFUSED),
        ("open S2 --format english --tick 1", USAGE),
        ("open S2 --format call --book ajar", USAGE),
        ("open S2 --format call --reserve 5", REFUSED),
        ("open S2 --format call --tick 0", REFUSED),
        ("open S2 --format call --random-end 1h", REFUSED),
        ("open NONE --format english", REFUSED),
        (
            "open S2 --format dutch --start 1 --step 1 --interval 0s --floor 1",
            REFUSED,
        ),
        (
            "open S2 --format dutch --start 1 --step 1 --interval 1s --floor 2",
            REFUSED,
        ),
        ("extend S2", USAGE),
        ("extend S2 --by 1m --closes-in 1h", USAGE),
        ("halt S9", REFUSED),
        ("halt", USAGE),
        ("orders S9", REFUSED),
        ("orders --lot x", USAGE),
        ("order S2 buy 1", USAGE),
        ("order S2 buy 1 5 --market", USAGE),
        ("order S2 lend 1 5", USAGE),
    ] {
        ann.fails(line, code);
    }
    let after = Line::open(server.address()).snapshot().feed_sequence();
    assert_eq!(before, after);
}

/// The same terms in a lots file and in flags give the same lots.
#[test]
fn flags_and_columns_of_the_same_name_open_the_same_lots() {
    let test_market = test_market(8);
    test_market.write(
        "lots.csv",
        "\
symbol,format,quantity,open_for,reserve,step,buy_now,extend_within,extend_by,extend_mode,extensions_max,start,interval,floor,priority,bids_max,tick,book,collar,collar_bps,market_extension,random_end,no_cancel
S1,english,,,,,,,,,,,,,,,,,,,,,
S2,english,5,1h,2,banded,9,30s,20s,reset,3,,,,,,,,,,,,
S3,dutch,,1h,,1,,,,,,100,10s,50,,,,,,,,,
S4,sealed-first,,1h,,,,,,,,,,,,,,,,,,,
S5,vickrey,,1h,50,,,,,,,,,,,,,,,,,,
S6,uniform,,1h,,,,,,,,,,,,,,,,,,,
S7,pay-as-bid,100,1h,,,,,,,,,,,pro-rata,3,,,,,,,
S8,call,,1h,,,,,,,,,,,,,,,,,,,
S8,call,100,1h,,,,,3m,,2,,,,,,0.05,open,0.50,1000,on,30s,1m
",
    );
    let server = test_market.open();
    let (ann, ..) = cast(&server);
    for line in [
        "open S1 --format english",
        "open S2 --format english --quantity 5 --reserve 2 --step banded --buy-now 9 --extend-within 30s \
         --extend-by 20s --extend-mode reset --extensions-max 3",
        "open S3 --format dutch --step 1 --start 100 --interval 10s --floor 50",
        "open S4 --format sealed-first",
        "open S5 --format vickrey --reserve 50",
        "open S6 --format uniform",
        "open S7 --format pay-as-bid --quantity 100 --priority pro-rata --bids-max 3",
        "open S8 --format call",
        "open S8 --format call --quantity 100 --extend-by 3m --extensions-max 2 --tick 0.05 --book open \
         --collar 0.50 --collar-bps 1000 --market-extension on --random-end 30s --no-cancel 1m",
    ] {
        ann.does(line);
    }
    let market = Line::open(server.address()).snapshot();
    let (by_file, by_flags) = market.lots().split_at(9);
    for (file, flags) in by_file.iter().zip(by_flags) {
        assert_eq!((&file.terms, file.quantity), (&flags.terms, flags.quantity));
        assert_eq!((file.symbol, &file.book), (flags.symbol, &flags.book));
    }
}

#[test]
fn traders_bid_with_deposits_and_own_the_lots_they_win() {
    let test_market = test_market(3);
    let mut command = test_market.server();
    command.args(["--accounts", "funds"]);
    let server = Server::start(command);
    let (ann, mia, tom) = cast(&server);
    let paid = ann.does("deposit mia 100");
    assert_eq!(
        (&paid["cash"], &paid["free"]),
        (&json!("100.00"), &json!("100.00"))
    );
    mia.fails("deposit mia 100", REFUSED);
    ann.fails("deposit mia", USAGE);
    ann.fails("deposit mia 5 --shares 5 --of S2", USAGE);

    ann.does("open S2 --format english --open-for 1h");
    let short = mia.fails("bid S2 100.01", REFUSED);
    assert_eq!(short["code"], "insufficient_funds");
    mia.does("bid S2 60");
    let account = mia.does("account");
    assert_eq!(
        (&account["reserved"], &account["free"]),
        (&json!("60.00"), &json!("40.00"))
    );
    assert_eq!(
        ann.fails("withdraw mia 40.01", REFUSED)["code"],
        "insufficient_funds"
    );
    assert_eq!(tom.does("account")["cash"], "0.00");
    tom.fails("account mia", REFUSED);

    ann.does("close S2");
    let account = ann.does("account mia");
    assert_eq!(
        (&account["cash"], &account["reserved"]),
        (&json!("40.00"), &json!("0.00"))
    );
    let held = json!([{"symbol": "S2", "shares": "1", "reserved": "0"}]);
    assert_eq!(account["holdings"], held);
    ann.does("withdraw mia --shares 1 --of S2");
    assert_eq!(mia.does("account")["holdings"], json!([]));
}
