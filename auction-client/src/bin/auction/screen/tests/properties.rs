//! Properties that hold for any events in any order.

use auction_client::Update;
use auction_core::{ExtensionCause, LotId, Price, PublicEvent};
use proptest::prelude::*;
use ratatui::crossterm::event::KeyCode;

use crate::fixture::after;
use crate::screen::events::Input;
use crate::screen::model::NoticeKind;
use crate::screen::tests::fixture::Stage;

/// An event that the user does not cause.
#[derive(Clone, Copy, Debug)]
enum Happening {
    /// A user bids this much above the price.
    Bid(u32, u64),
    Extended(u64),
    Halted,
    Resumed,
    Counted(u32),
    Lost,
    Live,
    Snapshot,
    Tick(u64),
    Resize(u16, u16),
    Frame,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1..=2_u32, 1..5_000_u64).prop_map(|(who, by)| Happening::Bid(who, by)),
        1 => (1..100_u64).prop_map(Happening::Extended),
        1 => Just(Happening::Halted),
        1 => Just(Happening::Resumed),
        1 => (0..9_u32).prop_map(Happening::Counted),
        1 => Just(Happening::Lost),
        1 => Just(Happening::Live),
        1 => Just(Happening::Snapshot),
        2 => (0..40_u64).prop_map(Happening::Tick),
        2 => (0..200_u16, 0..60_u16).prop_map(|(columns, rows)| Happening::Resize(columns, rows)),
        2 => Just(Happening::Frame),
    ]
}

impl Stage {
    fn goes_on(&mut self, happening: Happening) {
        let lot = LotId(1);
        let found = self.market.lot(lot).unwrap();
        let halted = found.halted_since.is_some();
        match happening {
            Happening::Bid(who, by) if !halted => {
                let price = found.price().unwrap_or(found.base_price).units() + by;
                let at = Price::from_units(price).unwrap().to_string();
                let least = Price::from_units(price + 100).unwrap().to_string();
                self.happens(crate::fixture::bid(who, Some(&at), who, &at, &least));
            }
            Happening::Extended(by) if !halted => {
                let closes_at = after(300 + self.now + by);
                let cause = ExtensionCause::SoftClose;
                self.happens(PublicEvent::LotExtended {
                    lot,
                    closes_at,
                    cause,
                });
            }
            Happening::Halted if !halted => self.happens(PublicEvent::LotHalted { lot }),
            Happening::Resumed if halted => {
                let (opened_at, closes_at) = (found.opened_at, after(self.now + 300));
                self.happens(PublicEvent::LotResumed {
                    lot,
                    opened_at,
                    closes_at,
                });
            }
            Happening::Counted(bidders) => {
                let lot = LotId(4);
                self.happens(PublicEvent::BiddersCounted { lot, bidders });
            }
            Happening::Lost => self.loses_connection(),
            Happening::Live => self.takes(Input::Feed(Update::Live)),
            Happening::Snapshot => self.takes(Input::Feed(Update::Snapshot)),
            Happening::Tick(seconds) => {
                self.now += seconds;
                self.tick();
            }
            Happening::Resize(columns, rows) => {
                self.shows(columns, rows);
            }
            Happening::Frame => {
                self.shows(80, 24);
            }
            _ => {}
        }
    }
}

/// Keys that open a page or a form, with some input.
const PLACES: [&str; 8] = ["", "b1.4", "/aa", "L", "e", "?", "\n", "\nb2"];

