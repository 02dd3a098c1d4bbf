//! `auction receipt`

use std::path::Path;

use auction_client::{Code, LoggedIn, MarketKey, Receipt, ReceiptOf, RequestError, SignedError};
use auction_core::{Command, LotId, RequestId, Side};
use auction_proto::{Proven, ReceiptError};
use serde_json::{Value, json};

use crate::args::Shared;
use crate::args::signed::{Checked, WantedReceipt};
use crate::args::target::Target;
use crate::output::escape::Escaped;
use crate::output::failure::Failure;
use crate::output::out::Out;
use crate::session::Context;
use crate::session::proof_file::{ProofFile, Signed};

/// Number of requests searched for the latest one on a lot. Read requests have ids too: a few for each bid.
const REQUESTS_LOOKED_THROUGH: u64 = 256;

pub async fn run(context: &Context, wanted: &WantedReceipt) -> Result<(), Failure> {
    let key = context.market_key()?;
    let logged_in = context.resume().await?;
    let receipt = match (wanted.target, wanted.request, wanted.record) {
        (Some(target), _, _) => on_lot(context, &key, &logged_in, target, wanted.lot).await?,
        (None, None, None) => latest(context, &key, &logged_in).await?,
        (None, Some(request), _) => of(context, &key, ReceiptOf::Request(request)).await?,
        (None, None, Some(record)) => of(context, &key, ReceiptOf::Record(record)).await?,
    };
    let proven = receipt.verify(key.market, &key.key).map_err(not_proven)?;
    let file = ProofFile {
        key,
        signed: Signed::Receipt(receipt),
    };
    let name = format!("receipt-{}.json", proven.record.sequence);
    let Some(written) = file.write(wanted.out.as_deref(), name)? else {
        // The receipt is on standard output, so nothing else may be printed there.
        return Ok(());
    };
    let written = written.display().to_string();
    context.out.print(
        |_| {
            let proves = text(&file, &proven);
            format!(
                "{proves}\nKept in {written}; anyone can check it: auction receipt check {written}"
            )
        },
        || {
            let mut fields = fields(&file, &proven);
            fields["file"] = json!(written);
            fields
        },
    )
}

/// `auction receipt check`
pub fn check(shared: &Shared, checked: &Checked) -> Result<(), Failure> {
    let mut files = checked.files.iter();
    files.try_for_each(|file| check_file(shared, checked, file))
}

fn check_file(shared: &Shared, checked: &Checked, path: &Path) -> Result<(), Failure> {
    let file = ProofFile::read(path)?;
    let Signed::Receipt(receipt) = &file.signed else {
        return Err(wrong_kind(path, "receipt"));
    };
    let key = file.known_key(checked.key.key, &shared.state_dir()?)?;
    let proven = receipt.verify(key.market, &key.key).map_err(not_proven)?;
    Out::new(shared.format()).print(
        |_| text(&file, &proven),
        || {
            let mut fields = fields(&file, &proven);
            fields["verified"] = json!(true);
            fields
        },
    )
}

pub fn wrong_kind(file: &Path, expected: &str) -> Failure {
    let file = file.display();
    Failure::failed(format!(
        "{file}: it is not a {expected}, but another signed file"
    ))
    .with_code("not_signed")
}

pub fn not_proven(error: ReceiptError) -> Failure {
    Failure::failed(format!("the receipt proves nothing: {error}")).with_code("not_proven")
}

/// Converts the error of a request for signed data.
pub fn failed(error: SignedError) -> Failure {
    match error {
        SignedError::Request(error) => error.into(),
        error => Failure::failed(Escaped(error).to_string()).with_code("not_proven"),
    }
}

async fn of(context: &Context, key: &MarketKey, of: ReceiptOf) -> Result<Receipt, Failure> {
    context.client.receipt(of, &key.key).await.map_err(failed)
}

async fn latest(
    context: &Context,
    key: &MarketKey,
    logged_in: &LoggedIn,
) -> Result<Receipt, Failure> {
    match logged_in.last_request {
        RequestId(0) => {
            let message =
                "nothing of yours was accepted in this session; name a record: --record N";
            Err(Failure::refused(Code::NO_RECEIPT, message))
        }
        request => of(context, key, ReceiptOf::Request(request)).await,
    }
}

