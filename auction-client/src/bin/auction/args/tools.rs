//! Commands that need no market: decoding bytes, checking journals, completions, manual pages.

use std::path::PathBuf;

use auction_core::Name;
use clap::{Subcommand, ValueHint};
use clap_complete::Shell;

use crate::args::signed::ByKey;

#[derive(Debug, Subcommand)]
pub enum ToolCommand {
    /// Explain bytes of the protocol, field by field.
    #[command(after_help = "\
Examples:
  auction decode 0d000000 0800 0700000000000000 03b06d
  xxd -p captured.bin | auction decode
  auction decode --json 0d0000000800070000000000000003b06d | jq '.parts[] | select(.says == \"body\")'

Passwords and tokens are not shown. `--trace-wire` shows a whole conversation as it happens.")]
    Decode {
        /// Bytes as hexadecimal digits, from the beginning of a connection or of a frame [default: standard input].
        #[arg(value_name = "HEX")]
        digits: Vec<String>,
    },
    /// Check a public journal without a server: every record must agree with the rules.
    #[command(after_help = "\
Examples:
  auction-server export journal > market.auctpub
  auction verify market.auctpub
  auction verify market.auctpub --user mia
  auction verify market.auctpub --receipt receipt-12.json --checkpoint checkpoint-20.json
  auction verify market.auctpub --json | jq .chain

Exit codes: 0 when every record agrees with the rules, 1 when one does not: it is named, with the expected and the
actual content. Unopened commitments are counted, by kind. With receipts and checkpoints it must also be the journal
that the market had signed: records that were dropped, changed or moved since are named.")]
    Verify {
        /// File to check; - is standard input.
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Show the bids of this user, too.
        #[arg(long, value_name = "NAME")]
        user: Option<Name>,
        /// A receipt that the journal must contain; its user's bids are shown too. Can be given several times.
        #[arg(long = "receipt", value_name = "FILE", value_hint = ValueHint::FilePath)]
        receipts: Vec<PathBuf>,
        /// A checkpoint that the journal must continue. Can be given several times.
        #[arg(long = "checkpoint", value_name = "FILE", value_hint = ValueHint::FilePath)]
        checkpoints: Vec<PathBuf>,
        #[command(flatten)]
        key: ByKey,
    },
    /// Print a completion script for a shell.
    #[command(after_help = "\
Examples:
  auction completions bash > ~/.local/share/bash-completion/completions/auction
  auction completions zsh > \"${fpath[1]}/_auction\"
  auction completions fish > ~/.config/fish/completions/auction.fish")]
    Completions {
        /// Name of the shell.
        shell: Shell,
    },
    /// Write the manual pages: of the program, and of each command.
    #[command(after_help = "\
Examples:
  auction man ~/.local/share/man/man1
  auction man man1 && man -l man1/auction-bid.1")]
    Man {
        /// Folder for the pages; it is created if missing.
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
}
