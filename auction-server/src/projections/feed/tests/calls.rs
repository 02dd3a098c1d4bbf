//! What is told of call auctions beside the feed.

use auction_core::{
    CallTerms, Caller, Command, Credential, LotId, Name, OpenLot, OrderId, Quantity, Registration,
    Role, Side, Terms,
};

use super::*;

/// A market with two calls, and what it has done is durable at once.
struct Calls {
    engine: Engine,
    hub: Option<Hub>,
}

const CALLS: [LotId; 2] = [LotId(1), LotId(2)];

impl Calls {
    fn open() -> Self {
        let mut calls = Self {
            engine: Engine::new(ID),
            hub: None,
        };
        for (_, event) in listings(1, 2) {
            let Event::Public(PublicEvent::StockListed(listing)) = event else {
                panic!("stocks are listed");
            };
            calls.does(Caller::Operator, Command::ListStock(listing));
        }
        for number in 1..=2 {
            let registration = Registration {
                name: Name::parse(&format!("trader-{number}")).unwrap(),
                role: Role::Trader,
                credential: Credential::new(&[7]).unwrap(),
            };
            calls.does(Caller::Operator, Command::Register(Box::new(registration)));
        }
        for lot in CALLS {
            calls.open_call(lot);
        }
        calls
    }

    fn open_call(&mut self, lot: LotId) {
        let open = OpenLot {
            symbol: Symbol::parse(&format!("S{}", 2 - lot.0 % 2)).unwrap(),
            quantity: Quantity::ONE,
            opens_at: None,
            closes_at: Timestamp::from_secs(100),
            terms: Terms::Call(CallTerms::default()),
            reserve: None,
        };
        self.does(Caller::Operator, Command::OpenLot(Box::new(open)));
    }

    fn does(&mut self, caller: Caller, command: Command) {
        let decided = self
            .engine
            .execute(Timestamp::from_secs(1), caller, command);
        let record = decided.unwrap().into_record().unwrap();
        let at = record.at;
        let events: Vec<_> = record.events.into_iter().map(|event| (at, event)).collect();
        if let Some(hub) = &self.hub {
            let touched = indicative::touched(&self.engine, &events);
            hub.publish_and_wake(events, touched);
        }
    }

    fn orders(&mut self, user: u32, lot: LotId, side: Side, cents: u64) {
        let place = Command::PlaceOrder {
            lot,
            side,
            quantity: Quantity::ONE,
            limit: Some(Price::from_units(cents * 100).unwrap()),
        };
        self.does(Caller::User(UserId(user)), place);
    }

    /// Reads until the watcher knows of each open call what its uncross would give.
    async fn caught_up(&self, watcher: &mut Watcher) {
        let Watcher { watching, told } = watcher;
        let newest = |told: &[Indicative], lot| told.iter().rfind(|of| of.lot == lot).cloned();
        let knows = |told: &[Indicative]| {
            let mut all = indicative::all(&self.engine).into_iter();
            all.all(|now| {
                newest(told, now.lot).is_some_and(|told| told.indicative == now.indicative)
            })
        };
        while !knows(told) {
            let next = tokio::time::timeout(Duration::from_secs(60), watching.feed.next());
            if let FeedMessage::Indicative(next) = &*next.await.unwrap().unwrap() {
                told.push(next.indicative.clone());
            }
        }
    }
}

/// Someone who watches, and what they were told of calls.
struct Watcher {
    watching: Subscribed,
    told: Vec<Indicative>,
}

impl Watcher {
    async fn begin(hub: &Hub) -> Self {
        Self {
            watching: hub.watch(None).await.unwrap(),
            told: Vec::new(),
        }
    }

    fn lots(&self) -> Vec<LotId> {
        self.told.iter().map(|told| told.lot).collect()
    }
}

