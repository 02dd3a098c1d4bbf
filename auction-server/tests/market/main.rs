//! The market end to end: the real server, over real sockets, with several clients, and what must hold when it is
//! killed, its disk fails, or someone sends it rubbish.

mod house;
mod line;
mod json_line;
mod person;
mod terminal;
mod ledger;
mod bidding;
mod formats;
mod demo;
mod sessions;
mod files;
mod proof;
mod program;
mod screen;
mod program_formats;
mod walk;
mod library;
mod examples;
mod tls;
mod fragile;
mod storm;
mod own_account;
mod signed;
mod dead_man;
mod ending;
mod credentials;
mod rubbish;
mod patience;
mod kill;
mod killing;
mod kill_formats;
mod kill_funds;
mod calls;
mod durable;
mod full_disk;
