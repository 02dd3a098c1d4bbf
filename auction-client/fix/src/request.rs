//! Typed requests of clients, made from messages whose fields have passed the reader.

use auction_core::{LotId, Price, Quantity, SelfTrade, Side, Symbol, Timestamp};
use serde::{Deserialize, Serialize};

use crate::dictionary as tag;
use crate::reader::{Fault, Message, Values};
use crate::value;

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    New(NewOrder),
    Replace(Replace),
    Cancel(Cancel),
    Status(StatusOf),
    MassCancel(MassCancel),
    MassStatus(MassStatus),
    MarketData(MarketDataRequest),
    SecurityList(SecurityListRequest),
    SecurityStatus(SecurityStatusRequest),
    TradingSession(TradingSessionRequest),
}

/// Type of an order (40).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderType {
    /// 1: at any price.
    Market,
    /// 2: at its price or better; on an English lot an open bid, on a Dutch lot the highest price accepted.
    Limit,
    /// P: a hidden maximum on an English lot, up to which the market bids.
    Pegged,
}

impl OrderType {
    pub fn code(self) -> &'static str {
        match self {
            Self::Market => "1",
            Self::Limit => "2",
            Self::Pegged => "P",
        }
    }
}

/// A stock, and the lot of it if the client names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    pub symbol: Symbol,
    pub lot: Option<LotId>,
}

/// Content of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub instrument: Instrument,
    pub side: Side,
    pub quantity: Quantity,
    pub order_type: OrderType,
    /// Present unless the order type is `Market`.
    pub price: Option<Price>,
    pub time_in_force: Option<char>,
    /// 126: present with 59=6.
    pub expires_at: Option<Timestamp>,
    /// 18=6: the order must not trade at once.
    pub post_only: bool,
    pub self_trade: SelfTrade,
}

/// D.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    pub cl_ord_id: String,
    pub terms: Terms,
    /// True if the client may have sent it before.
    pub is_repeated: bool,
}

/// G.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    pub cl_ord_id: String,
    pub orig_cl_ord_id: String,
    pub terms: Terms,
    pub is_repeated: bool,
}

/// F.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    pub cl_ord_id: String,
    pub orig_cl_ord_id: String,
    pub is_repeated: bool,
}

/// H.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusOf {
    pub cl_ord_id: String,
    pub request: Option<String>,
    pub symbol: Option<Symbol>,
    pub side: Side,
}

/// Orders that a mass request concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// `None`: all stocks.
    pub instrument: Option<Instrument>,
    pub side: Option<Side>,
}

/// q.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MassCancel {
    pub cl_ord_id: String,
    pub scope: Scope,
    /// 530, as the client wrote it.
    pub kind: String,
}

/// AF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MassStatus {
    pub request: String,
    pub scope: Scope,
}

/// Subscription (263).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribe {
    Once,
    Updates,
    Stop,
}

/// V.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketDataRequest {
    pub request: String,
    pub subscribe: Subscribe,
    /// Levels of each side; 0: all.
    pub depth: usize,
    /// Each update as a snapshot (265=0) or as changes (265=1, or absent).
    pub is_full_refresh: bool,
    pub entry_types: Vec<char>,
    pub instruments: Vec<Instrument>,
}

/// x.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityListRequest {
    pub request: String,
    /// `None`: all.
    pub symbol: Option<Symbol>,
}

/// e.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityStatusRequest {
    pub request: String,
    pub instrument: Instrument,
    pub subscribe: Subscribe,
}

/// g.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradingSessionRequest {
    pub request: String,
    pub subscribe: Subscribe,
}