fn at_a_place(keys: &str) -> Stage {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    for key in keys.chars() {
        match key {
            '\n' => stage.key(KeyCode::Enter),
            key => stage.key(KeyCode::Char(key)),
        }
    }
    stage
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Events of others never move the focus, change typed text, or leave the page.
    #[test]
    fn what_others_do_leaves_focus_and_typing_alone(
        place in 0..PLACES.len(),
        happenings in proptest::collection::vec(happening(), 0..30),
    ) {
        let mut stage = at_a_place(PLACES[place]);
        let focus = |stage: &Stage| {
            let model = &stage.model;
            let fields = model.form.as_ref().map(|form| {
                let texts: Vec<_> = (0..form.fields.len())
                    .map(|field| (form.text(field), form.choice(field)))
                    .collect();
                (form.about, form.at, texts)
            });
            let list = &model.list;
            let filter = (list.filter.text().to_owned(), list.filter.cursor(), list.typing);
            (fields, filter, list.chosen, model.page, model.help)
        };
        let before = focus(&stage);
        for happening in happenings {
            stage.goes_on(happening);
            prop_assert_eq!(&focus(&stage), &before);
        }
    }

    /// A user who has bid on a lot and does not lead it sees a notice until they confirm it.
    #[test]
    fn a_bidder_who_does_not_lead_sees_a_notice_until_confirmed(
        happenings in proptest::collection::vec(happening(), 0..40),
    ) {
        let mut stage = Stage::of_mia();
        let mut has_bid = false;
        for happening in happenings {
            stage.goes_on(happening);
            let leader = stage.market.lots()[0].leader().map(|leader| leader.0);
            has_bid |= leader == Some(1);
            let told = stage.model.notices.iter().any(|notice| {
                notice.lot == LotId(1) && notice.kind == NoticeKind::Outbid
            });
            prop_assert_eq!(told, has_bid && leader != Some(1));
            if told && stage.model.form.is_none() {
                prop_assert!(stage.shows(80, 24).contains("OUTBID on AAPL #1"));
            }
        }
    }

    /// Any keys, at any size: no panic, and every frame fits.
    #[test]
    fn any_keys_at_any_size_are_drawn(
        keys in proptest::collection::vec(
            prop_oneof![
                4 => proptest::char::range(' ', '~').prop_map(KeyCode::Char),
                1 => Just(KeyCode::Enter), 1 => Just(KeyCode::Esc), 1 => Just(KeyCode::Tab),
                1 => Just(KeyCode::Up), 1 => Just(KeyCode::Down), 1 => Just(KeyCode::Left),
                1 => Just(KeyCode::Right), 1 => Just(KeyCode::PageDown), 1 => Just(KeyCode::End),
                1 => Just(KeyCode::Home), 1 => Just(KeyCode::Backspace), 1 => Just(KeyCode::BackTab),
            ], 0..40),
        columns in 0..160_u16,
        rows in 0..50_u16,
        happenings in proptest::collection::vec(happening(), 0..8),
    ) {
        let mut stage = Stage::of_mia();
        stage.mia_leads("1.40", "1.41");
        for happening in happenings {
            stage.goes_on(happening);
        }
        for key in keys {
            stage.key(key);
            stage.shows(columns, rows);
        }
    }
}

#[test]
fn many_lots_request_only_the_histories_on_the_screen() {
    let symbols: Vec<_> = (0..1_000).map(|n| format!("S{n}")).collect();
    let listed = symbols.iter().map(|symbol| crate::fixture::listed(symbol));
    let opened = (1..=1_000).map(|n| crate::fixture::opened(n, &symbols[n as usize - 1]));
    let people = [
        crate::fixture::user(1, "mia"),
        crate::fixture::user(2, "tom"),
    ];
    let mut stage = Stage::of(crate::fixture::market(listed.chain(people).chain(opened)));
    for units in 0..2_000_u64 {
        let at = Price::from_units(14_000 + units * 100).unwrap().to_string();
        let least = Price::from_units(14_100 + units * 100).unwrap().to_string();
        stage.happens(crate::fixture::bid(2, Some(&at), 2, &at, &least));
    }
    stage.shows(80, 24);
    let visible = stage.model.list.visible().len();
    assert!((10..24).contains(&visible), "{visible}");
    // Only one lot on the screen has bids.
    assert_eq!(stage.asks().len(), 1);
    stage.shows(80, 24);
    assert!(stage.asks().is_empty());
}
