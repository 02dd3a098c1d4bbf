//! The operator's side: settings, the files people write, what the program prints, and what people take out.

mod stage;
mod config;
mod demo;
mod listing;
mod lots;
mod accounts;
mod announce;
mod export;
mod verify;
mod follower;
mod activity;
mod program;
mod manual;
mod check;
