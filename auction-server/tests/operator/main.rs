//! The operator's side: settings, the files people write, and what the program prints.

mod config;
mod listing;
mod accounts;
mod announce;
mod program;
