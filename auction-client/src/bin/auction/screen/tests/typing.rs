//! Typed text stays, and nothing moves by itself.

use auction_core::LotId;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::screen::events::{Effect, Input};
use crate::screen::model::Page;
use crate::screen::tests::fixture::Stage;

#[test]
fn keys_go_where_people_expect() {
    let cases: [(&str, &[KeyCode], u32); 7] = [
        ("down", &[KeyCode::Down], 2),
        (
            "j twice, k once",
            &[KeyCode::Char('j'), KeyCode::Char('j'), KeyCode::Char('k')],
            2,
        ),
        ("end", &[KeyCode::End], 5),
        ("G and g", &[KeyCode::Char('G'), KeyCode::Char('g')], 1),
        ("up at the top", &[KeyCode::Up], 1),
        ("down beyond the end", &[KeyCode::Down; 9], 5),
        ("page down", &[KeyCode::PageDown], 5),
    ];
    for (name, keys, chosen) in cases {
        let mut stage = Stage::of_mia();
        stage.shows(80, 24);
        keys.iter().for_each(|key| stage.key(*key));
        assert_eq!(stage.model.list.chosen, Some(LotId(chosen)), "{name}");
    }
}

#[test]
fn a_lot_is_opened_and_left() {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    for (open, leave) in [
        (KeyCode::Enter, KeyCode::Esc),
        (KeyCode::Char('l'), KeyCode::Char('h')),
        (KeyCode::Right, KeyCode::Left),
    ] {
        stage.key(open);
        assert_eq!(stage.model.page, Page::Lot(LotId(1)));
        stage.key(leave);
        assert_eq!(stage.model.page, Page::Lots);
    }
}

#[test]
fn the_filter_narrows_the_list_as_it_is_typed() {
    let mut stage = Stage::of_mia();
    stage.types("/brk");
    let screen = stage.shows(80, 24);
    assert!(screen.contains("1 of 5 lots"), "{screen}");
    assert!(
        screen.contains("BRK.B") && !screen.contains("AAPL"),
        "{screen}"
    );
    // While the filter is typed, letters are no key bindings.
    stage.types("q");
    assert!(stage.shows(80, 24).contains("No lot is like that"));
    stage.key(KeyCode::Esc);
    assert!(stage.shows(80, 24).contains("5 lots"));
    stage.types("/vickrey");
    stage.enters();
    stage.types("b");
    assert!(stage.shows(80, 24).contains("Sealed bid on NVDA #4"));
}

#[test]
fn letters_are_letters_in_a_form() {
    let mut stage = Stage::looking_on();
    stage.types("L");
    stage.types("qqq?");
    assert!(stage.effects.is_empty());
    assert!(stage.shows(80, 24).contains("name          qqq?"));
    stage.takes(Input::Paste("mia\nrest".into()));
    assert!(stage.shows(80, 24).contains("name          qqq?mia"));
}

#[test]
fn leaving_is_one_key_and_ctrl_c_leaves_from_anywhere() {
    let mut stage = Stage::of_mia();
    stage.types("q");
    assert!(matches!(stage.effects[..], [Effect::Leave]));
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    stage.types("b");
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    stage.takes(Input::Key(control_c));
    assert!(matches!(stage.effects[..], [Effect::Leave]));
}

#[test]
fn a_price_steps_up_and_down_and_never_under_the_least_bid() {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    stage.types("b");
    for (key, price) in [
        (KeyCode::Up, "1.41"),
        (KeyCode::Up, "1.42"),
        (KeyCode::Down, "1.41"),
        (KeyCode::Down, "1.40"),
        (KeyCode::Down, "1.40"),
    ] {
        stage.key(key);
        let form = stage.model.form.as_ref().unwrap();
        assert_eq!(form.text(1), price);
    }
    stage.tom_leads("1.50", "1.51");
    let form = stage.model.form.as_ref().unwrap();
    assert_eq!(
        form.text(1),
        "1.40",
        "bids of others do not change the price"
    );
    stage.key(KeyCode::Up);
    let form = stage.model.form.as_ref().unwrap();
    assert_eq!(form.text(1), "1.51");
}

#[test]
fn wrong_input_is_reported_and_kept() {
    let mut stage = Stage::of_mia();
    stage.shows(80, 24);
    stage.types("b1,40");
    stage.enters();
    assert!(stage.asks().is_empty());
    let screen = stage.shows(80, 24);
    assert!(
        screen.contains("! \"1,40\" is not a decimal; expected for example 12.50"),
        "{screen}"
    );
    let form = stage.model.form.as_ref().unwrap();
    assert_eq!(form.text(1), "1,40");
}

#[test]
fn different_passwords_are_reported_and_cleared() {
    let mut stage = Stage::looking_on();
    stage.types("L");
    stage.key(KeyCode::Right);
    stage.key(KeyCode::Tab);
    stage.types("mia");
    stage.enters();
    stage.types("one");
    stage.enters();
    stage.types("two");
    stage.enters();
    assert!(stage.asks().is_empty());
    let screen = stage.shows(80, 24);
    assert!(screen.contains("the two passwords differ"), "{screen}");
    assert!(!screen.contains('•'), "{screen}");
}
