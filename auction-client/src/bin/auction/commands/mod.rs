//! The commands, one file each.

mod register;
mod login;
mod logout;
mod passwd;
mod sessions;
mod lots;
pub mod far_price;
mod order_entry;
pub mod day;
pub mod order;
mod orders;
mod mine;
pub mod bid;
mod device;
mod take;
mod dead_man;
mod key;
mod receipt;
mod checkpoint;
mod fraud;
mod watch;
mod peer;
mod history;
mod trades;
mod results;
mod would_have_won;
mod account;
mod open;
mod lot_life;
mod suspend;
mod profit;
mod status;
pub mod interactive;
mod decode;
mod verify;
mod completions;

use std::io;

use clap::CommandFactory as _;

use crate::args::auctioneer::AuctioneerCommand;
use crate::args::signed::{FraudAction, KeyAction, ReceiptAction, SignedCommand};
use crate::args::tools::ToolCommand;
use crate::args::trade::TradeCommand;
use crate::args::{Cli, Command, Shared};
use crate::output::failure::{Failure, OutputFormat};
use crate::output::out::Out;
use crate::session::Context;

/// Runs the given command.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let Cli {
        shared, command, ..
    } = cli;
    if shared.verbose {
        log_to_standard_error();
    }
    let Some(command) = command else {
        return match shared.format() {
            OutputFormat::Text => in_runtime(interactive::run(&shared)),
            OutputFormat::Json => help(),
        };
    };
    if let Command::Tool(command) = command {
        return tool(&shared, command);
    }
    if let Command::Signed(SignedCommand::Receipt {
        action: Some(ReceiptAction::Check(checked)),
        ..
    }) = &command
    {
        return receipt::check(&shared, checked);
    }
    if let Command::Signed(SignedCommand::Fraud {
        action: FraudAction::Check(checked),
    }) = &command
    {
        return fraud::check(&shared, checked);
    }
    in_runtime(async {
        if let Command::Signed(SignedCommand::Key {
            action: Some(KeyAction::Forget),
        }) = command
        {
            return key::forget(&shared).await;
        }
        #[cfg(feature = "p2p")]
        if let Command::Watch {
            targets,
            forever,
            peers,
            ..
        } = &command
            && peers.p2p
        {
            return peer::watch::run(&shared, targets, *forever, peers).await;
        }
        #[cfg(not(feature = "p2p"))]
        if let Command::Watch { peers, .. } = &command {
            peers.refuse()?;
        }
        if let Command::Bid {
            target,
            price,
            max,
            lot,
            check,
            through,
        } = &command
            && !through.through.is_empty()
        {
            let offer = bid::Offer::new(*price, *max);
            return peer::bid::run(&shared, through, (*target, *lot), offer, *check).await;
        }
        let context = Context::connect(&shared).await?;
        match command {
            Command::Register { name } => register::run(&context, name).await,
            Command::Login { name } => login::run(&context, name).await,
            Command::Logout => logout::run(&context).await,
            Command::Passwd => passwd::run(&context).await,
            Command::Sessions { action } => sessions::run(&context, action).await,
            Command::Device { action } => device::run(&context, action).await,
            Command::Lots { targets, all } => lots::run(&context, &targets, all).await,
            Command::Bid {
                target,
                price,
                max,
                lot,
                check,
                ..
            } => bid::run(&context, (target, lot), bid::Offer::new(price, max), check).await,
            Command::Watch {
                targets,
                forever,
                unsigned,
                dead_man,
                ..
            } => watch::run(&context, &targets, forever, unsigned, dead_man).await,
            Command::History { target, lot, limit } => {
                history::run(&context, target, lot, limit).await
            }
            Command::Trades(shown) => trades::run(&context, &shown).await,
            Command::Results => results::run(&context).await,
            Command::Profit {
                symbol,
                security,
                profit,
            } => profit::run(&context, symbol, security, profit).await,
            Command::Status => status::run(&context).await,
            Command::Trade(command) => trade(&context, command).await,
            Command::Auctioneer(command) => auctioneer(&context, command).await,
            Command::Signed(command) => signed(&context, command).await,
            Command::Tool(_) => unreachable!("tools need no market, and were handled above"),
        }
    })
}

