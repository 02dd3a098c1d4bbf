//! Market data as messages: the entries of a lot, and what changed between two of its states.

use std::collections::BTreeMap;

use auction_core::{
    Book, DayBook, DayPhase, DayTerms, Indicative, Lot, NoCrossBecause, Outcome, Price, Side,
    Terms, Timestamp,
};

use crate::dictionary::{self as tag, Version};
use crate::limits::BOOK_LEVELS_MAX;
use crate::market::View;
use crate::orders::OutMessage;
use crate::value;

/// Entry types that are offered, in both versions or in FIX.5.0SP2 alone.
const ENTRY_TYPES: &[(char, Option<Version>)] = &[
    ('0', None),
    ('1', None),
    ('2', None),
    ('4', None),
    ('5', None),
    ('7', None),
    ('8', None),
    ('9', None),
    ('A', None),
    ('B', None),
    ('J', Some(Version::Fix50)),
    ('Q', Some(Version::Fix50)),
];

/// Returns true if an entry type can be subscribed to.
pub fn is_offered(entry_type: char, version: Version) -> bool {
    let is_it = |(offered, only): &(char, Option<Version>)| {
        *offered == entry_type && only.is_none_or(|only| only == version)
    };
    ENTRY_TYPES.iter().any(is_it)
}

/// Place of an entry among those of its lot: its type, and its level from 1, or the number of a trade of a day.
pub type EntryKey = (char, u64);

/// An entry of a lot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub price: Option<Price>,
    pub size: Option<u128>,
    /// `TradeCondition`: the side of an imbalance.
    pub condition: Option<&'static str>,
    /// True for a price that an uncross would have now.
    pub is_theoretical: bool,
}

/// The entries of a lot, by place.
pub type Entries = BTreeMap<EntryKey, Entry>;

/// Selection of a subscription among the entries of each lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub entry_types: Vec<char>,
    /// Levels of each side; 0: all.
    pub depth: usize,
    pub version: Version,
}

impl Wanted {
    /// Returns the most levels of a side.
    fn levels(&self) -> usize {
        match self.depth {
            0 => BOOK_LEVELS_MAX,
            depth => depth.min(BOOK_LEVELS_MAX),
        }
    }
}

/// Returns the entries of a lot at `now`.
pub fn entries(lot: &Lot, view: &View, now: Timestamp, wanted: &Wanted) -> Entries {
    let mut all = Entries::new();
    let indicative = view.indicative(lot.id);
    let of = |price, size: u64| Entry {
        price: Some(price),
        size: Some(size.into()),
        ..Entry::default()
    };
    let shares = lot.quantity.get();
    match (&lot.book, lot.outcome()) {
        (Book::Day(day), outcome) => {
            day_entries(lot, day, outcome.is_some(), view, wanted, &mut all);
        }
        (_, Some(outcome)) => closed(outcome, shares, &mut all),
        (_, None) => {
            if let Book::English(book) = &lot.book
                && let Some(price) = book.price
            {
                all.insert(('0', 1), of(price, shares));
            }
            if let Some(least) = lot.least_bid_at(now).filter(|_| !lot.is_scheduled()) {
                all.insert(('1', 1), of(least, shares));
            }
            if let Some(indicative) = indicative {
                call(indicative, &mut all);
            }
        }
    }
    let volume = match &lot.book {
        Book::Day(day) => day.statistics.volume,
        _ => traded(lot).map_or(0, |(_, volume)| volume.into()),
    };
    all.insert(
        ('B', 1),
        Entry {
            size: Some(volume),
            ..Entry::default()
        },
    );
    let has_book = all.keys().any(|(kind, _)| matches!(kind, '0' | '1'));
    if !has_book {
        all.insert(('J', 1), Entry::default());
    }
    all.retain(|(kind, level), _| {
        let is_level = matches!(kind, '0' | '1') && *level > wanted.levels() as u64;
        wanted.entry_types.contains(kind) && is_offered(*kind, wanted.version) && !is_level
    });
    all
}

