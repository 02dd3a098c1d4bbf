//! `verify`: what is sound, torn, damaged, or not what the rules give.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use auction_core::{
    AccountMode, Actor, Amount, Asset, BidAccepted, Command, Event, Issue, LotId, Price,
    PublicEvent, Record, ReserveStatus, Role, Symbol, Timestamp, UserId,
};
use auction_server::testing::cli::verify::{Funds, Verified, verify};
use auction_server::testing::journal::{RealDisk, SnapshotStore};

use crate::stage::{START, Stage};

fn played() -> Stage {
    let mut stage = Stage::on_disk();
    stage.play();
    stage.close_all();
    stage
}

fn verified(stage: &Stage) -> Result<Verified, String> {
    verify(&stage.folder(), &mut |_| {}).map_err(|error| error.to_string())
}

fn segment(stage: &Stage) -> PathBuf {
    stage.folder().journal().join("00000000000000000001.seg")
}

#[test]
fn a_sound_journal_gives_the_digest_of_the_live_market_and_the_head_of_the_chain() {
    let stage = played();
    let verified = verified(&stage).unwrap();
    assert!(verified.is_sound() && verified.torn.is_none());
    assert_eq!(verified.records, stage.engine.sequence().0);
    assert_eq!(verified.frames, verified.records);
    assert_eq!(
        verified.digest,
        Some(stage.engine.market().clone().digest())
    );
    let head = stage.journal().position().chain;
    assert_eq!(verified.chain, Some(head));
    let digest = verified.digest.unwrap();
    assert_eq!(
        verified.to_string(),
        format!(
            "market  01010101010101010101010101010101\n\
             records 17: 1 to 17, in 17 frames\n\
             digest  {digest}\n\
             chain   {head}\n\
             tail    clean\n\
             every record follows the one before it and is what the rules give\n"
        )
    );
}

/// A market on credit has no books, and nothing is said of them.
#[test]
fn of_a_market_on_funds_the_books_are_told_added_up_from_the_accounts() {
    let mut stage = Stage::on_disk();
    let mode = AccountMode::Funds;
    stage.operate(0, Command::SetAccounts { mode });
    stage.list("AAPL", "01954", "1.32", "0");
    stage.register("mia", Role::Trader);
    stage.register("tom", Role::Trader);
    let amount = |text| Amount::parse(text).unwrap();
    let symbol = Symbol::parse("AAPL").unwrap();
    let quantity = "5".parse().unwrap();
    let shares = Asset::Shares { symbol, quantity };
    for (user, asset) in [
        (1, Asset::Cash(amount("100"))),
        (2, Asset::Cash(amount("50.5"))),
        (2, shares),
    ] {
        let user = UserId(user);
        stage.operate(1, Command::Deposit { user, asset });
    }
    stage.open("AAPL", 3, None);
    stage.bid(2, 1, 1, "2");
    stage.close_all();
    let verified = verified(&stage).unwrap();
    assert!(verified.is_sound());
    let funds = Funds {
        cash: amount("144.50"),
        proceeds: amount("6"),
        deposited: amount("150.50"),
        shares: vec![(
            symbol,
            8,
            Issue {
                deposited: 5,
                sold: 3,
            },
        )],
    };
    assert_eq!(verified.funds, Some(funds));
    let expected = "\
tail    clean
cash    150.50 deposited: traders have 144.50, lots were paid 6.00
shares  AAPL: 5 deposited and 3 sold by lots: traders have 8
every record follows the one before it and is what the rules give, and the accounts balance
";
    let said = verified.to_string();
    assert!(said.ends_with(expected), "{said}");
}

#[test]
fn a_journal_in_which_nothing_has_happened_is_sound() {
    let verified = verified(&Stage::on_disk()).unwrap();
    assert!(verified.is_sound());
    assert_eq!((verified.records, verified.digest), (0, None));
    assert!(verified.to_string().contains("records 0\n"));
}

#[test]
fn a_torn_tail_is_told_and_is_nothing_wrong() {
    let stage = played();
    let path = segment(&stage);
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end + 64..end + 80].fill(7);
    fs::write(&path, bytes).unwrap();
    let verified = verified(&stage).unwrap();
    assert!(verified.is_sound());
    assert!(verified.torn.is_some());
    assert!(
        verified.to_string().contains("tail    torn: "),
        "{verified}"
    );
}

#[test]
fn a_flipped_bit_is_damage_that_names_the_file() {
    let stage = played();
    let path = segment(&stage);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4_096 + 100] ^= 1;
    fs::write(&path, bytes).unwrap();
    let said = verified(&stage).unwrap_err();
    assert!(
        said.contains("00000000000000000001.seg is damaged at byte 4096"),
        "{said}"
    );
}

/// Whoever has the key can write a journal that is whole and whose chain is right. Deciding again finds it out.
#[test]
fn a_record_that_the_rules_do_not_give_is_found_though_the_journal_is_whole() {
    let mut stage = played();
    let (sequence, at) = (
        stage.engine.sequence().next(),
        Timestamp::from_secs(START + 20_000),
    );
    let (lot, price) = (LotId(1), Price::from_units(90_000).unwrap());
    let bid = BidAccepted {
        lot,
        bidder: UserId(1),
        amount: Some(price),
        leader: UserId(1),
        price,
        least: None,
        bidders: 2,
        reserve: ReserveStatus::None,
    };
    stage.take(&Record {
        sequence,
        at,
        rules: 1,
        actor: Actor::User(UserId(1)),
        request: None,
        command: Command::Bid { lot, price },
        events: [Event::Public(PublicEvent::BidAccepted(bid))]
            .into_iter()
            .collect(),
    });
    let said = verified(&stage).unwrap_err();
    assert!(said.contains("00000000000000000001.seg at byte"), "{said}");
    assert!(
        said.contains(
            "record 18 is not what the rules give: they refuse the command: lot 1 closed"
        ),
        "{said}"
    );
}

#[test]
fn a_snapshot_that_does_not_verify_is_wrong_though_the_records_are_right() {
    let stage = played();
    let store = SnapshotStore::new(Arc::new(RealDisk), &stage.folder().journal());
    store.save(stage.journal().position(), b"payload").unwrap();
    assert!(verified(&stage).unwrap().is_sound());

    let path = stage.folder().journal().join("00000000000000000017.snap");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let verified = verified(&stage).unwrap();
    assert!(!verified.is_sound());
    assert!(verified.to_string().contains("wrong   "), "{verified}");
}

#[test]
fn a_snapshot_beyond_the_last_record_tells_that_the_end_was_lost() {
    let stage = played();
    let before = fs::read(segment(&stage)).unwrap();
    let mut longer = stage;
    longer.list("MSFT", "1", "1", "0");
    let store = SnapshotStore::new(Arc::new(RealDisk), &longer.folder().journal());
    store.save(longer.journal().position(), b"payload").unwrap();
    fs::write(segment(&longer), before).unwrap();
    let verified = verified(&longer).unwrap();
    assert!(!verified.is_sound());
    assert!(
        verified.to_string().contains("its end is lost"),
        "{verified}"
    );
}