/// Types a message.
pub fn typed(message: &Message) -> Result<Request, Fault> {
    let text = |tag| message.required(tag).map(str::to_owned);
    Ok(match message.spec {
        "D" => Request::New(NewOrder {
            cl_ord_id: text(tag::CL_ORD_ID)?,
            terms: terms(message)?,
            is_repeated: message.is_repeated,
        }),
        "G" => Request::Replace(Replace {
            cl_ord_id: text(tag::CL_ORD_ID)?,
            orig_cl_ord_id: text(tag::ORIG_CL_ORD_ID)?,
            terms: terms(message)?,
            is_repeated: message.is_repeated,
        }),
        "F" => {
            instrument(&message.values)?;
            side(message)?;
            Request::Cancel(Cancel {
                cl_ord_id: text(tag::CL_ORD_ID)?,
                orig_cl_ord_id: text(tag::ORIG_CL_ORD_ID)?,
                is_repeated: message.is_repeated,
            })
        }
        "H" => Request::Status(StatusOf {
            cl_ord_id: text(tag::CL_ORD_ID)?,
            request: message.get(tag::ORD_STATUS_REQ_ID).map(str::to_owned),
            symbol: optional_instrument(&message.values)?.map(|instrument| instrument.symbol),
            side: side(message)?.ok_or_else(|| missing(tag::SIDE))?,
        }),
        "q" => {
            let kind = text(tag::MASS_CANCEL_REQUEST_TYPE)?;
            Request::MassCancel(MassCancel {
                cl_ord_id: text(tag::CL_ORD_ID)?,
                scope: scope(message, tag::MASS_CANCEL_REQUEST_TYPE, &kind)?,
                kind,
            })
        }
        "AF" => {
            let kind = text(tag::MASS_STATUS_REQ_TYPE)?;
            Request::MassStatus(MassStatus {
                request: text(tag::MASS_STATUS_REQ_ID)?,
                scope: scope(message, tag::MASS_STATUS_REQ_TYPE, &kind)?,
            })
        }
        "V" => Request::MarketData(market_data(message)?),
        "x" => {
            let all = match message.required(tag::SECURITY_LIST_REQUEST_TYPE)? {
                "0" => false,
                "4" => true,
                _ => {
                    return Err(not_offered(
                        tag::SECURITY_LIST_REQUEST_TYPE,
                        "0 (a symbol) or 4 (all)",
                    ));
                }
            };
            let symbol = match all {
                true => None,
                false => Some(instrument(&message.values)?.symbol),
            };
            Request::SecurityList(SecurityListRequest {
                request: text(tag::SECURITY_REQ_ID)?,
                symbol,
            })
        }
        "e" => Request::SecurityStatus(SecurityStatusRequest {
            request: text(tag::SECURITY_STATUS_REQ_ID)?,
            instrument: instrument(&message.values)?,
            subscribe: subscribe(message)?,
        }),
        "g" => Request::TradingSession(TradingSessionRequest {
            request: text(tag::TRAD_SES_REQ_ID)?,
            subscribe: subscribe(message)?,
        }),
        other => unreachable!("the reader knows no {other} of clients"),
    })
}

fn terms(message: &Message) -> Result<Terms, Fault> {
    let order_type = match message.required(tag::ORD_TYPE)? {
        "1" => OrderType::Market,
        "2" => OrderType::Limit,
        "P" => OrderType::Pegged,
        _ => {
            return Err(not_offered(
                tag::ORD_TYPE,
                "1 (market), 2 (limit) or P (a hidden maximum)",
            ));
        }
    };
    let price = message.get(tag::PRICE).map(|text| {
        let malformed = |error| Fault::new(Fault::FORMAT_INCORRECT, tag::PRICE, format!("{error}"));
        value::price(text).map_err(malformed)
    });
    let price = price.transpose()?;
    match (order_type, price) {
        (OrderType::Market, Some(_)) => {
            return Err(Fault::new(
                Fault::VALUE_INCORRECT,
                tag::PRICE,
                "is not part of a market order",
            ));
        }
        (OrderType::Limit | OrderType::Pegged, None) => return Err(missing(tag::PRICE)),
        _ => {}
    }
    // An offset would make the market bid something else than the client means.
    for (tag, only) in [(tag::PEG_OFFSET_VALUE, "0"), (tag::DISCRETION_INST, "0")] {
        if let Some(value) = message.get(tag)
            && value::price(value).ok() != Some(Price::ZERO)
        {
            return Err(not_offered(tag, only));
        }
    }
    if let Some(peg) = message.get(tag::PEG_PRICE_TYPE)
        && peg != "5"
    {
        return Err(not_offered(tag::PEG_PRICE_TYPE, "5 (the best bid)"));
    }
    let time_in_force = message
        .get(tag::TIME_IN_FORCE)
        .and_then(|text| text.chars().next());
    let quantity = value::quantity(message.required(tag::ORDER_QTY)?);
    let malformed = || {
        Fault::new(
            Fault::FORMAT_INCORRECT,
            tag::ORDER_QTY,
            "must be whole shares, from 1 to 1000000000000",
        )
    };
    Ok(Terms {
        instrument: instrument(&message.values)?,
        side: side(message)?.ok_or_else(|| missing(tag::SIDE))?,
        quantity: quantity.ok_or_else(malformed)?,
        order_type,
        price,
        time_in_force,
        expires_at: expires_at(message, time_in_force)?,
        post_only: match message.get(tag::EXEC_INST) {
            None => false,
            Some("6") => true,
            Some(_) => {
                return Err(not_offered(
                    tag::EXEC_INST,
                    "6 (participate, do not initiate)",
                ));
            }
        },
        self_trade: match message.get(tag::SELF_MATCH_PREVENTION_INSTRUCTION) {
            None => SelfTrade::Refuse,
            Some("1") => SelfTrade::CancelNewest,
            Some("2") => SelfTrade::CancelOldest,
            Some("3") => SelfTrade::CancelBoth,
            Some("100") => SelfTrade::Decrement,
            Some(_) => {
                return Err(not_offered(
                    tag::SELF_MATCH_PREVENTION_INSTRUCTION,
                    "1 (cancel the new order), 2 (the old one), 3 (both) or 100 (decrement both)",
                ));
            }
        },
    })
}