/// Returns the price and the number of the shares that traded.
pub fn traded(lot: &Lot) -> Option<(Price, u64)> {
    match lot.outcome()? {
        Outcome::Sold { price, .. } => Some((price, lot.quantity.get())),
        Outcome::Allocated { lowest, sold, .. } => Some((lowest, sold)),
        Outcome::Crossed { price, volume, .. } => Some((price, volume)),
        Outcome::Day { close, .. } => Some((close?, 0)),
        Outcome::Unsold { .. } | Outcome::NoCross { .. } => None,
    }
}

fn closed(outcome: Outcome, shares: u64, all: &mut Entries) {
    let mut trade = |price, size| {
        let entry = Entry {
            price: Some(price),
            size: Some(u128::from(size)),
            ..Entry::default()
        };
        all.insert(('2', 1), entry.clone());
        entry
    };
    match outcome {
        Outcome::Sold { price, .. } => drop(trade(price, shares)),
        Outcome::Allocated { lowest, sold, .. } => drop(trade(lowest, sold)),
        Outcome::Crossed {
            price,
            volume,
            surplus,
            ..
        } => {
            let cross = trade(price, volume);
            all.insert(('4', 1), cross.clone());
            all.insert(('Q', 1), cross);
            imbalance(surplus, all);
        }
        Outcome::NoCross {
            because:
                NoCrossBecause::NothingCrosses | NoCrossBecause::NoPrice | NoCrossBecause::Collar,
            ..
        }
        | Outcome::Unsold { .. }
        | Outcome::Day { .. } => {}
    }
}

/// Adds the book by price, the trades, and the statistics of a trading day.
fn day_entries(
    lot: &Lot,
    day: &DayBook,
    is_closed: bool,
    view: &View,
    wanted: &Wanted,
    all: &mut Entries,
) {
    let price_of = |price| Entry {
        price: Some(price),
        ..Entry::default()
    };
    if !is_closed {
        for (kind, side) in [('0', Side::Buy), ('1', Side::Sell)] {
            let levels = day.orders.levels(side).take(wanted.levels());
            for (level, shown) in (1..).zip(levels) {
                let entry = Entry {
                    size: Some(shown.open.into()),
                    ..price_of(shown.price)
                };
                all.insert((kind, level), entry);
            }
        }
        if day.phase.is_some_and(DayPhase::is_call)
            && let Some(indicative) = view.indicative(lot.id)
        {
            call(indicative, all);
            // The price belongs to the call that runs.
            let theoretical = all.remove(&('4', 1));
            if let (Terms::Day(terms), Some(theoretical)) = (&lot.terms, theoretical) {
                if day.is_opening_call(terms) {
                    all.insert(('4', 1), theoretical);
                } else if day.is_closing_call(terms) {
                    all.insert(('5', 1), theoretical);
                }
            }
        }
    }
    let statistics = &day.statistics;
    for (kind, price) in [
        ('4', statistics.open),
        ('5', statistics.close),
        ('7', statistics.high),
        ('8', statistics.low),
        ('9', statistics.average()),
        ('Q', day.last_call),
    ] {
        if let Some(price) = price {
            all.entry((kind, 1)).or_insert_with(|| price_of(price));
        }
    }
    for trade in view.trades(lot.id) {
        let entry = Entry {
            size: Some(trade.quantity.into()),
            ..price_of(trade.price)
        };
        all.insert(('2', trade.number), entry);
    }
    // The last one can be older than what this gateway has seen.
    if let Some(last) = statistics.last {
        all.entry(('2', statistics.trades))
            .or_insert_with(|| price_of(last));
    }
}

fn call(indicative: &auction_client::Indicative, all: &mut Entries) {
    if let Some(depth) = &indicative.depth {
        for (kind, quotes) in [('0', &depth.buys), ('1', &depth.sells)] {
            for (level, quote) in (1..).zip(quotes) {
                all.insert((kind, level), quote_entry(quote));
            }
        }
    }
    match &indicative.indicative {
        Indicative::Cross(cross) => {
            let theoretical = Entry {
                price: Some(cross.price),
                size: Some(cross.volume.into()),
                is_theoretical: true,
                ..Entry::default()
            };
            all.insert(('4', 1), theoretical.clone());
            all.insert(('Q', 1), theoretical);
            imbalance(cross.surplus, all);
        }
        Indicative::NoCross {
            best_buy,
            best_sell,
        } => {
            for (kind, best) in [('0', best_buy), ('1', best_sell)] {
                if let Some(quote) = best {
                    all.entry((kind, 1)).or_insert_with(|| quote_entry(quote));
                }
            }
        }
    }
}

