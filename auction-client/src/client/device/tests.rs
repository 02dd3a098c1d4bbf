//! A device, and relays that are honest or cheat: the device returns the market's own answer, or reports that it has
//! none.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auction_core::{
    DeviceKey, FeedSequence, LotId, MarketId, Price, Reply, RequestId, SessionId, Span, Timestamp,
};
use auction_proto::seal::OpeningKey;
use auction_proto::{
    Accepted, AnswerStatement, Bid, Code, Done, Envelope, EnvelopeAnswer, EnvelopeCommand, Refused,
    SealedAnswer, SealingKey, SigningKey,
};
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use super::{Device, DeviceError};
use crate::client::relay::{Relay, RelayError};

const MARKET: MarketId = MarketId([7; 16]);
const WITHIN: Duration = Duration::from_secs(30);

/// A market that handles envelopes like a real one, as far as a device can observe.
#[derive(Clone)]
struct Market(Arc<Mutex<Inside>>);

struct Inside {
    done: BTreeMap<RequestId, EnvelopeCommand>,
    effects: u32,
    begun: Instant,
    /// Its answer to the first envelope.
    first: Option<SealedAnswer>,
}

fn signing() -> SigningKey {
    SigningKey::new(&[0x42; 32])
}

fn opening() -> OpeningKey {
    OpeningKey::new(&[0x55; 32])
}

fn device() -> Device {
    Device {
        market: MARKET,
        market_key: signing().public(),
        number: SessionId(300),
        key: SigningKey::new(&[0x44; 32]),
    }
}

/// The server's time when a test begins.
fn noon() -> Timestamp {
    Timestamp::from_secs(1_795_000_000)
}

impl Market {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Inside {
            done: BTreeMap::new(),
            effects: 0,
            begun: Instant::now(),
            first: None,
        })))
    }

    fn effects(&self) -> u32 {
        self.0.lock().unwrap().effects
    }

    fn take(&self, envelope: &Envelope) -> Result<SealedAnswer, RelayError> {
        let opened = envelope.open(MARKET, &opening()).map_err(|error| {
            let refused = Refused::new(Code::ENVELOPE_UNREADABLE, error);
            RelayError::Refused(Box::new(refused))
        })?;
        let key = DeviceKey(device().key.public().0);
        opened.verify(key).expect("only this device has asked");
        let mut inside = self.0.lock().unwrap();
        let statement = opened.statement;
        let passed = Span::from_micros(inside.begun.elapsed().as_micros() as u64).unwrap();
        let now = noon().saturating_add(passed);
        let late = statement.expires_at <= now;
        let far = statement.expires_at > now.saturating_add(Span::from_secs(60));
        let answer = match inside.done.get(&statement.request) {
            Some(command) if *command == statement.command => accepted(Done::Before),
            Some(_) => EnvelopeAnswer::Refused(Refused::new(Code::REQUEST_REUSED, "reused")),
            None if late || far => {
                let refused = Refused::new(Code::ENVELOPE_EXPIRED, "expired").with_time(now);
                EnvelopeAnswer::Refused(refused)
            }
            None => {
                inside.effects += 1;
                inside.done.insert(statement.request, statement.command);
                accepted(Done::Now)
            }
        };
        let told = AnswerStatement {
            market: MARKET,
            envelope: envelope.hash(),
            time: now,
            answer,
        };
        let sealed = told.seal(&signing(), &statement.answer_key, &rand::random());
        let sealed = sealed.unwrap();
        inside.first.get_or_insert(sealed.clone());
        Ok(sealed)
    }
}

fn accepted(done: Done) -> EnvelopeAnswer {
    EnvelopeAnswer::Accepted(Accepted {
        feed_sequence: FeedSequence(7),
        done,
        reply: Reply::Done,
    })
}

/// Behaviour of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Honest,
    /// Drops the envelope.
    Drops,
    /// Relays the envelope, and withholds the answer.
    KeepsTheAnswer,
    /// Flips a bit of the envelope.
    FlipsBits,
    /// Flips a bit of the answer.
    FlipsBitsOfTheAnswer,
    /// Returns the market's answer to another envelope.
    BringsAnother,
    /// Invents an answer.
    MakesOneUp,
    /// Claims that the market refused.
    SaysNo,
    /// Relays the envelope several times.
    Replays,
    /// Returns its own key to seal to.
    BringsItsOwnKey,
}

const CHEATS: [Sort; 9] = [
    Sort::Drops,
    Sort::KeepsTheAnswer,
    Sort::FlipsBits,
    Sort::FlipsBitsOfTheAnswer,
    Sort::BringsAnother,
    Sort::MakesOneUp,
    Sort::SaysNo,
    Sort::Replays,
    Sort::BringsItsOwnKey,
];

#[derive(Clone)]
struct Someone {
    sort: Sort,
    market: Market,
    takes: Duration,
}

impl Relay for Someone {
    async fn sealing_key(&self) -> Result<SealingKey, RelayError> {
        match self.sort {
            Sort::BringsItsOwnKey => {
                let own = SigningKey::new(&[0x66; 32]);
                Ok(OpeningKey::new(&[0x66; 32]).signed(MARKET, &own))
            }
            Sort::Drops => Err(RelayError::Lost("nothing came back".to_owned())),
            _ => Ok(opening().signed(MARKET, &signing())),
        }
    }

