//! Selection of a lot: programs name lots by number, people by symbol.

use std::str::FromStr;

use auction_client::{Code, LotsOf};
use auction_core::{Lot, LotId, Market, Phase, Symbol};
use clap::Args;

use crate::output::failure::Failure;

/// A lot or stock named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A stock: its open lot is meant.
    Symbol(Symbol),
    /// A lot, as `#7`.
    Lot(LotId),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix('#') {
            Some(number) => number
                .parse()
                .map(|number| Self::Lot(LotId(number)))
                .map_err(|_| "is not a lot; expected for example #7".to_owned()),
            None => Symbol::parse(text)
                .map(Self::Symbol)
                .map_err(|error| error.to_string()),
        }
    }
}

/// Arguments that select a lot.
#[derive(Clone, Copy, Debug, Args)]
pub struct Which {
    /// Symbol of the stock, or #N for the lot with this number.
    #[arg(value_name = "SYMBOL|#N")]
    pub target: Target,
    /// Number of the lot, when the symbol has several.
    #[arg(long, value_name = "N", value_parser = lot_number)]
    pub lot: Option<LotId>,
}

/// Parses a lot's number, with or without `#`.
pub fn lot_number(text: &str) -> Result<LotId, String> {
    let number = text.strip_prefix('#').unwrap_or(text).parse();
    number
        .map(LotId)
        .map_err(|_| "is not a lot's number; expected for example 7".to_owned())
}

impl Target {
    /// Returns the one lot that accepts bids. `number` selects it when the symbol has several.
    pub fn open_lot(self, market: &Market, number: Option<LotId>) -> Result<&Lot, Failure> {
        self.open_lot_of(&self.lots(market, number)?)
    }

    /// Returns the one lot of these, all of them named, that accepts bids.
    pub fn open_lot_of<'l>(self, lots: &[&'l Lot]) -> Result<&'l Lot, Failure> {
        // Of several, the one that has begun is selected.
        let begun = lots.iter().filter(|lot| lot.phase == Phase::Open);
        match begun.collect::<Vec<_>>().as_slice() {
            [one] => Ok(one),
            _ => self.unclosed_lot_of(lots),
        }
    }

    /// Returns the question to the market for these lots.
    pub fn question(self, number: Option<LotId>) -> LotsOf {
        match (self, number) {
            (_, Some(number)) | (Self::Lot(number), None) => LotsOf::Lot(number),
            (Self::Symbol(symbol), None) => LotsOf::Symbol(symbol),
        }
    }

    /// Checks that a lot which was found by its number is the named one, or of the named stock.
    pub fn check(self, found: &Lot) -> Result<(), Failure> {
        let is_named = match self {
            Self::Lot(number) => found.id == number,
            Self::Symbol(symbol) => found.symbol == symbol,
        };
        match is_named {
            true => Ok(()),
            false => Err(other_stock(found)),
        }
    }

    /// Returns the one lot that has not closed.
    pub fn unclosed_lot(self, market: &Market, number: Option<LotId>) -> Result<&Lot, Failure> {
        self.unclosed_lot_of(&self.lots(market, number)?)
    }

    fn unclosed_lot_of<'l>(self, lots: &[&'l Lot]) -> Result<&'l Lot, Failure> {
        let lot = self.any_lot_of(lots)?;
        if !lot.is_closed() {
            return Ok(lot);
        }
        let (id, symbol) = (lot.id, lot.symbol);
        let message = format!("lot #{id} of {symbol} has closed, and takes no more bids");
        Err(Failure::refused(Code::LOT_CLOSED, message))
    }

    /// Returns the newest closed lot.
    pub fn closed_lot(self, market: &Market, number: Option<LotId>) -> Result<&Lot, Failure> {
        let lots = self.lots(market, number)?;
        if let Some(closed) = lots.iter().rfind(|lot| lot.is_closed()) {
            return Ok(closed);
        }
        let Some(lot) = lots.first() else {
            return Err(self.no_lot());
        };
        let (id, symbol) = (lot.id, lot.symbol);
        let message = format!("lot #{id} of {symbol} has not closed; ask again after its close");
        Err(Failure::refused(Code::NOT_DUE, message))
    }

    /// Returns the one lot to show: the open one, else the newest.
    pub fn any_lot(self, market: &Market, number: Option<LotId>) -> Result<&Lot, Failure> {
        self.any_lot_of(&self.lots(market, number)?)
    }

    fn any_lot_of<'l>(self, candidates: &[&'l Lot]) -> Result<&'l Lot, Failure> {
        let open: Vec<_> = candidates.iter().filter(|lot| !lot.is_closed()).collect();
        match (open.as_slice(), candidates.last()) {
            ([one], _) => Ok(one),
            ([], Some(newest)) => Ok(newest),
            ([], None) => Err(self.no_lot()),
            (several, _) => Err(self.several(several.iter().map(|lot| lot.id))),
        }
    }

    /// Returns all selected lots, the oldest first.
    pub fn lots(self, market: &Market, number: Option<LotId>) -> Result<Vec<&Lot>, Failure> {
        let lots: Vec<&Lot> = match self {
            Self::Lot(lot) => vec![known(market, lot)?],
            Self::Symbol(symbol) => {
                if market.stock(symbol).is_none() {
                    return Err(unknown_symbol(symbol));
                }
                market
                    .lots_of(symbol)
                    .iter()
                    .filter_map(|lot| market.lot(*lot))
                    .collect()
            }
        };
        let Some(number) = number else {
            return Ok(lots);
        };
        let chosen = known(market, number)?;
        if lots.iter().any(|lot| lot.id == number) {
            Ok(vec![chosen])
        } else {
            Err(other_stock(chosen))
        }
    }

    fn no_lot(self) -> Failure {
        let what = match self {
            Self::Symbol(symbol) => symbol.to_string(),
            Self::Lot(lot) => format!("#{lot}"),
        };
        let message = format!("{what} is not on auction; `auction lots` shows what is");
        Failure::refused(Code::UNKNOWN_LOT, message)
    }

    fn several(self, lots: impl Iterator<Item = LotId>) -> Failure {
        let lots: Vec<_> = lots.map(|lot| format!("#{lot}")).collect();
        let lots = lots.join(", ");
        Failure::usage(format!(
            "there are several open lots: {lots}; say which with --lot N"
        ))
    }
}

