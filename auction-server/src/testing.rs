//! Parts of the crate for the integration tests. Not a public interface: anything here changes without notice.

pub mod cli {
    //! The program's commands.
    pub use crate::cli::args::{Cli, DecimalSign, Format, What};

    pub mod check {
        //! The check of a configuration.
        pub use crate::cli::check::check;
    }
    pub mod findings {
        //! Findings of a check.
        pub use crate::cli::findings::{Finding, Findings, Severity};
    }
    pub mod export {
        //! Exports of the journal.
        pub use crate::cli::export::{ExportError, export, open};
    }
    pub mod import_stocks {
        //! The import of lists of stocks.
        pub use crate::cli::import_stocks::{ImportError, Options, Reason, Report, import};
    }
    pub mod verify {
        //! The verification of the journal.
        pub use crate::cli::verify::{Funds, Verified, verify};
    }
}

pub mod config {
    //! Settings, and the files of the data folder.
    pub use crate::config::*;

    pub mod csv {
        //! CSV files.
        pub use crate::config::csv::CSV_BYTES_MAX;

        pub mod lots {
            //! `lots.csv`.
            pub use crate::config::csv::lots::{Defaults, PlannedLot, read};
        }
        pub mod stocks {
            //! `stocks.csv`.
            pub use crate::config::csv::stocks::{StockList, choose, read};
        }
        pub mod users {
            //! `users.csv`.
            pub use crate::config::csv::users::{Import, read};
        }
    }
    pub mod data_dir {
        //! Paths within the data folder.
        pub use crate::config::data_dir::DataDir;
    }
    pub mod reserved_names {
        //! Names of demo accounts.
        pub use crate::config::reserved_names::*;
    }
}

pub mod demo {
    //! The demo.
    pub mod program {
        //! The lots of a demo.
        pub use crate::demo::program::{Next, Program, Slot};
    }
    pub mod strategy {
        //! House traders.
        pub use crate::demo::strategy::{Intent, Memory, Move, Trader};
    }
}

pub mod gateway {
    //! Connections.
    pub mod admission {
        //! Limits of an address.
        pub use crate::gateway::admission::{Admission, Admitted};
    }
    pub mod login_failures {
        //! Failed logins.
        pub use crate::gateway::login_failures::LoginFailures;
    }
    pub mod session {
        //! Sessions.
        pub use crate::gateway::session::{
            Channel, CloseReason, DRAIN_TIMEOUT, HELLO_TIMEOUT, LINGER_TIMEOUT, SILENT_HEARTBEATS,
            Services, WRITE_TIMEOUT, serve,
        };

        pub mod peer_directory {
            //! The directory of peers.
            pub use crate::gateway::session::peer_directory::PeerDirectory;
        }
        pub mod relayed {
            //! Envelopes.
            pub use crate::gateway::session::relayed::{Deps, EnvelopeKeys, Envelopes};
        }
    }
}

pub mod journal {
    //! The journal.
    pub use crate::journal::*;

    pub mod lock {
        //! The lock of its folder.
        pub use crate::journal::lock::{DirLock, LockState};
    }
    pub mod disk {
        //! The disk beneath it.
        pub use crate::journal::disk::{Access, Disk, DiskFile, RealDisk};
    }
}

pub mod market {
    //! The market and its tables.
    pub mod credentials {
        //! Accounts and sessions.
        pub use crate::market::credentials::Credentials;
    }
    pub mod dead_man {
        //! Dead-man switches.
        pub use crate::market::dead_man::DeadManSwitches;
    }
    pub mod group_commit {
        //! Group commit.
        pub use crate::market::group_commit::GroupCommit;
    }
    pub mod startup {
        //! The start of a market.
        pub use crate::market::startup::OutagePolicy;
    }
}

pub mod platform {
    //! The machine.
    pub mod clock {
        //! Clocks.
        pub use crate::platform::clock::{Clock, Machine, MarketClock, STANDSTILL, ThisMachine};
    }
    pub mod metrics {
        //! Metrics.
        pub use crate::platform::metrics::Metrics;
    }
    pub mod password {
        //! Passwords.
        pub use crate::platform::password::{Checker, Memory, Password};
    }
    pub mod password_pool {
        //! The threads that hash passwords.
        pub use crate::platform::password_pool::PasswordPool;
    }
    pub mod progress {
        //! Progress of long work.
        pub use crate::platform::progress::{Progress, Task};
    }
}

pub mod projections {
    //! Projections.
    pub mod activity {
        //! Activity of traders.
        pub use crate::projections::activity::ActivityIndex;
    }
    pub mod console_text {
        //! Texts of the console.
        pub use crate::projections::console_text::{Certified, Security, news, opening, results};
    }
    pub mod fan_out {
        //! The fan-out of the feed.
        pub use crate::projections::fan_out::FanOut;
    }
    pub mod feed {
        //! The feed.
        pub use crate::projections::feed::Hub;
    }
    pub mod market_data {
        //! Market data.
        pub use crate::projections::market_data::*;
    }
    pub mod follower {
        //! The follower of the journal.
        pub use crate::projections::follower::{Follower, Histories, HistoryError};
    }
    pub mod signing {
        //! Signatures of the feed.
        pub use crate::projections::signing::{Signer, Signing, open_keys};
    }
}

pub mod sequencer {
    //! The sequencer.
    pub use crate::sequencer::Sequencer;
}

pub mod server {
    //! The server.
    pub use crate::server::{ServeError, Server, StartError};
}
