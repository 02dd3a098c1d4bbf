//! Parsing of the user's answers.

use auction_core::{Price, Quantity, Side};

use crate::args::target::Target;

/// An answer at the list of lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Menu {
    Again,
    Leave,
    Target(Target),
}

/// An answer at a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bidding {
    /// Bid the least acceptable price.
    Least,
    Price(Price),
    Maximum(Price),
    /// An order for a number of shares; without a limit at any price.
    Order(Side, Quantity, Option<Price>),
    Back,
    Leave,
}

/// An answer to the login question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginChoice {
    LogIn,
    Register,
    Look,
    Leave,
}

/// Parses a line at the list of lots.
///
/// # Errors
/// A message about the mistake, for the user.
pub fn menu(line: &str) -> Result<Menu, String> {
    match line.to_ascii_lowercase().as_str() {
        "" => Ok(Menu::Again),
        // There are symbols of one letter: `q` always leaves, and `#N` selects any lot.
        "q" | "quit" | "exit" => Ok(Menu::Leave),
        _ => line
            .parse()
            .map(Menu::Target)
            .map_err(|error| format!("{line:?} {error}")),
    }
}

/// Parses a line at a lot.
///
/// # Errors
/// A message about the mistake, for the user.
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

/// Parses `500 12.5`, `buy 500 12.5`, `sell 500 market`.
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

/// Parses the answer to the login question.
pub fn login_choice(line: &str) -> Option<LoginChoice> {
    match line.to_ascii_lowercase().as_str() {
        "l" | "login" | "log in" => Some(LoginChoice::LogIn),
        "r" | "register" => Some(LoginChoice::Register),
        "n" | "no" | "look" => Some(LoginChoice::Look),
        "q" | "quit" | "exit" => Some(LoginChoice::Leave),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use auction_core::LotId;

    use super::*;

    fn price(text: &str) -> Price {
        Price::parse(text).unwrap()
    }

    #[test]
    fn answers_parse_or_name_the_expected_form() {
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
}