fn quote_entry(quote: &auction_core::Quote) -> Entry {
    Entry {
        price: Some(quote.price),
        size: Some(quote.quantity.into()),
        ..Entry::default()
    }
}

fn imbalance(surplus: i64, all: &mut Entries) {
    if surplus != 0 {
        all.insert(
            ('A', 1),
            Entry {
                size: Some(surplus.unsigned_abs().into()),
                condition: Some(if surplus > 0 { "P" } else { "Q" }),
                ..Entry::default()
            },
        );
    }
}

/// Makes a snapshot of a lot.
pub fn snapshot(
    lot: &Lot,
    entries: &Entries,
    request: Option<&str>,
    version: Version,
    now: Timestamp,
) -> OutMessage {
    let mut message = OutMessage::new("W");
    if version == Version::Fix50 {
        message.put(tag::LAST_UPDATE_TIME, value::time_text(now));
    }
    if let Some(request) = request {
        message.put(tag::MD_REQ_ID, request);
    }
    put_instrument(&mut message, lot);
    // Of the trades the last one.
    let last = entries.keys().rfind(|(kind, _)| *kind == '2');
    let shown = entries
        .iter()
        .filter(|(key, _)| key.0 != '2' || Some(*key) == last);
    message.put(tag::NO_MD_ENTRIES, shown.clone().count().to_string());
    for ((kind, level), entry) in shown {
        message.put(tag::MD_ENTRY_TYPE, kind.to_string());
        put_values(&mut message, entry);
        if version == Version::Fix50 {
            message.put(tag::MD_ENTRY_ID, entry_id(lot, *kind, *level));
        }
        put_flags(&mut message, entry, *kind, *level);
    }
    message
}

/// Makes the changes from one state of a lot to the next; `None`: nothing changed.
pub fn changes(lot: &Lot, before: &Entries, after: &Entries, request: &str) -> Option<OutMessage> {
    let mut changed = Vec::new();
    for (key, entry) in after {
        match before.get(key) {
            None => changed.push(("0", key, entry)),
            Some(old) if old != entry => changed.push(("1", key, entry)),
            Some(_) => {}
        }
    }
    // A trade does not go: it is only not kept any longer.
    let gone = before
        .iter()
        .filter(|(key, _)| key.0 != '2' && !after.contains_key(key));
    changed.extend(gone.map(|(key, entry)| ("2", key, entry)));
    if changed.is_empty() {
        return None;
    }
    let mut message = OutMessage::new("X");
    message.put(tag::MD_REQ_ID, request);
    message.put(tag::NO_MD_ENTRIES, changed.len().to_string());
    for (action, (kind, level), entry) in changed {
        message.put(tag::MD_UPDATE_ACTION, action);
        message.put(tag::MD_ENTRY_TYPE, kind.to_string());
        message.put(tag::MD_ENTRY_ID, entry_id(lot, *kind, *level));
        put_instrument(&mut message, lot);
        put_values(&mut message, entry);
        put_flags(&mut message, entry, *kind, *level);
    }
    Some(message)
}

fn put_values(message: &mut OutMessage, entry: &Entry) {
    if let Some(price) = entry.price {
        message.put(tag::MD_ENTRY_PX, price.to_string());
    }
    if let Some(size) = entry.size {
        message.put(tag::MD_ENTRY_SIZE, size.to_string());
    }
    if let Some(condition) = entry.condition {
        message.put(tag::TRADE_CONDITION, condition);
    }
}

fn put_flags(message: &mut OutMessage, entry: &Entry, kind: char, level: u64) {
    if entry.is_theoretical {
        message.put(tag::OPEN_CLOSE_SETTL_FLAG, "5");
    }
    if matches!(kind, '0' | '1') {
        message.put(tag::MD_ENTRY_POSITION_NO, level.to_string());
    }
}

