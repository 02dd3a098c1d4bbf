//! Market data out of the public records of a journal, a row at a time: trades, bars, and shown orders with their life.
//!
//! Each finder takes the records in order and keeps what is live, never what is over: memory does not grow with the
//! length of the journal.

pub mod order_rows;
pub mod bar_rows;
pub mod trade_rows;

use auction_core::LotId;

use crate::journal::VisitError;

/// Adds a lot that was opened; lots are numbered from 1.
fn add_lot<T>(lots: &mut Vec<T>, lot: LotId, added: T) -> Result<(), VisitError> {
    lots.push(added);
    match lot.0 as usize == lots.len() {
        true => Ok(()),
        false => Err(format!("lot {lot} was opened where {} was expected", lots.len()).into()),
    }
}

/// Returns a lot that was opened before.
fn lot_mut<T>(lots: &mut [T], lot: LotId) -> Result<&mut T, VisitError> {
    let index = (lot.0 as usize).checked_sub(1);
    let found = index.and_then(|index| lots.get_mut(index));
    found.ok_or_else(|| format!("lot {lot} is not known").into())
}
