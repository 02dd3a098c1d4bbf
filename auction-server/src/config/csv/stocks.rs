//! `stocks.csv`: the stocks of a market, and which of them a round opens.

use std::collections::BTreeMap;
use std::path::Path;

use auction_core::{Listing, Price, Profit, SecurityCode, Symbol};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::config::csv::{self, Columns, CsvError, Row};

const COLUMNS: Columns = Columns {
    required: &["Security", "Symbol", "Price", "Profit"],
    optional: &[],
};

/// The stocks of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockList {
    /// By symbol.
    pub listings: Vec<Listing>,
    /// What is odd and can be lived with, to be told to the operator.
    pub warnings: Vec<String>,
}

/// Reads the stocks at `path`: `Security,Symbol,Price,Profit`. An empty profit is 0.
///
/// # Errors
/// All that is wrong with the file, by line; no stock at all.
pub fn read(path: &Path) -> Result<StockList, CsvError> {
    let mut lines: BTreeMap<Symbol, (u64, Listing)> = BTreeMap::new();
    let mut securities: BTreeMap<SecurityCode, u64> = BTreeMap::new();
    let mut warnings = Vec::new();
    csv::read(path, COLUMNS, |row| {
        let listing = parse(row)?;
        if let Some((line, _)) = lines.get(&listing.symbol) {
            let symbol = listing.symbol;
            return Err(vec![format!(
                "Symbol {symbol} is listed already, in line {line}"
            )]);
        }
        if let Some(line) = securities.insert(listing.security, row.line) {
            warnings.push(format!(
                "{}:{}: Security {} is also that of line {line}",
                path.display(),
                row.line,
                listing.security
            ));
        }
        lines.insert(listing.symbol, (row.line, listing));
        Ok(())
    })?;
    if lines.is_empty() {
        return Err(CsvError::of_file(
            path,
            "there is no stock below the header",
        ));
    }
    let listings = lines.into_values().map(|(_, listing)| listing).collect();
    Ok(StockList { listings, warnings })
}

/// Chooses `count` stocks at random, or all when there are fewer; the same seed chooses the same ones.
///
/// The choice is permanent: the first `count` steps of a Fisher-Yates shuffle over the stocks by symbol,
/// with the words of ChaCha20 under the seed (little-endian, then zeros), a word beyond the greatest multiple
/// of the range being passed over. The order of rows in the file doesn't matter. They are returned by symbol.
#[must_use]
pub fn choose(listings: &[Listing], seed: u64, count: usize) -> Vec<Listing> {
    let mut stocks = listings.to_vec();
    stocks.sort_by_key(|listing| listing.symbol);
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = ChaCha20Rng::from_seed(key);
    let count = count.min(stocks.len());
    for place in 0..count {
        let left = (stocks.len() - place) as u64;
        stocks.swap(place, place + below(&mut random, left) as usize);
    }
    stocks.truncate(count);
    stocks.sort_by_key(|listing| listing.symbol);
    stocks
}

/// A number below `range`, each as likely as another.
fn below(random: &mut ChaCha20Rng, range: u64) -> u64 {
    let fair = u64::MAX - u64::MAX % range;
    loop {
        let word = random.next_u64();
        if word < fair {
            return word % range;
        }
    }
}

fn parse(row: &Row<'_>) -> Result<Listing, Vec<String>> {
    let security = row.parse::<SecurityCode>("Security");
    let symbol = row.parse::<Symbol>("Symbol");
    let price = row.parse::<Price>("Price");
    let profit = match row.value("Profit") {
        "" => Ok(Profit::default()),
        _ => row.parse::<Profit>("Profit"),
    };
    match (security, symbol, price, profit) {
        (Ok(security), Ok(symbol), Ok(price), Ok(profit)) => Ok(Listing {
            symbol,
            security,
            price,
            profit,
        }),
        (security, symbol, price, profit) => {
            let faults = [security.err(), symbol.err(), price.err(), profit.err()];
            Err(faults.into_iter().flatten().collect())
        }
    }
}
