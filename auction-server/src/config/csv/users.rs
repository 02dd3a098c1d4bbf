//! `users.csv`: accounts to import at a start.
//!
//! A row is `name,role,password_hash` or `name,role,password`, `symbol` for a company, and `cash` and `holdings` for a
//! trader in a market that runs on funds. Importing is idempotent: a name that is taken is skipped, whatever its
//! row contains, so a row does nothing a second time. A trader's initial deposits are made with the account, once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use auction_core::{
    AccountMode, Amount, Asset, Credential, Market, Name, Quantity, Registration, Role, Symbol,
};

use crate::config::csv::{self, Columns, CsvError, Row, shown};
use crate::config::permissions;
use crate::platform::password::{self, Password};
use crate::platform::progress::{Progress, Task};

const COLUMNS: Columns = Columns {
    required: &["name", "role"],
    optional: &["password_hash", "password", "symbol", "cash", "holdings"],
};

/// Maximum number of lines that one warning names.
const LINES_NAMED_MAX: usize = 10;

/// Result of reading a file of accounts.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// The accounts that do not exist yet, in the order of the file.
    pub accounts: Vec<NewAccount>,
    /// Number of accounts in the file that already exist.
    pub present: usize,
    /// Warnings for the operator, which do not prevent a start.
    pub warnings: Vec<String>,
}

/// An account to create, and its initial deposits.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// The line of its row, from 1.
    pub line: u64,
    /// The account.
    pub registration: Registration,
    /// Initial deposits of its trader.
    pub deposits: Vec<Asset>,
}

/// Reads the accounts at `path` and compares them with those of the market. Without a file: no accounts.
///
/// Hashes the plain password of a new account, which takes tens of milliseconds; calls `on_progress` with the progress
/// of that.
///
/// # Errors
/// All faults of the file, by line; none of them shows a password or a hash.
pub fn read(
    path: &Path,
    market: &Market,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Import, CsvError> {
    let (mut import, wanted) = examine(path, market)?;
    let of = wanted.len() as u64;
    let hashed = wanted.into_iter().zip(1..).map(|(account, done)| {
        let account = account.hashed();
        on_progress(Progress {
            task: Task::Hashing,
            done,
            of,
        });
        account
    });
    import.accounts = hashed.collect();
    Ok(import)
}

/// Reads the accounts like [`read`] without hashing; returns their number, and the warnings.
///
/// # Errors
/// As for [`read`].
pub fn check(path: &Path, market: &Market) -> Result<(usize, Vec<String>), CsvError> {
    let (import, wanted) = examine(path, market)?;
    Ok((import.present + wanted.len(), import.warnings))
}

fn examine(path: &Path, market: &Market) -> Result<(Import, Vec<Account>), CsvError> {
    // If the path cannot be examined, reading it reports the fault.
    if matches!(path.try_exists(), Ok(false)) {
        return Ok((Import::default(), Vec::new()));
    }
    let mut lines: BTreeMap<Name, u64> = BTreeMap::new();
    let mut wanted = Vec::new();
    let mut import = Import::default();
    let mut plain = Vec::new();
    csv::read(path, COLUMNS, |row| {
        let account = parse(row, market)?;
        if let Some(line) = lines.insert(account.name, row.line) {
            return Err(vec![format!(
                "name {} is there already, in line {line}",
                account.name
            )]);
        }
        if matches!(account.secret, Secret::Plain(_)) {
            plain.push(row.line);
        }
        match market
            .user_named(account.name)
            .and_then(|user| market.user(user))
        {
            None => wanted.push(account),
            Some(user) => {
                import.present += 1;
                if user.role != account.role {
                    import.warnings.push(format!(
                        "{}:{}: {} is there already with another role; the import changes no account",
                        path.display(),
                        row.line,
                        account.name
                    ));
                }
            }
        }
        Ok(())
    })?;
    import.warnings.extend(plain_warning(path, &plain));
    import.warnings.extend(permissions::warning(path));
    Ok((import, wanted))
}

struct Account {
    line: u64,
    name: Name,
    role: Role,
    secret: Secret,
    deposits: Vec<Asset>,
}

enum Secret {
    Hash(Credential),
    Plain(Password),
}

impl Account {
    fn hashed(self) -> NewAccount {
        let credential = match self.secret {
            Secret::Hash(credential) => credential,
            Secret::Plain(password) => password.hash(),
        };
        NewAccount {
            line: self.line,
            registration: Registration {
                name: self.name,
                role: self.role,
                credential,
            },
            deposits: self.deposits,
        }
    }
}

fn parse(row: &Row<'_>, market: &Market) -> Result<Account, Vec<String>> {
    let name = row.parse::<Name>("name");
    let role = parse_role(row, market);
    let secret = parse_secret(row);
    let cash = parse_cash(row, market);
    let holdings = parse_holdings(row, market);
    match (name, role, secret, cash, holdings) {
        (Ok(name), Ok(role), Ok(secret), Ok(cash), Ok(holdings)) => Ok(Account {
            line: row.line,
            name,
            role,
            secret,
            deposits: cash.into_iter().chain(holdings).collect(),
        }),
        (name, role, secret, cash, holdings) => {
            let faults = [name.err(), role.err(), secret.err(), cash.err()];
            let faults = faults.into_iter().flatten();
            Err(faults.chain(holdings.err().into_iter().flatten()).collect())
        }
    }
}

fn parse_cash(row: &Row<'_>, market: &Market) -> Result<Option<Asset>, String> {
    let Some(_) = paid_in(row, "cash", market)? else {
        return Ok(None);
    };
    let cash = row.parse::<Amount>("cash")?;
    Ok((cash > Amount::ZERO).then_some(Asset::Cash(cash)))
}

/// Parses `AAPL:100 TSLA:50`: a number of shares of each stock.
fn parse_holdings(row: &Row<'_>, market: &Market) -> Result<Vec<Asset>, Vec<String>> {
    let Some(text) = paid_in(row, "holdings", market).map_err(|fault| vec![fault])? else {
        return Ok(Vec::new());
    };
    let mut faults = Vec::new();
    let mut held = BTreeSet::new();
    let mut holdings = Vec::new();
    for holding in text.split_whitespace() {
        match parse_holding(holding, market) {
            Ok((symbol, _)) if !held.insert(symbol) => {
                faults.push(format!("holdings name {symbol} twice"));
            }
            Ok((symbol, quantity)) => holdings.push(Asset::Shares { symbol, quantity }),
            Err(fault) => faults.push(format!("holdings {fault}")),
        }
    }
    if faults.is_empty() {
        Ok(holdings)
    } else {
        Err(faults)
    }
}

fn parse_holding(text: &str, market: &Market) -> Result<(Symbol, Quantity), String> {
    let named = shown(text);
    let (symbol, shares) = text.split_once(':').ok_or_else(|| {
        format!("{named} is no symbol with a number of shares; expected for example AAPL:100")
    })?;
    let symbol: Symbol = symbol
        .parse()
        .map_err(|error| format!("{named}: {} {error}", shown(symbol)))?;
    let quantity = shares
        .parse()
        .map_err(|error| format!("{named}: {} {error}", shown(shares)))?;
    match market.stock(symbol) {
        Some(_) => Ok((symbol, quantity)),
        None => Err(format!(
            "{named}: {symbol} is not listed; expected one of stocks.csv"
        )),
    }
}

/// Deposit in a column, if this row's role and this market allow deposits.
fn paid_in<'a>(row: &Row<'a>, column: &str, market: &Market) -> Result<Option<&'a str>, String> {
    let text = row.value(column);
    if text.is_empty() {
        return Ok(None);
    }
    if !row.value("role").eq_ignore_ascii_case("trader") {
        let text = shown(text);
        return Err(format!("{column} {text} goes with the role trader alone"));
    }
    if market.accounts() == AccountMode::Credit {
        let text = shown(text);
        return Err(format!(
            "{column} {text} is for a market that runs on funds, and this one runs on credit; leave it empty, or begin \
             a new market with --accounts funds"
        ));
    }
    Ok(Some(text))
}

