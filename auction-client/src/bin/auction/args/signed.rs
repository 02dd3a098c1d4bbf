//! What can be typed about what the market signs: its key, receipts, checkpoints, fraud.

use std::path::PathBuf;

use auction_core::{LotId, RequestId, Sequence};
use auction_proto::KeyFingerprint;
use clap::{Args, Subcommand, ValueHint};

use crate::args::target::{Target, lot_number};

#[derive(Debug, Subcommand)]
pub enum SignedCommand {
    /// The key that the market signs with: it is kept at the first time, and another is refused.
    #[command(
        after_help = "\
Examples:
  auction key                   compare it with what the server printed when it started
  auction key forget            when the operator says, by another way, that there is a new one
  auction key --json | jq -r .fingerprint",
        args_conflicts_with_subcommands = true
    )]
    Key {
        #[command(subcommand)]
        action: Option<KeyAction>,
    },
    /// Get the receipt of a bid or an order of yours: the market's signed proof that it stands in its journal.
    #[command(
        after_help = "\
Examples:
  auction receipt                    of the latest that was accepted in this session
  auction receipt AAPL               of your latest on AAPL
  auction receipt --record 12        of that record of the journal
  auction receipt AAPL --out bid.receipt.json
  auction receipt check receipt-12.json
  auction verify market.auctpub --receipt receipt-12.json

It comes with the market's next checkpoint, within a second or so.",
        args_conflicts_with_subcommands = true
    )]
    Receipt {
        #[command(subcommand)]
        action: Option<ReceiptAction>,
        #[command(flatten)]
        wanted: WantedReceipt,
    },
    /// Get the newest checkpoint of the market's journal: what it has signed can't be taken back unseen.
    #[command(after_help = "\
Examples:
  auction checkpoint
  auction checkpoint --since checkpoint-12.json    and the proof that the journal goes on from there
  auction verify market.auctpub --checkpoint checkpoint-12.json")]
    Checkpoint {
        /// A checkpoint that you kept: the market must prove that its journal goes on from it.
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        since: Option<PathBuf>,
        /// Where it goes [default: checkpoint-RECORD.json].
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        out: Option<PathBuf>,
    },
    /// Check a proof of fraud: two things that a market has signed of which one is a lie.
    #[command(after_help = "Example:\n  auction fraud check fraud-1.json")]
    Fraud {
        #[command(subcommand)]
        action: FraudAction,
    },
}

#[derive(Debug, Subcommand)]
pub enum KeyAction {
    /// Forget the key that was kept: the next command keeps the one that the market has then.
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

Exit codes: 0 when it proves what it says, 1 when it does not, or when the key is not known.")]
    Check(Checked),
}

#[derive(Debug, Subcommand)]
pub enum FraudAction {
    /// Check it without a server.
    #[command(after_help = "\
Examples:
  auction fraud check fraud-1.json
  auction fraud check fraud-1.json --key 8935-df8c-0fa1-d6f7-e2eb-ecc1-e86e-3ed6

Exit codes: 0 when it proves a fraud, 1 when it does not, or when the key is not known.")]
    Check(Checked),
}

/// What is checked, and by which key.
#[derive(Debug, Args)]
pub struct Checked {
    /// The files.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required = true)]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub key: ByKey,
}

#[derive(Clone, Copy, Debug, Default, Args)]
pub struct ByKey {
    /// The fingerprint of the market's key [default: the key that was kept for the market].
    #[arg(long, value_name = "FINGERPRINT")]
    pub key: Option<KeyFingerprint>,
}

/// Which receipt, and where it goes.
#[derive(Debug, Args)]
pub struct WantedReceipt {
    /// The stock's symbol, or #N for the lot with this number: your latest bid or order there.
    #[arg(value_name = "SYMBOL|#N")]
    pub target: Option<Target>,
    /// Which lot, when the symbol has had several.
    #[arg(long, value_name = "N", value_parser = lot_number, requires = "target")]
    pub lot: Option<LotId>,
    /// The number of a request of this session.
    #[arg(long, value_name = "N", value_parser = request, conflicts_with = "target")]
    pub request: Option<RequestId>,
    /// The number of a record of yours, as `auction verify --user` tells it.
    #[arg(long, value_name = "N", value_parser = record, conflicts_with_all = ["target", "request"])]
    pub record: Option<Sequence>,
    /// Where it goes [default: receipt-RECORD.json].
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