    async fn relay(&self, envelope: Envelope) -> Result<SealedAnswer, RelayError> {
        sleep(self.takes).await;
        match self.sort {
            Sort::Honest => self.market.take(&envelope),
            Sort::Drops | Sort::BringsItsOwnKey => std::future::pending().await,
            Sort::KeepsTheAnswer => {
                let _ = self.market.take(&envelope);
                Err(RelayError::Lost("nothing came back".to_owned()))
            }
            Sort::FlipsBits => {
                let mut changed = envelope.sealed.to_vec();
                changed[100] ^= 1;
                let sealed = changed.try_into().unwrap();
                self.market.take(&Envelope { sealed })
            }
            Sort::FlipsBitsOfTheAnswer => {
                let mut changed = self.market.take(&envelope)?.sealed.to_vec();
                changed[100] ^= 1;
                let sealed = changed.try_into().unwrap();
                Ok(SealedAnswer { sealed })
            }
            Sort::BringsAnother => {
                let first = self.market.0.lock().unwrap().first.clone();
                first.ok_or_else(|| RelayError::Lost("it has none yet".to_owned()))
            }
            Sort::MakesOneUp => {
                let told = AnswerStatement {
                    market: MARKET,
                    envelope: envelope.hash(),
                    time: noon(),
                    answer: accepted(Done::Now),
                };
                // It does not know the device's key.
                let key = OpeningKey::new(&[0x66; 32]).public();
                Ok(told
                    .seal(&SigningKey::new(&[0x66; 32]), &key, &[1; 32])
                    .unwrap())
            }
            Sort::SaysNo => {
                let refused = Refused::new(Code::SUSPENDED, "you are suspended");
                Err(RelayError::Refused(Box::new(refused)))
            }
            Sort::Replays => {
                for _ in 0..3 {
                    let _ = self.market.take(&envelope);
                }
                self.market.take(&envelope)
            }
        }
    }
}

fn bid(cents: u64) -> EnvelopeCommand {
    EnvelopeCommand::Bid(Bid {
        lot: LotId(1),
        price: Price::from_units(100 * cents).unwrap(),
    })
}

fn all_of(market: &Market, sorts: &[(Sort, u64)]) -> Vec<Someone> {
    let someone = |(sort, millis): &(Sort, u64)| Someone {
        sort: *sort,
        market: market.clone(),
        takes: Duration::from_millis(*millis),
    };
    sorts.iter().map(someone).collect()
}

async fn ask(
    market: &Market,
    sorts: &[(Sort, u64)],
    request: u64,
    now: Timestamp,
) -> Result<Accepted, DeviceError> {
    let carriers = all_of(market, sorts);
    let asked = (RequestId(request), bid(140));
    device().ask(&carriers, asked, now, WITHIN).await
}

#[tokio::test(start_paused = true)]
async fn an_honest_relay_brings_the_markets_answer() {
    let market = Market::new();
    let told = ask(&market, &[(Sort::Honest, 5)], 1, noon()).await.unwrap();
    assert_eq!((told.done, market.effects()), (Done::Now, 1));
}

#[tokio::test(start_paused = true)]
async fn cheating_relays_alone_leave_the_outcome_unknown() {
    for sort in CHEATS {
        let market = Market::new();
        // The answer that `BringsAnother` returns in place of the right one.
        ask(&market, &[(Sort::Honest, 0)], 1, noon()).await.unwrap();
        let passed = Span::from_micros(market.0.lock().unwrap().begun.elapsed().as_micros() as u64);
        let now = noon().saturating_add(passed.unwrap());
        let told = ask(&market, &[(sort, 5)], 2, now).await;
        match (sort, told) {
            (Sort::Replays, Ok(told)) => {
                assert_eq!(told.done, Done::Before, "the last of its copies");
                assert_eq!(market.effects(), 2);
            }
            (Sort::Drops | Sort::BringsItsOwnKey, Err(DeviceError::NotSent(_))) => {
                assert_eq!(market.effects(), 1, "{sort:?}");
            }
            (_, Err(DeviceError::OutcomeUnknown { request, until, .. })) => {
                assert_eq!(request, RequestId(2), "{sort:?}");
                assert!(until > now, "{sort:?}");
                // Through an honest relay the same request is answered, and is done once.
                let told = ask(&market, &[(Sort::Honest, 5)], 2, now).await;
                assert!(told.is_ok(), "{sort:?}: {told:?}");
                assert_eq!(market.effects(), 2, "{sort:?}");
            }
            (_, told) => panic!("{sort:?}: {told:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_corrected_by_the_market_and_retried_once() {
    for off in [3_600, 61, 1] {
        let market = Market::new();
        let ahead = noon().saturating_add(Span::from_secs(off));
        let told = ask(&market, &[(Sort::Honest, 5)], 1, ahead).await.unwrap();
        assert_eq!((told.done, market.effects()), (Done::Now, 1));
        let behind = Timestamp::from_secs(noon().micros() / 1_000_000 - off);
        let market = Market::new();
        let told = ask(&market, &[(Sort::Honest, 5)], 1, behind).await.unwrap();
        assert_eq!((told.done, market.effects()), (Done::Now, 1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn one_honest_relay_among_cheats_suffices_and_it_is_done_once(
        cheats in proptest::collection::vec((0..CHEATS.len(), 0..2_000_u64), 0..6),
        place in 0..6_usize,
        takes in 0..2_000_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let (told, effects) = runtime.block_on(async {
            let market = Market::new();
            let mut sorts: Vec<_> = cheats.iter().map(|(sort, takes)| (CHEATS[*sort], *takes)).collect();
            sorts.insert(place.min(sorts.len()), (Sort::Honest, takes));
            (ask(&market, &sorts, 1, noon()).await, market.effects())
        });
        prop_assert!(told.is_ok(), "{told:?}");
        prop_assert_eq!(effects, 1);
    }
}