fn entry_id(lot: &Lot, kind: char, level: u64) -> String {
    format!("{}-{kind}{level}", lot.id)
}

pub fn put_instrument(message: &mut OutMessage, lot: &Lot) {
    message.put(tag::SYMBOL, lot.symbol.as_str());
    message.put(tag::SECURITY_ID, lot.id.to_string());
    message.put(tag::SECURITY_ID_SOURCE, "8");
}

/// State of a lot, as FIX has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradingStatus {
    /// `SecurityTradingStatus`.
    code: &'static str,
    /// `TradingSessionSubID`: the phase of a trading day.
    phase: Option<&'static str>,
    text: String,
}

/// Returns the state of a lot. `market_halted`: since when the whole market is halted.
pub fn trading_status(
    lot: &Lot,
    market_halted: Option<Timestamp>,
    version: Version,
    now: Timestamp,
) -> TradingStatus {
    let status = |code, text| TradingStatus {
        code,
        phase: None,
        text,
    };
    if lot.is_closed() {
        return status("18", "the lot has closed".to_owned());
    }
    if let Some(since) = lot.halted_since {
        return status("2", format!("halted since {since}"));
    }
    if let Some(since) = market_halted {
        return status("2", format!("the whole market is halted since {since}"));
    }
    if lot.is_scheduled() {
        return status("21", format!("opens at {}", lot.opened_at));
    }
    let closes = format!("closes at {}", lot.closes_at);
    let call = match version {
        Version::Fix50 => "24",
        Version::Fix44 => "21",
    };
    match (&lot.book, &lot.terms, version) {
        (Book::Day(day), Terms::Day(terms), _) => day_status(day, terms, call, version),
        (Book::Call(_), _, Version::Fix50)
            if lot.no_cancel_from().is_some_and(|from| now >= from) =>
        {
            status("27", format!("no cancels; {closes}"))
        }
        (Book::Call(_), ..) => status(call, format!("call auction; {closes}")),
        _ => status("17", closes),
    }
}

/// Returns the state of a day that is open. In a pause of trading by a volatility interruption the phase is 6, a call within
/// the day.
fn day_status(
    day: &DayBook,
    terms: &DayTerms,
    call: &'static str,
    version: Version,
) -> TradingStatus {
    let (code, phase, name) = match day.phase {
        None => ("21", "1", "not begun"),
        Some(DayPhase::PreOpen) => ("21", "1", "pre-open"),
        Some(DayPhase::Call) if day.is_opening_call(terms) => (call, "2", "opening call"),
        Some(DayPhase::Call) if day.is_closing_call(terms) => (call, "4", "closing call"),
        Some(DayPhase::Call) => (call, "6", "call within the day"),
        Some(DayPhase::Continuous) => ("17", "3", "continuous trading"),
        Some(DayPhase::Volatility) => (call, "6", "call after a volatility interruption"),
        Some(DayPhase::AtLast) => match version {
            Version::Fix50 => ("26", "5", "trading at the closing price"),
            Version::Fix44 => ("17", "5", "trading at the closing price"),
        },
    };
    TradingStatus {
        code,
        phase: Some(phase),
        text: format!("{name} until {}", day.phase_ends_at),
    }
}

/// Makes a security status.
pub fn security_status(
    lot: &Lot,
    status: &TradingStatus,
    request: &str,
    is_update: bool,
    now: Timestamp,
) -> OutMessage {
    let mut message = OutMessage::new("f").with(tag::SECURITY_STATUS_REQ_ID, request);
    put_instrument(&mut message, lot);
    if let Some(phase) = status.phase {
        message.put(tag::TRADING_SESSION_ID, "1");
        message.put(tag::TRADING_SESSION_SUB_ID, phase);
    }
    message.put(
        tag::UNSOLICITED_INDICATOR,
        if is_update { "Y" } else { "N" },
    );
    message.put(tag::SECURITY_TRADING_STATUS, status.code);
    message.put(tag::TRANSACT_TIME, value::time_text(now));
    message.put(tag::TEXT, status.text.as_str());
    if let Some((price, _)) = traded(lot) {
        message.put(tag::LAST_PX, price.to_string());
    }
    message
}