fn parse_role(row: &Row<'_>, market: &Market) -> Result<Role, String> {
    let role = row.value("role");
    let symbol = row.value("symbol");
    match (role.to_ascii_lowercase().as_str(), symbol) {
        ("trader", "") => Ok(Role::Trader),
        ("auctioneer", "") => Ok(Role::Auctioneer),
        ("company", "") => {
            Err("a company needs the symbol of its stock, in a column symbol".to_owned())
        }
        ("company", _) => {
            let symbol = row.parse::<Symbol>("symbol")?;
            match market.stock(symbol) {
                Some(_) => Ok(Role::Company(symbol)),
                None => Err(format!(
                    "symbol {symbol} is not listed; expected one of stocks.csv"
                )),
            }
        }
        ("trader" | "auctioneer", symbol) => Err(format!(
            "symbol {} goes with the role company alone",
            shown(symbol)
        )),
        _ => Err(format!(
            "role {} is unknown; expected trader, company or auctioneer",
            shown(role)
        )),
    }
}

fn parse_secret(row: &Row<'_>) -> Result<Secret, String> {
    match (row.value("password_hash"), row.value("password")) {
        ("", "") => Err("there is neither a password_hash nor a password".to_owned()),
        (hash, "") => password::import(hash)
            .map(Secret::Hash)
            .map_err(|error| format!("password_hash {error}")),
        ("", plain) => Password::new(plain.to_owned())
            .map(Secret::Plain)
            .map_err(|error| error.to_string()),
        _ => Err("there are both a password_hash and a password; expected one".to_owned()),
    }
}

fn plain_warning(path: &Path, lines: &[u64]) -> Option<String> {
    if lines.is_empty() {
        return None;
    }
    let named: Vec<_> = lines
        .iter()
        .take(LINES_NAMED_MAX)
        .map(u64::to_string)
        .collect();
    let more = if lines.len() > LINES_NAMED_MAX {
        " and others"
    } else {
        ""
    };
    Some(format!(
        "{}: plain passwords lie on disk, in line {}{more}; once imported, the rows can be deleted",
        path.display(),
        named.join(", ")
    ))
}
