//! Notices: being outbid, and winning.

use auction_core::{LotId, Outcome};

use crate::commands::interactive::ending;
use crate::output::colour::Colour;
use crate::output::names::View;
use crate::screen::events::Effect;
use crate::screen::model::{Model, NoticeKind, OrderState, Tone};
use crate::screen::words::outbid_words;

/// Adds a notice if someone else leads a lot that the user has led or bid on.
pub fn outbid(model: &mut Model, view: View<'_>, lot: LotId) -> Vec<Effect> {
    model.unsay_lead(lot);
    model.notify(lot, NoticeKind::Outbid);
    model.log(view.now, Tone::Alarm, outbid_words(view, lot));
    vec![Effect::Ring]
}

/// Handles the close of a lot that the user has bid on.
pub fn closed(model: &mut Model, view: View<'_>, lot: LotId) -> Vec<Effect> {
    let outcome = view.market.lot(lot).and_then(|lot| lot.outcome());
    let sold = matches!(outcome, Some(Outcome::Sold { winner, .. }) if view.is_own(winner));
    let won = sold || filled(model, lot) > 0;
    let tone = if won { Tone::Good } else { Tone::Usual };
    model.log(view.now, tone, ending(&view, lot, Colour::Plain));
    if !won {
        return Vec::new();
    }
    model.notify(lot, NoticeKind::Won);
    vec![Effect::Ring]
}

/// Returns the number of shares of a lot that the user's orders received.
fn filled(model: &Model, lot: LotId) -> u64 {
    let orders = model.orders.get(&lot).into_iter().flatten();
    let filled = orders.map(|(_, own)| match own.state {
        OrderState::Filled(shares, _) => shares,
        OrderState::Live => 0,
    });
    filled.sum()
}
