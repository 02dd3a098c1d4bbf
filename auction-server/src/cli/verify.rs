//! `verify`: the whole journal, read with its chain and decided again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use auction_core::{Amount, Digest, Engine, Issue, Ledger, MarketId, Symbol};
use auction_proto::decode_records;

use crate::cli::export::{ExportError, open};
use crate::config::data_dir::DataDir;
use crate::journal::{Chain, RealDisk, SnapshotStore, TailState, Torn, VisitError};
use crate::market::public_records::refused;
use crate::platform::progress::{Progress, ReadProgress};

/// Most stocks whose shares are told of one by one.
const STOCKS_TOLD_MAX: usize = 20;

/// What was found: every record follows the one before it, and is what the rules give.
#[derive(Debug)]
pub struct Verified {
    /// The market.
    pub market: MarketId,
    /// How many records there are: they are numbered from 1.
    pub records: u64,
    /// How many frames they came in.
    pub frames: u64,
    /// The digest of the market after them; `None` when nothing has happened.
    pub digest: Option<Digest>,
    /// The chain after the last frame.
    pub chain: Option<Chain>,
    /// The remains of a frame that was never acknowledged, if the server was stopped while it wrote one.
    pub torn: Option<Torn>,
    /// The books of a market that runs on funds; `None`: it runs on credit.
    pub funds: Option<Funds>,
    /// What is wrong beside the records: snapshots that don't verify, books that don't balance.
    pub faults: Vec<String>,
}

/// What all accounts of a market hold together, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funds {
    /// Cash of all traders.
    pub cash: Amount,
    /// What the lots were paid.
    pub proceeds: Amount,
    /// Deposits of cash less withdrawals.
    pub deposited: Amount,
    /// By stock, how many shares all traders hold, and where they came from.
    pub shares: Vec<(Symbol, u64, Issue)>,
}

/// Verifies the market in a data folder, also beside a running server. `on_progress` is told how far it has come, now and
/// then.
///
/// # Errors
/// The first thing that is wrong, naming file and byte.
pub fn verify(
    folder: &DataDir,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Verified, ExportError> {
    let mut reader = open(folder)?;
    // Before the journal: a running server may make a newer snapshot meanwhile.
    let store = SnapshotStore::new(Arc::new(RealDisk), &folder.journal());
    let newest = store.newest_valid()?;
    let mut faults: Vec<_> = newest
        .skipped
        .iter()
        .map(|skipped| skipped.why.to_string())
        .collect();

    let mut engine: Option<Engine> = None;
    let mut reading = ReadProgress::new(&RealDisk, &folder.journal(), on_progress);
    let mut frames = 0;
    let torn = loop {
        while let Some(frame) = reader.next_view()? {
            let engine = engine.get_or_insert_with(|| Engine::new(MarketId(frame.market)));
            for record in decode_records(frame.public, frame.private) {
                let verified = record
                    .map_err(VisitError::from)
                    .and_then(|record| engine.verify(&record).map_err(VisitError::from));
                verified.map_err(|source| refused(&frame, source))?;
            }
            if engine.sequence().0 != frame.last() {
                return Err(refused(&frame, "records are missing".into()).into());
            }
            frames += 1;
            reading.frame(&frame);
        }
        match reader.tail_state()? {
            TailState::Clean => break None,
            TailState::Torn(torn) => break Some(torn),
            TailState::Grew => {}
        }
    };
    let records = engine.as_ref().map_or(0, |engine| engine.sequence().0);
    if let Some(snapshot) = newest
        .snapshot
        .filter(|snapshot| snapshot.position.sequence > records)
    {
        let held = snapshot.position.sequence;
        faults.push(format!(
            "the journal ends with record {records}, but a snapshot holds everything to record {held}: its end is lost"
        ));
    }
    if let Some(Err(error)) = engine.as_ref().map(Engine::audit) {
        faults.push(format!("the accounts do not balance: {error}"));
    }
    let funds = engine.as_ref().and_then(Engine::ledger).map(Funds::of);
    Ok(Verified {
        market: reader.market().map(MarketId).unwrap_or_default(),
        records,
        frames,
        digest: engine.map(|engine| engine.market().clone().digest()),
        chain: reader.position().map(|position| position.chain),
        torn,
        funds,
        faults,
    })
}

impl Funds {
    /// Added up from the accounts, one by one.
    fn of(ledger: &Ledger) -> Self {
        let house = ledger.house();
        let mut cash: u64 = 0;
        let mut held: BTreeMap<Symbol, u64> = BTreeMap::new();
        for (_, balance) in ledger.balances() {
            cash = cash.saturating_add(balance.cash().units());
            for (symbol, holding) in balance.holdings() {
                let held = held.entry(symbol).or_default();
                *held = held.saturating_add(holding.shares);
            }
        }
        let shares = house.stocks().map(|(symbol, issue)| {
            let held = held.get(&symbol).copied().unwrap_or_default();
            (symbol, held, issue)
        });
        Self {
            // More than all that can be deposited would not balance, which is a fault of its own.
            cash: Amount::from_units(cash).unwrap_or(Amount::MAX),
            proceeds: house.proceeds(),
            deposited: house.deposited(),
            shares: shares.collect(),
        }
    }
}

/// For people, and for scripts.
impl fmt::Display for Funds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cash,
            proceeds,
            deposited,
            ..
        } = self;
        writeln!(
            f,
            "cash    {deposited} deposited: traders have {cash}, lots were paid {proceeds}"
        )?;
        for (symbol, held, issue) in self.shares.iter().take(STOCKS_TOLD_MAX) {
            let Issue { deposited, sold } = issue;
            writeln!(
                f,
                "shares  {symbol}: {deposited} deposited and {sold} sold by lots: traders have {held}"
            )?;
        }
        match self.shares.len().saturating_sub(STOCKS_TOLD_MAX) {
            0 => Ok(()),
            more => writeln!(f, "shares  and of {more} more stocks"),
        }
    }
}

impl Verified {
    /// Whether nothing is wrong. A torn tail is not: nobody was told of what it held.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }
}

/// For people, and for scripts: a word, then its value.
impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "market  {}", self.market)?;
        match self.records {
            0 => writeln!(f, "records 0")?,
            last => writeln!(f, "records {last}: 1 to {last}, in {} frames", self.frames)?,
        }
        if let Some(digest) = &self.digest {
            writeln!(f, "digest  {digest}")?;
        }
        if let Some(chain) = &self.chain {
            writeln!(f, "chain   {chain}")?;
        }
        match &self.torn {
            None => writeln!(f, "tail    clean")?,
            Some(Torn {
                file,
                offset,
                bytes,
            }) => writeln!(
                f,
                "tail    torn: {bytes} bytes at byte {offset} of {} are the remains of a batch that was never \
                 acknowledged; nothing that was is lost, and the next start clears them",
                file.display()
            )?,
        }
        if let Some(funds) = &self.funds {
            write!(f, "{funds}")?;
        }
        for fault in &self.faults {
            writeln!(f, "wrong   {fault}")?;
        }
        let verdict = match (self.is_sound(), &self.funds) {
            (true, None) => "every record follows the one before it and is what the rules give",
            (true, Some(_)) => {
                "every record follows the one before it and is what the rules give, and the accounts balance"
            }
            (false, _) => "the records verify, but not all is as it should be",
        };
        writeln!(f, "{verdict}")
    }
}
