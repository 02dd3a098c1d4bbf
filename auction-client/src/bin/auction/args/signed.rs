//! Commands for the market's signed data: its key, receipts, checkpoints, fraud.

use std::path::PathBuf;

use auction_core::{LotId, RequestId, Sequence};
use auction_proto::KeyFingerprint;
use clap::{Args, Subcommand, ValueHint};

use crate::args::target::{Target, lot_number};

#[derive(Debug, Subcommand)]
pub enum SignedCommand {
    /// Show the market's signing key: it is kept on first use, and another key is refused.
    #[command(
        after_help = "\
Examples:
  auction key                   compare it with the key that the server printed at its start
  auction key forget            after the operator has announced a new key, over another channel
  auction key --json | jq -r .fingerprint",
        args_conflicts_with_subcommands = true
    )]
    Key {
        #[command(subcommand)]
        action: Option<KeyAction>,
    },
    /// Get the receipt of your bid or order: the market's signed proof that it is in the journal.
    #[command(
        after_help = "\
Examples:
  auction receipt                    of your latest accepted request of this session
  auction receipt AAPL               of your latest bid or order on AAPL
  auction receipt --record 12        of this record of the journal
  auction receipt AAPL --out bid.receipt.json
  auction receipt check receipt-12.json
  auction verify market.auctpub --receipt receipt-12.json

The receipt comes with the market's next checkpoint, within a second or so.",
        args_conflicts_with_subcommands = true
    )]
    Receipt {
        #[command(subcommand)]
        action: Option<ReceiptAction>,
        #[command(flatten)]
        wanted: WantedReceipt,
    },
    /// Get the newest checkpoint of the market's journal: later changes to the signed part can be proved.
    #[command(after_help = "\
Examples:
  auction checkpoint
  auction checkpoint --since checkpoint-12.json    with the proof that the journal continues it
  auction verify market.auctpub --checkpoint checkpoint-12.json")]
    Checkpoint {
        /// A kept checkpoint: the market must prove that its journal continues it.
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        since: Option<PathBuf>,
        /// Output file [default: checkpoint-RECORD.json].
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
    },
    /// Check a proof of fraud: two contradicting statements signed by a market.
    #[command(after_help = "Example:\n  auction fraud check fraud-1.json")]
    Fraud {
        #[command(subcommand)]
        action: FraudAction,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeyAction {
    /// Forget the kept key: the next command keeps the market's key of that time.
    #[command(after_help = "Example:\n  auction key forget")]
    Forget,
}

#[derive(Debug, Subcommand)]
pub enum ReceiptAction {
    /// Check a receipt without a server.
    #[command(after_help = "\
Examples:
  auction receipt check receipt-12.json
  auction receipt check receipt-12.json --key 8935-df8c-0fa1-d6f7-e2eb-ecc1-e86e-3ed6

Exit codes: 0 when the receipt is valid, 1 when it is not, or when the key is unknown.")]
    Check(Checked),
}

#[derive(Debug, Subcommand)]
pub enum FraudAction {
    /// Check a proof without a server.
    #[command(after_help = "\
Examples:
  auction fraud check fraud-1.json
  auction fraud check fraud-1.json --key 8935-df8c-0fa1-d6f7-e2eb-ecc1-e86e-3ed6

Exit codes: 0 when it proves a fraud, 1 when it does not, or when the key is unknown.")]
    Check(Checked),
}

/// Files to check, and the key to check them with.
#[derive(Debug, Args)]
pub struct Checked {
    /// Files to check.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub key: ByKey,
}

#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ByKey {
    /// Fingerprint of the market's key [default: the kept key of the market].
    #[arg(long, value_name = "FINGERPRINT")]
    pub key: Option<KeyFingerprint>,
}

/// The requested receipt, and its output file.
#[derive(Debug, Args)]
pub struct WantedReceipt {
    /// Symbol of the stock, or #N for the lot with this number: your latest bid or order there.
    #[arg(value_name = "SYMBOL|#N")]
    pub target: Option<Target>,
    /// Number of the lot, when the symbol has had several.
    #[arg(long, value_name = "N", value_parser = lot_number, requires = "target")]
    pub lot: Option<LotId>,
    /// Number of a request of this session.
    #[arg(long, value_name = "N", value_parser = request, conflicts_with = "target")]
    pub request: Option<RequestId>,
    /// Number of a record of yours, as shown by `auction verify --user`.
    #[arg(long, value_name = "N", value_parser = record, conflicts_with_all = ["target", "request"])]
    pub record: Option<Sequence>,
    /// Output file [default: receipt-RECORD.json].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

fn request(text: &str) -> Result<RequestId, String> {
    let number = text.parse().map(RequestId);
    number.map_err(|_| "is not a request's number; expected for example 12".to_owned())
}

fn record(text: &str) -> Result<Sequence, String> {
    let number = text.parse().map(Sequence);
    number.map_err(|_| "is not a record's number; expected for example 12".to_owned())
}
