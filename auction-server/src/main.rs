//! The program `auction-server`.

use std::process::ExitCode;

fn main() -> ExitCode {
    auction_server::main()
}