/// Returns the receipt of the latest request of this session on a lot.
async fn on_lot(
    context: &Context,
    key: &MarketKey,
    logged_in: &LoggedIn,
    target: Target,
    number: Option<LotId>,
) -> Result<Receipt, Failure> {
    let market = context.client.snapshot().await?;
    let lots: Vec<LotId> = target
        .lots(&market, number)?
        .iter()
        .map(|lot| lot.id)
        .collect();
    let last = logged_in.last_request.0;
    let first = last.saturating_sub(REQUESTS_LOOKED_THROUGH).max(1);
    for request in (first..=last).rev() {
        let of = ReceiptOf::Request(RequestId(request));
        match context.client.receipt(of, &key.key).await {
            Ok(receipt) => {
                let proven = receipt.verify(key.market, &key.key).map_err(not_proven)?;
                let lot = proven.asked.and_then(|asked| lot_of(&asked.command));
                if lot.is_some_and(|lot| lots.contains(&lot)) {
                    return Ok(receipt);
                }
            }
            // A read request, or a refused one.
            Err(SignedError::Request(RequestError::Refused(refused)))
                if refused.code == Code::NO_RECEIPT => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let message = "nothing of yours on this lot is among the latest requests of this session; name its record, \
                   as `auction verify --user` tells it: --record N";
    Err(Failure::refused(Code::NO_RECEIPT, message))
}

/// Returns the lot of a trader's command.
pub fn lot_of(command: &Command) -> Option<LotId> {
    match command {
        Command::Bid { lot, .. }
        | Command::BidMaximum { lot, .. }
        | Command::PlaceOrder { lot, .. }
        | Command::ReplaceOrder { lot, .. }
        | Command::CancelOrder { lot, .. } => Some(*lot),
        _ => None,
    }
}

/// Describes what a receipt proves.
fn text(file: &ProofFile, proven: &Proven) -> String {
    let (sequence, at) = (proven.record.sequence, proven.record.at);
    let checkpoint = &proven.checkpoint;
    let asked = match &proven.asked {
        Some(asked) => {
            let who = proven
                .user()
                .map_or(String::new(), |user| format!(" of user {user}"));
            format!("{}{who}", describe(&asked.command))
        }
        None => "a request that stays hidden".to_owned(),
    };
    format!(
        "Record {sequence} of {at}: {asked}.\n\
         It stands in the journal of market {}, which the market signed at {} up to record {}.\n\
         The key is {}.",
        file.key.market,
        checkpoint.time,
        checkpoint.checkpoint.sequence,
        file.key.key.fingerprint(),
    )
}

fn fields(file: &ProofFile, proven: &Proven) -> Value {
    let asked = proven.asked.as_ref();
    let request = asked.and_then(|asked| asked.request);
    json!({
        "market": file.key.market.to_string(),
        "fingerprint": file.key.key.fingerprint().to_string(),
        "record": proven.record.sequence.0.to_string(),
        "at": proven.record.at.to_string(),
        "user": proven.user().map(|user| user.0),
        "session": request.map(|(session, _)| session.0),
        "request": request.map(|(_, request)| request.0.to_string()),
        "lot": asked.and_then(|asked| lot_of(&asked.command)).map(|lot| lot.0),
        "what": asked.map(|asked| describe(&asked.command)),
        "signed_up_to": proven.checkpoint.checkpoint.sequence.0.to_string(),
        "signed_at": proven.checkpoint.time.to_string(),
    })
}

/// Describes a command.
pub fn describe(command: &Command) -> String {
    match command {
        Command::Bid { lot, price } => format!("a bid of {price} on #{lot}"),
        Command::BidMaximum { lot, maximum } => format!("a hidden maximum of {maximum} on #{lot}"),
        Command::PlaceOrder {
            lot,
            side,
            quantity,
            limit,
        } => {
            let says = super::order::says(*quantity, *limit);
            match side {
                Side::Buy => format!("an order to buy {says} on #{lot}"),
                Side::Sell => format!("an order to sell {says} on #{lot}"),
            }
        }
        Command::ReplaceOrder {
            lot,
            order,
            quantity,
            limit,
        } => {
            let says = super::order::says(*quantity, *limit);
            format!("order {order} on #{lot} replaced by {says}")
        }
        Command::CancelOrder { lot, order } => format!("order {order} on #{lot} cancelled"),
        Command::PublishProfit { symbol, profit, .. } => {
            format!("a profit of {profit} for {symbol}")
        }
        Command::OpenLot(open) => format!("a lot of {} opened", open.symbol),
        Command::CloseLot { lot } => format!("#{lot} closed"),
        Command::ExtendLot { lot, closes_at } => format!("#{lot} extended to {closes_at}"),
        Command::CancelLot { lot } => format!("#{lot} cancelled"),
        Command::HaltLot { lot } => format!("#{lot} halted"),
        Command::ResumeLot { lot } => format!("#{lot} resumed"),
        _ => "another request".to_owned(),
    }
}