fn expires_at(message: &Message, time_in_force: Option<char>) -> Result<Option<Timestamp>, Fault> {
    let text = message.get(tag::EXPIRE_TIME);
    match (time_in_force, text) {
        (Some('6'), None) => Err(missing(tag::EXPIRE_TIME)),
        (Some('6'), Some(text)) => {
            let at = value::timestamp(text);
            let malformed = || {
                Fault::new(
                    Fault::FORMAT_INCORRECT,
                    tag::EXPIRE_TIME,
                    "must be a time in UTC, for example 20261201-16:30:00",
                )
            };
            at.map(Some).ok_or_else(malformed)
        }
        (_, None) => Ok(None),
        (_, Some(_)) => Err(Fault::new(
            Fault::VALUE_INCORRECT,
            tag::EXPIRE_TIME,
            "goes with 59=6 (good till date) alone",
        )),
    }
}

fn side(message: &Message) -> Result<Option<Side>, Fault> {
    Ok(match message.get(tag::SIDE) {
        None => None,
        Some("1") => Some(Side::Buy),
        Some("2") => Some(Side::Sell),
        Some(_) => return Err(not_offered(tag::SIDE, "1 (buy) or 2 (sell)")),
    })
}

fn scope(message: &Message, tag: u32, kind: &str) -> Result<Scope, Fault> {
    let instrument = match kind {
        "1" => Some(instrument(&message.values)?),
        "7" => None,
        _ => return Err(not_offered(tag, "1 (a stock) or 7 (all orders)")),
    };
    Ok(Scope {
        instrument,
        side: side(message)?,
    })
}

fn market_data(message: &Message) -> Result<MarketDataRequest, Fault> {
    let types = message.group(tag::NO_MD_ENTRY_TYPES);
    let types = types
        .iter()
        .filter_map(|entry| entry[&tag::MD_ENTRY_TYPE].chars().next());
    let instruments = message.group(tag::NO_RELATED_SYM).iter().map(instrument);
    let depth = message.required(tag::MARKET_DEPTH)?;
    let negative = || {
        Fault::new(
            Fault::VALUE_INCORRECT,
            tag::MARKET_DEPTH,
            "must be 0 (all levels) or a number of levels",
        )
    };
    Ok(MarketDataRequest {
        request: message.required(tag::MD_REQ_ID)?.to_owned(),
        subscribe: subscribe(message)?,
        depth: depth.parse().map_err(|_| negative())?,
        is_full_refresh: match message.get(tag::MD_UPDATE_TYPE) {
            Some("0") => true,
            None | Some("1") => false,
            Some(_) => {
                return Err(not_offered(
                    tag::MD_UPDATE_TYPE,
                    "0 (snapshots) or 1 (changes)",
                ));
            }
        },
        entry_types: types.collect(),
        instruments: instruments.collect::<Result<_, _>>()?,
    })
}

fn subscribe(message: &Message) -> Result<Subscribe, Fault> {
    Ok(match message.required(tag::SUBSCRIPTION_REQUEST_TYPE)? {
        "0" => Subscribe::Once,
        "1" => Subscribe::Updates,
        "2" => Subscribe::Stop,
        _ => return Err(not_offered(tag::SUBSCRIPTION_REQUEST_TYPE, "0, 1 or 2")),
    })
}

fn optional_instrument(values: &Values) -> Result<Option<Instrument>, Fault> {
    match values.contains_key(&tag::SYMBOL) {
        true => instrument(values).map(Some),
        false => Ok(None),
    }
}

/// Reads the stock (55), and the lot's number (48, with 22=8).
fn instrument(values: &Values) -> Result<Instrument, Fault> {
    let symbol = values
        .get(&tag::SYMBOL)
        .ok_or_else(|| missing(tag::SYMBOL))?;
    let malformed = |error| Fault::new(Fault::VALUE_INCORRECT, tag::SYMBOL, format!("{error}"));
    let symbol = Symbol::parse(symbol).map_err(malformed)?;
    let lot = match values.get(&tag::SECURITY_ID) {
        None => None,
        Some(lot) => {
            if values
                .get(&tag::SECURITY_ID_SOURCE)
                .is_some_and(|source| source != "8")
            {
                return Err(not_offered(
                    tag::SECURITY_ID_SOURCE,
                    "8: SecurityID (48) is the lot's number",
                ));
            }
            let malformed = |_| {
                Fault::new(
                    Fault::FORMAT_INCORRECT,
                    tag::SECURITY_ID,
                    "must be the number of a lot",
                )
            };
            Some(LotId(lot.parse().map_err(malformed)?))
        }
    };
    Ok(Instrument { symbol, lot })
}

fn missing(tag: u32) -> Fault {
    Fault::new(Fault::REQUIRED_TAG_MISSING, tag, "is missing")
}

fn not_offered(tag: u32, offered: &str) -> Fault {
    Fault::new(
        Fault::VALUE_INCORRECT,
        tag,
        format!("has a value that is not offered; expected {offered}"),
    )
}
