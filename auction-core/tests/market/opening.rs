//! The oracle's openings: the allowed terms of a lot.

use auction_core::clearing::dutch::PriceClockError;
use auction_core::limits::SPAN_MAX_MICROS;
use auction_core::{LotId, OpenLot, Reject, Reply, Terms, TermsError, Timestamp};

use crate::lot::{OracleLot, price, step};
use crate::oracle::Oracle;

impl Oracle {
    pub fn open(&mut self, now: u64, open: &OpenLot) -> Result<Reply, Reject> {
        let base = self.stock(open.symbol)?.0.price.units();
        let lot = OracleLot {
            open: open.clone(),
            base,
            made_at: now,
            happened: Vec::new(),
            closed_at: None,
            cancelled: false,
        };
        let opens_at = open.opens_at.map(Timestamp::micros);
        if opens_at.is_some_and(|opens_at| opens_at <= now || opens_at > now + SPAN_MAX_MICROS) {
            return Err(TermsError::Opening.into());
        }
        let opens_at = opens_at.unwrap_or(now);
        let closes_at = open.closes_at.micros();
        if closes_at <= opens_at || closes_at > opens_at + SPAN_MAX_MICROS {
            return Err(TermsError::Close.into());
        }
        let greatest = lot.greatest();
        if !lot.is_english() {
            check_other_terms(&lot, closes_at - opens_at)?;
            self.lots.push(lot);
            let id = LotId(self.lots.len() as u32);
            if open.opens_at.is_none() {
                self.refer(id);
            }
            return Ok(Reply::LotOpened(id));
        }
        let least = base + step(&lot.terms().steps, base);
        if least > greatest {
            return Err(TermsError::BasePrice.into());
        }
        let outside = |value: u64, least: u64| value < least || value > greatest;
        let reserve = open.reserve.map(|reserve| reserve.units());
        let greatest = price(greatest);
        if reserve.is_some_and(|reserve| outside(reserve, least)) {
            return Err(TermsError::Reserve {
                least: price(least),
                greatest,
            }
            .into());
        }
        let least = reserve.unwrap_or(least);
        if lot
            .terms()
            .buy_now
            .is_some_and(|buy_now| outside(buy_now.units(), least))
        {
            return Err(TermsError::BuyNow {
                least: price(least),
                greatest,
            }
            .into());
        }
        self.lots.push(lot);
        Ok(Reply::LotOpened(LotId(self.lots.len() as u32)))
    }
}

fn check_other_terms(lot: &OracleLot, open_for: u64) -> Result<(), TermsError> {
    let greatest = price(lot.greatest());
    let reserve = lot.open.reserve.map(|reserve| reserve.units());
    let within = |least: u64, most: u64| match reserve {
        Some(reserve) if reserve < least || reserve > most => Err(TermsError::Reserve {
            least: price(least),
            greatest: price(most),
        }),
        _ => Ok(()),
    };
    match &lot.open.terms {
        Terms::English(_) => Ok(()),
        Terms::Dutch(terms) => {
            let (floor, start) = (terms.floor.units(), terms.start);
            if floor == 0 || floor > start.units() {
                return Err(PriceClockError::Floor { start }.into());
            }
            if terms.step.units() == 0 {
                return Err(PriceClockError::ZeroStep.into());
            }
            if terms.interval.micros() == 0 {
                return Err(PriceClockError::ZeroInterval.into());
            }
            if reserve.is_some() {
                return Err(TermsError::NoReserve);
            }
            if start > greatest {
                return Err(TermsError::Start { greatest });
            }
            Ok(())
        }
        Terms::Sealed(_) if lot.base.max(1) > lot.greatest() => Err(TermsError::BasePrice),
        Terms::Sealed(_) => within(lot.base.max(1), lot.greatest()),
        Terms::Uniform(terms) if !(1..=1_000).contains(&terms.bids_max) => {
            Err(TermsError::BidsEach)
        }
        Terms::Uniform(_) => within(1, auction_core::limits::PRICE_MAX),
        Terms::Day(_) => unreachable!("trading days have an oracle of their own"),
        Terms::Call(_) if reserve.is_some() => Err(TermsError::NoReserveInCall),
        Terms::Call(terms) if terms.tick.units() == 0 || terms.tick > greatest => {
            Err(TermsError::Tick { greatest })
        }
        Terms::Call(terms) => {
            let no_cancel = terms.no_cancel.map_or(0, |span| span.micros());
            let windows = terms.random_end.micros() + no_cancel;
            let extends =
                terms.market_extension || terms.collar.is_some() && terms.extensions_max > 0;
            match windows >= open_for || extends && windows >= terms.extend_by.micros() {
                true => Err(TermsError::Windows),
                false => Ok(()),
            }
        }
    }
}
