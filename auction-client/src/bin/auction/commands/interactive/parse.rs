//! What a person types at the questions, understood.

use auction_core::{Price, Quantity, Side};

use crate::args::target::Target;

/// At the list of lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    Again,
    Leave,
    Target(Target),
}

/// At a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bidding {
    /// The least bid.
    Least,
    Price(Price),
    Maximum(Price),
    /// An order of so many shares; without a limit at any price.
    Order(Side, Quantity, Option<Price>),
    Back,
    Leave,
}

/// Answer to the question who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginChoice {
    LogIn,
    Register,
    Look,
    Leave,
}

/// Understands a line at the list of lots.
///
/// # Errors
/// What was wrong, for the person.
pub fn menu(line: &str) -> Result<Menu, String> {
    match line.to_ascii_lowercase().as_str() {
        "" => Ok(Menu::Again),
        // Symbols of one letter exist: `q` alone leaves, `#N` reaches them all.
        "q" | "quit" | "exit" => Ok(Menu::Leave),
        _ => line
            .parse()
            .map(Menu::Target)
            .map_err(|error| format!("{line:?} {error}")),
    }
}

/// Understands a line at a lot.
///
/// # Errors
/// What was wrong, for the person.
pub fn bidding(line: &str) -> Result<Bidding, String> {
    let price = |text: &str| Price::parse(text).map_err(|error| format!("{text:?} {error}"));
    let lower = line.to_ascii_lowercase();
    match lower.as_str() {
        "" => Ok(Bidding::Least),
        "b" | "back" => Ok(Bidding::Back),
        "q" | "quit" | "exit" => Ok(Bidding::Leave),
        other => match other.strip_prefix("max") {
            Some(maximum) => price(maximum.trim()).map(Bidding::Maximum),
            None if other.contains(' ') => order(other),
            None => price(other).map(Bidding::Price),
        },
    }
}

/// `500 12.5`, `buy 500 12.5`, `sell 500 market`.
fn order(line: &str) -> Result<Bidding, String> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let side = match words.first() {
        Some(&"sell") => Side::Sell,
        _ => Side::Buy,
    };
    if matches!(words.first(), Some(&("buy" | "sell"))) {
        words.remove(0);
    }
    let [quantity, limit] = words[..] else {
        return Err(format!(
            "{line:?} is no order; expected for example 500 12.5, or sell 500 market"
        ));
    };
    let quantity = quantity
        .parse()
        .map_err(|error| format!("{quantity:?} {error}"))?;
    let limit = match limit {
        "market" => None,
        price => Some(Price::parse(price).map_err(|error| format!("{price:?} {error}"))?),
    };
    Ok(Bidding::Order(side, quantity, limit))
}

/// Parses the answer to the question who is there.
pub fn login_choice(line: &str) -> Option<LoginChoice> {
    match line.to_ascii_lowercase().as_str() {
        "l" | "login" | "log in" => Some(LoginChoice::LogIn),
        "r" | "register" => Some(LoginChoice::Register),
        "n" | "no" | "look" => Some(LoginChoice::Look),
        "q" | "quit" | "exit" => Some(LoginChoice::Leave),
        _ => None,
    }
}

/// Whether a bid is so far above the least that it may be a slip.
pub fn is_large_jump(price: Price, least: Option<Price>) -> bool {
    /// From so many times the least bid on, the person is asked again.
    const TIMES: u64 = 10;
    least.is_some_and(|least| price.units() >= least.units().saturating_mul(TIMES).max(1))
}

#[cfg(test)]
mod tests {
    use auction_core::LotId;

    use super::*;

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    #[test]
    fn what_people_type_is_understood_or_told_what_would_be_right() {
        assert_eq!(menu(""), Ok(Menu::Again));
        assert_eq!(menu("Q"), Ok(Menu::Leave));
        assert_eq!(menu("aapl"), Ok(Menu::Target("AAPL".parse().unwrap())));
        assert_eq!(menu("#7"), Ok(Menu::Target(Target::Lot(LotId(7)))));
        assert!(menu("a b").unwrap_err().contains("is not a symbol"));

        assert_eq!(bidding(""), Ok(Bidding::Least));
        assert_eq!(bidding("1.40"), Ok(Bidding::Price(price("1.40"))));
        assert_eq!(bidding("max 2"), Ok(Bidding::Maximum(price("2"))));
        assert_eq!(bidding("MAX2.5"), Ok(Bidding::Maximum(price("2.5"))));
        assert_eq!(bidding("b"), Ok(Bidding::Back));
        assert_eq!(bidding("quit"), Ok(Bidding::Leave));
        let of = |shares| Quantity::new(shares).unwrap();
        assert_eq!(
            bidding("500 12.5"),
            Ok(Bidding::Order(Side::Buy, of(500), Some(price("12.5"))))
        );
        assert_eq!(
            bidding("Sell 5 market"),
            Ok(Bidding::Order(Side::Sell, of(5), None))
        );
        for wrong in ["buy", "buy 1 2 3", "0 1", "1 x"] {
            assert!(bidding(wrong).is_err(), "{wrong}");
        }
        for wrong in ["1,40", "max", "-1", "lots"] {
            assert!(
                bidding(wrong).unwrap_err().contains("is not a decimal"),
                "{wrong}"
            );
        }

        assert_eq!(login_choice("L"), Some(LoginChoice::LogIn));
        assert_eq!(login_choice("register"), Some(LoginChoice::Register));
        assert_eq!(login_choice("x"), None);
    }

    #[test]
    fn only_a_large_jump_is_asked_again() {
        assert!(!is_large_jump(price("1.40"), Some(price("1.40"))));
        assert!(!is_large_jump(price("13.99"), Some(price("1.40"))));
        assert!(is_large_jump(price("14"), Some(price("1.40"))));
        assert!(!is_large_jump(price("14"), None));
    }
}