/// Runs a command that needs no market.
fn tool(shared: &Shared, command: ToolCommand) -> Result<(), Failure> {
    let out = Out::new(shared.format());
    match command {
        ToolCommand::Decode { digits } => decode::run(out, &digits),
        ToolCommand::Verify {
            file,
            user,
            receipts,
            checkpoints,
            key,
        } => {
            let held = verify::Held {
                receipts: &receipts,
                checkpoints: &checkpoints,
                key: key.key,
            };
            verify::run(shared, &file, user, held)
        }
        ToolCommand::Completions { shell } => completions::completions(out, shell),
        ToolCommand::Man { folder } => completions::man(out, &folder),
    }
}

async fn signed(context: &Context, command: SignedCommand) -> Result<(), Failure> {
    match command {
        SignedCommand::Key { .. } => key::show(context).await,
        SignedCommand::Receipt { wanted, .. } => receipt::run(context, &wanted).await,
        SignedCommand::Checkpoint { since, out } => {
            checkpoint::run(context, since.as_deref(), out.as_deref()).await
        }
        SignedCommand::Fraud { .. } => {
            unreachable!("it needs no market, and was handled above")
        }
    }
}

async fn trade(context: &Context, command: TradeCommand) -> Result<(), Failure> {
    match command {
        TradeCommand::Take { which, at_most } => take::run(context, which, at_most).await,
        TradeCommand::Order {
            which,
            side,
            quantity,
            limit,
            check,
            day,
        } => {
            let order = order::Order {
                side: order::side(side),
                quantity,
                limit: limit.price,
            };
            order::place(context, which, order, (day, check)).await
        }
        TradeCommand::Replace {
            which,
            order,
            quantity,
            limit,
            check,
        } => order::replace(context, which, order, (quantity, limit), check).await,
        TradeCommand::Cancel { which, order } => order::cancel(context, which, order).await,
        TradeCommand::CancelAll { target, lot, of } => {
            day::cancel_all(context, target, lot, of).await
        }
        TradeCommand::Orders { target, lot } => orders::run(context, target, lot).await,
        TradeCommand::Mine { limit } => mine::run(context, limit).await,
        TradeCommand::WouldHaveWon(which) => would_have_won::run(context, which).await,
        TradeCommand::Account { name } => account::run(context, name).await,
    }
}

async fn auctioneer(context: &Context, command: AuctioneerCommand) -> Result<(), Failure> {
    match command {
        AuctioneerCommand::Open(args) => open::run(context, *args).await,
        AuctioneerCommand::Extend { which, until } => {
            lot_life::run(context, which, lot_life::Act::Extend(until)).await
        }
        AuctioneerCommand::Close(which) => {
            lot_life::run(context, which, lot_life::Act::Close).await
        }
        AuctioneerCommand::CancelLot(which) => {
            lot_life::run(context, which, lot_life::Act::Cancel).await
        }
        AuctioneerCommand::Halt(one_or_all) => match one_or_all.which() {
            Some(which) => lot_life::run(context, which, lot_life::Act::Halt).await,
            None => day::halt_all(context, true).await,
        },
        AuctioneerCommand::Resume(one_or_all) => match one_or_all.which() {
            Some(which) => lot_life::run(context, which, lot_life::Act::Resume).await,
            None => day::halt_all(context, false).await,
        },
        AuctioneerCommand::MovePhase { which, phase, end } => {
            day::move_phase(context, which, phase, end).await
        }
        AuctioneerCommand::Limits { name, limits } => day::limits(context, name, limits).await,
        AuctioneerCommand::Suspend { name } => {
            suspend::run(context, name, suspend::Act::Suspend).await
        }
        AuctioneerCommand::Reinstate { name } => {
            suspend::run(context, name, suspend::Act::Reinstate).await
        }
        AuctioneerCommand::Deposit { name, paid } => {
            account::pay(context, name, paid.asset(), account::Direction::In).await
        }
        AuctioneerCommand::Withdraw { name, paid } => {
            account::pay(context, name, paid.asset(), account::Direction::Out).await
        }
    }
}

/// Runs a future that uses a connection.
pub fn in_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("cannot start: {error}")))?;
    let done = runtime.block_on(work);
    // An unanswered prompt must not delay the exit.
    runtime.shutdown_background();
    done
}

/// Returns the help as an error: a program cannot use the interactive mode.
fn help() -> Result<(), Failure> {
    let help = Cli::command().render_help();
    Err(Failure::usage(format!("no command was given\n\n{help}")))
}

/// Logs to standard error.
pub fn log_to_standard_error() {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
}