#[tokio::test]
async fn of_each_open_call_a_watcher_is_told_the_newest_whenever_they_begin_to_watch() {
    let mut calls = Calls::open();
    let [register, other] = CALLS;
    calls.orders(1, register, Side::Buy, 110);
    // Orders that were there before the hub.
    let hub = hub_of(&calls.engine);
    calls.hub = Some(hub.clone());
    let mut early = Watcher::begin(&hub).await;
    calls.caught_up(&mut early).await;
    assert_eq!(early.lots(), CALLS);

    for cents in 100..200 {
        calls.orders(2, other, Side::Sell, 200 - cents);
        calls.orders(1, register, Side::Buy, cents);
    }
    calls.caught_up(&mut early).await;
    let mut late = Watcher::begin(&hub).await;
    calls.caught_up(&mut late).await;
    assert_eq!(
        late.told.len(),
        CALLS.len(),
        "the newest alone: {:?}",
        late.told
    );

    calls.does(Caller::Operator, Command::CloseLot { lot: register });
    calls.open_call(LotId(3));
    let mut latest = Watcher::begin(&hub).await;
    calls.caught_up(&mut latest).await;
    assert!(!latest.lots().contains(&register), "it has closed");
    calls.does(
        Caller::User(UserId(2)),
        Command::CancelOrder {
            lot: other,
            order: OrderId(1),
        },
    );
    for watcher in [&mut early, &mut late, &mut latest] {
        calls.caught_up(watcher).await;
    }
}

#[tokio::test]
async fn of_a_call_nothing_is_told_before_its_opening_or_behind_its_close() {
    let mut calls = Calls::open();
    let hub = hub_of(&calls.engine);
    calls.hub = Some(hub.clone());
    let mut watching = hub.watch(None).await.unwrap();
    let mut open: Vec<LotId> = CALLS.into();
    let mut told = 0;
    for number in 3..200 {
        let lot = LotId(number);
        calls.open_call(lot);
        calls.orders(1, lot, Side::Buy, 100);
        if number % 2 == 0 {
            calls.does(Caller::Operator, Command::CloseLot { lot });
        }
        sleep(indicatives::INDICATIVE_EVERY / 20).await;
        while let Some(published) = watching.feed.try_next().unwrap() {
            match &*published {
                FeedMessage::Batch(batch) => {
                    for entry in batch.feed.entries.iter() {
                        match &entry.event {
                            PublicEvent::LotOpened(opened) => open.push(opened.lot),
                            PublicEvent::LotClosed { lot, .. } => open.retain(|of| of != lot),
                            _ => {}
                        }
                    }
                }
                FeedMessage::Indicative(indicated) => {
                    assert!(open.contains(&indicated.indicative.lot), "{indicated:?}");
                    told += 1;
                }
                FeedMessage::Heartbeat(_) => {}
            }
        }
    }
    assert!(told > 0);
}

#[tokio::test]
async fn an_order_that_is_replaced_or_taken_back_changes_what_is_told() {
    let mut calls = Calls::open();
    let hub = hub_of(&calls.engine);
    calls.hub = Some(hub.clone());
    let mut watcher = Watcher::begin(&hub).await;
    let (lot, order) = (CALLS[0], OrderId(1));
    // Each is alone in the book, so that nothing else tells of it.
    calls.orders(1, lot, Side::Buy, 110);
    calls.caught_up(&mut watcher).await;
    let replace = Command::ReplaceOrder {
        lot,
        order,
        quantity: Quantity::ONE,
        limit: Some(Price::from_units(12_000).unwrap()),
    };
    calls.does(Caller::User(UserId(1)), replace);
    calls.caught_up(&mut watcher).await;
    calls.does(Caller::User(UserId(1)), Command::CancelOrder { lot, order });
    calls.caught_up(&mut watcher).await;
    calls.orders(2, lot, Side::Sell, 90);
    calls.caught_up(&mut watcher).await;
    let user = UserId(2);
    calls.does(Caller::Operator, Command::SuspendUser { user });
    calls.caught_up(&mut watcher).await;
}