pub fn unknown_symbol(symbol: Symbol) -> Failure {
    let is_number = symbol.as_str().bytes().all(|byte| byte.is_ascii_digit());
    let message = if is_number {
        format!(
            "there is no stock {symbol}; to name a lot by its number, type #{symbol}, in a shell '#{symbol}'"
        )
    } else {
        format!("there is no stock {symbol}; `auction lots` shows what is on auction")
    };
    Failure::refused(Code::UNKNOWN_SYMBOL, message)
}

pub fn unknown_lot(lot: LotId) -> Failure {
    let message = format!("there is no lot #{lot}; `auction lots` shows what is on auction");
    Failure::refused(Code::UNKNOWN_LOT, message)
}

fn known(market: &Market, lot: LotId) -> Result<&Lot, Failure> {
    market.lot(lot).ok_or_else(|| unknown_lot(lot))
}

fn other_stock(lot: &Lot) -> Failure {
    let (id, symbol) = (lot.id, lot.symbol);
    Failure::usage(format!("lot #{id} is of {symbol}, which you did not name"))
}

#[cfg(test)]
mod tests {
    use crate::fixture::{self, UNSOLD, closed, listed, opened};

    use super::*;

    /// Returns a market where ONE has an open lot, TWO two, PAST two closed ones, NONE none.
    fn market() -> Market {
        let listed = ["ONE", "TWO", "PAST", "NONE"].map(listed);
        let lots = [(1, "PAST"), (2, "PAST"), (3, "ONE"), (4, "TWO"), (5, "TWO")];
        let closed = [closed(1, UNSOLD), closed(2, UNSOLD)];
        let events = listed
            .into_iter()
            .chain(lots.map(|(lot, symbol)| opened(lot, symbol)));
        fixture::market(events.chain(closed))
    }

    #[test]
    fn one_lot_is_selected_or_the_error_gives_the_reason() {
        let market = market();
        let number = |lot: &Lot| lot.id.0;
        let say = |failure: Failure| failure.message().to_owned();
        let open = |name: &str, lot: Option<u32>| {
            let target: Target = name.parse().unwrap();
            target
                .open_lot(&market, lot.map(LotId))
                .map(number)
                .map_err(say)
        };
        let any = |name: &str| {
            let target: Target = name.parse().unwrap();
            target.any_lot(&market, None).map(number).map_err(say)
        };
        assert_eq!(open("one", None), Ok(3));
        assert_eq!(open("#4", None), Ok(4));
        assert_eq!(open("TWO", Some(5)), Ok(5));
        let several = "there are several open lots: #4, #5; say which with --lot N";
        assert_eq!(open("TWO", None), Err(several.into()));
        assert_eq!(any("TWO"), Err(several.into()));
        let closed = "lot #2 of PAST has closed, and takes no more bids";
        assert_eq!(open("PAST", None), Err(closed.into()));
        assert_eq!(any("PAST"), Ok(2));
        let other = "lot #4 is of TWO, which you did not name";
        assert_eq!(open("ONE", Some(4)), Err(other.into()));
        assert!(open("NONE", None).unwrap_err().contains("not on auction"));
        assert!(any("NONE").unwrap_err().contains("not on auction"));
        assert!(open("XYZ", None).unwrap_err().contains("no stock XYZ"));
        assert!(open("#9", None).unwrap_err().contains("no lot #9"));
    }
}
