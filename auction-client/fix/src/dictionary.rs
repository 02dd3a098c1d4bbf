//! Fields and messages of the gateway, in one table: the reader checks against it, and the data dictionary and the
//! documentation are made from it.

mod xml;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

pub use xml::data_dictionary;

/// Version of the application messages of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// FIX.4.4.
    Fix44,
    /// FIX.5.0SP2, over FIXT.1.1.
    Fix50,
}

impl Version {
    /// Returns the name as sessions.toml has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fix44 => "FIX.4.4",
            Self::Fix50 => "FIX.5.0SP2",
        }
    }
}

/// Type of a field, as FIX names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Boolean,
    Char,
    Int,
    NumInGroup,
    Price,
    Qty,
    SeqNum,
    String,
    UtcTimestamp,
    MultipleString,
}

/// A field.
pub struct Field {
    pub tag: u32,
    pub name: &'static str,
    pub kind: Kind,
    /// Values with their names; empty: any value of the kind.
    pub values: &'static [(&'static str, &'static str)],
}

macro_rules! fields {
    ($($constant:ident $tag:literal $name:literal $kind:ident [$($value:literal $label:literal),*];)*) => {
        $(#[allow(dead_code)] pub const $constant: u32 = $tag;)*
        /// All fields, in the order of their numbers.
        pub const FIELDS: &[Field] = &[$(Field { tag: $tag, name: $name, kind: Kind::$kind, values: &[$(($value, $label)),*] }),*];
    };
}

fields! {
    ACCOUNT 1 "Account" String [];
    AVG_PX 6 "AvgPx" Price [];
    CL_ORD_ID 11 "ClOrdID" String [];
    CUM_QTY 14 "CumQty" Qty [];
    CURRENCY 15 "Currency" String [];
    EXEC_ID 17 "ExecID" String [];
    EXEC_INST 18 "ExecInst" MultipleString ["6" "PARTICIPATE_DONT_INITIATE"];
    HANDL_INST 21 "HandlInst" Char ["1" "AUTOMATED_NO_INTERVENTION", "2" "AUTOMATED_INTERVENTION_OK", "3" "MANUAL"];
    SECURITY_ID_SOURCE 22 "SecurityIDSource" String ["8" "EXCHANGE_SYMBOL"];
    LAST_PX 31 "LastPx" Price [];
    LAST_QTY 32 "LastQty" Qty [];
    MSG_SEQ_NUM 34 "MsgSeqNum" SeqNum [];
    MSG_TYPE 35 "MsgType" String [];
    ORDER_ID 37 "OrderID" String [];
    ORDER_QTY 38 "OrderQty" Qty [];
    ORD_STATUS 39 "OrdStatus" Char ["0" "NEW", "1" "PARTIALLY_FILLED", "2" "FILLED", "3" "DONE_FOR_DAY", "4" "CANCELED", "8" "REJECTED", "A" "PENDING_NEW", "C" "EXPIRED"];
    ORD_TYPE 40 "OrdType" Char ["1" "MARKET", "2" "LIMIT", "P" "PEGGED"];
    ORIG_CL_ORD_ID 41 "OrigClOrdID" String [];
    POSS_DUP_FLAG 43 "PossDupFlag" Boolean [];
    PRICE 44 "Price" Price [];
    REF_SEQ_NUM 45 "RefSeqNum" SeqNum [];
    SECURITY_ID 48 "SecurityID" String [];
    SENDER_COMP_ID 49 "SenderCompID" String [];
    TARGET_COMP_ID 56 "TargetCompID" String [];
    SIDE 54 "Side" Char ["1" "BUY", "2" "SELL"];
    SYMBOL 55 "Symbol" String [];
    TEXT 58 "Text" String [];
    TIME_IN_FORCE 59 "TimeInForce" Char ["0" "DAY", "2" "AT_THE_OPENING", "3" "IMMEDIATE_OR_CANCEL", "4" "FILL_OR_KILL", "6" "GOOD_TILL_DATE", "7" "AT_THE_CLOSE", "B" "GOOD_FOR_AUCTION"];
    TRANSACT_TIME 60 "TransactTime" UtcTimestamp [];
    POSS_RESEND 97 "PossResend" Boolean [];
    CXL_REJ_REASON 102 "CxlRejReason" Int ["0" "TOO_LATE_TO_CANCEL", "1" "UNKNOWN_ORDER", "2" "BROKER_OPTION", "3" "ALREADY_PENDING", "6" "DUPLICATE_CLORDID", "99" "OTHER"];
    ORD_REJ_REASON 103 "OrdRejReason" Int ["0" "BROKER_OPTION", "1" "UNKNOWN_SYMBOL", "2" "EXCHANGE_CLOSED", "3" "ORDER_EXCEEDS_LIMIT", "4" "TOO_LATE_TO_ENTER", "5" "UNKNOWN_ORDER", "6" "DUPLICATE_ORDER", "11" "UNSUPPORTED_ORDER_CHARACTERISTIC", "13" "INCORRECT_QUANTITY", "99" "OTHER"];
    EXPIRE_TIME 126 "ExpireTime" UtcTimestamp [];
    NO_RELATED_SYM 146 "NoRelatedSym" NumInGroup [];
    EXEC_TYPE 150 "ExecType" Char ["0" "NEW", "3" "DONE_FOR_DAY", "4" "CANCELED", "5" "REPLACED", "8" "REJECTED", "A" "PENDING_NEW", "C" "EXPIRED", "D" "RESTATED", "F" "TRADE", "I" "ORDER_STATUS"];
    LEAVES_QTY 151 "LeavesQty" Qty [];
    PEG_OFFSET_VALUE 211 "PegOffsetValue" Price [];
    MD_REQ_ID 262 "MDReqID" String [];
    SUBSCRIPTION_REQUEST_TYPE 263 "SubscriptionRequestType" Char ["0" "SNAPSHOT", "1" "SNAPSHOT_PLUS_UPDATES", "2" "UNSUBSCRIBE"];
    MARKET_DEPTH 264 "MarketDepth" Int [];
    MD_UPDATE_TYPE 265 "MDUpdateType" Int ["0" "FULL_REFRESH", "1" "INCREMENTAL_REFRESH"];
    NO_MD_ENTRY_TYPES 267 "NoMDEntryTypes" NumInGroup [];
    NO_MD_ENTRIES 268 "NoMDEntries" NumInGroup [];
    MD_ENTRY_TYPE 269 "MDEntryType" Char ["0" "BID", "1" "OFFER", "2" "TRADE", "4" "OPENING_PRICE", "5" "CLOSING_PRICE", "7" "TRADING_SESSION_HIGH_PRICE", "8" "TRADING_SESSION_LOW_PRICE", "9" "TRADING_SESSION_VWAP_PRICE", "A" "IMBALANCE", "B" "TRADE_VOLUME", "J" "EMPTY_BOOK", "Q" "AUCTION_CLEARING_PRICE"];
    MD_ENTRY_PX 270 "MDEntryPx" Price [];
    MD_ENTRY_SIZE 271 "MDEntrySize" Qty [];
    TRADE_CONDITION 277 "TradeCondition" MultipleString ["P" "IMBALANCE_MORE_BUYERS", "Q" "IMBALANCE_MORE_SELLERS"];
    MD_ENTRY_ID 278 "MDEntryID" String [];
    MD_UPDATE_ACTION 279 "MDUpdateAction" Char ["0" "NEW", "1" "CHANGE", "2" "DELETE"];
    MD_REQ_REJ_REASON 281 "MDReqRejReason" Char ["0" "UNKNOWN_SYMBOL", "1" "DUPLICATE_MDREQID", "2" "INSUFFICIENT_BANDWIDTH", "4" "UNSUPPORTED_SUBSCRIPTIONREQUESTTYPE", "6" "UNSUPPORTED_MDUPDATETYPE", "8" "UNSUPPORTED_MDENTRYTYPE"];
    OPEN_CLOSE_SETTL_FLAG 286 "OpenCloseSettlFlag" MultipleString ["5" "THEORETICAL_PRICE"];
    MD_ENTRY_POSITION_NO 290 "MDEntryPositionNo" Int [];
    SECURITY_REQ_ID 320 "SecurityReqID" String [];
    SECURITY_RESPONSE_ID 322 "SecurityResponseID" String [];
    SECURITY_STATUS_REQ_ID 324 "SecurityStatusReqID" String [];
    UNSOLICITED_INDICATOR 325 "UnsolicitedIndicator" Boolean [];
    SECURITY_TRADING_STATUS 326 "SecurityTradingStatus" Int ["2" "TRADING_HALT", "17" "READY_TO_TRADE", "18" "NOT_AVAILABLE_FOR_TRADING", "20" "UNKNOWN_OR_INVALID", "21" "PRE_OPEN", "24" "PRE_CROSS", "26" "POST_CLOSE", "27" "NO_CANCEL"];
    TRAD_SES_REQ_ID 335 "TradSesReqID" String [];
    TRADING_SESSION_ID 336 "TradingSessionID" String [];
    TRAD_SES_METHOD 338 "TradSesMethod" Int ["1" "ELECTRONIC"];
    TRAD_SES_MODE 339 "TradSesMode" Int ["2" "PRODUCTION"];
    TRAD_SES_STATUS 340 "TradSesStatus" Int ["0" "UNKNOWN", "1" "HALTED", "2" "OPEN", "3" "CLOSED", "4" "PRE_OPEN"];
    REF_MSG_TYPE 372 "RefMsgType" String [];
    EXEC_RESTATEMENT_REASON 378 "ExecRestatementReason" Int ["5" "PARTIAL_DECLINE_OF_ORDERQTY", "99" "OTHER"];
    BUSINESS_REJECT_REF_ID 379 "BusinessRejectRefID" String [];
    BUSINESS_REJECT_REASON 380 "BusinessRejectReason" Int ["0" "OTHER", "1" "UNKNOWN_ID", "3" "UNSUPPORTED_MESSAGE_TYPE", "4" "APPLICATION_NOT_AVAILABLE", "6" "NOT_AUTHORIZED"];
    DISCRETION_INST 388 "DiscretionInst" Char ["0" "RELATED_TO_DISPLAYED_PRICE"];
    TOT_NO_RELATED_SYM 393 "TotNoRelatedSym" Int [];
    CXL_REJ_RESPONSE_TO 434 "CxlRejResponseTo" Char ["1" "ORDER_CANCEL_REQUEST", "2" "ORDER_CANCEL_REPLACE_REQUEST"];
    MASS_CANCEL_REQUEST_TYPE 530 "MassCancelRequestType" Char ["1" "CANCEL_ORDERS_FOR_A_SECURITY", "7" "CANCEL_ALL_ORDERS"];
    MASS_CANCEL_RESPONSE 531 "MassCancelResponse" Char ["0" "CANCEL_REQUEST_REJECTED", "1" "CANCEL_ORDERS_FOR_A_SECURITY", "7" "CANCEL_ALL_ORDERS"];
    MASS_CANCEL_REJECT_REASON 532 "MassCancelRejectReason" Int ["0" "MASS_CANCEL_NOT_SUPPORTED", "1" "INVALID_OR_UNKNOWN_SECURITY", "99" "OTHER"];
    TOTAL_AFFECTED_ORDERS 533 "TotalAffectedOrders" Int [];
    SECURITY_LIST_REQUEST_TYPE 559 "SecurityListRequestType" Int ["0" "SYMBOL", "4" "ALL_SECURITIES"];
    SECURITY_REQUEST_RESULT 560 "SecurityRequestResult" Int ["0" "VALID_REQUEST", "1" "INVALID_OR_UNSUPPORTED_REQUEST", "2" "NO_INSTRUMENTS_FOUND"];
    MATCH_TYPE 574 "MatchType" String ["4" "AUTO_MATCH", "7" "CALL_AUCTION"];
    MASS_STATUS_REQ_ID 584 "MassStatusReqID" String [];
    MASS_STATUS_REQ_TYPE 585 "MassStatusReqType" Int ["1" "STATUS_FOR_ORDERS_FOR_A_SECURITY", "7" "STATUS_FOR_ALL_ORDERS"];
    TRADING_SESSION_SUB_ID 625 "TradingSessionSubID" String [];
    LAST_UPDATE_TIME 779 "LastUpdateTime" UtcTimestamp [];
    ORD_STATUS_REQ_ID 790 "OrdStatusReqID" String [];
    COPY_MSG_INDICATOR 797 "CopyMsgIndicator" Boolean [];
    TRD_MATCH_ID 880 "TrdMatchID" String [];
    LAST_FRAGMENT 893 "LastFragment" Boolean [];
    TOT_NUM_REPORTS 911 "TotNumReports" Int [];
    LAST_RPT_REQUESTED 912 "LastRptRequested" Boolean [];
    AGGRESSOR_INDICATOR 1057 "AggressorIndicator" Boolean [];
    PEG_PRICE_TYPE 1094 "PegPriceType" Int ["5" "PRIMARY_PEG"];
    APPL_VER_ID 1128 "ApplVerID" String ["9" "FIX50SP2"];
    MASS_ACTION_REPORT_ID 1369 "MassActionReportID" String [];
    SELF_MATCH_PREVENTION_INSTRUCTION 2964 "SelfMatchPreventionInstruction" Int ["1" "CANCEL_AGGRESSIVE", "2" "CANCEL_PASSIVE", "3" "CANCEL_AGGRESSIVE_AND_PASSIVE", "100" "DECREMENT"];
}

/// Sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    Client,
    Gateway,
}

/// A message: its fields in order.
#[derive(Debug)]
pub struct MessageSpec {
    pub kind: &'static str,
    pub name: &'static str,
    pub sender: Sender,
    pub uses: Vec<Use>,
}

/// A field of a message, or of an entry of a group.
#[derive(Debug)]
pub struct Use {
    pub tag: u32,
    pub is_required: bool,
    /// The only version that has it; `None`: both.
    pub only: Option<Version>,
    /// Fields of an entry, if the field counts a group.
    pub group: Vec<Use>,
}

/// The messages: `!` marks a required field, `5` one of FIX.5.0SP2 alone, `4` one of FIX.4.4 alone; parentheses hold the
/// fields of a group's entries.
const MESSAGES: &[(&str, &str, Sender, &str)] = &[
    (
        "D",
        "NewOrderSingle",
        Sender::Client,
        "11! 1 21 55! 48 22 54! 60! 38! 40! 44 59 126 18 2964 15 211 388 1094:5 58",
    ),
    (
        "G",
        "OrderCancelReplaceRequest",
        Sender::Client,
        "11! 41! 37 1 21 55! 48 22 54! 60! 38! 40! 44 59 126 18 2964 15 211 388 1094:5 58",
    ),
    (
        "F",
        "OrderCancelRequest",
        Sender::Client,
        "11! 41! 37 1 55! 48 22 54! 60! 38 58",
    ),
    (
        "H",
        "OrderStatusRequest",
        Sender::Client,
        "11! 37 790 1 55 48 22 54!",
    ),
    (
        "q",
        "OrderMassCancelRequest",
        Sender::Client,
        "11! 530! 55 48 22 54 60! 58",
    ),
    (
        "AF",
        "OrderMassStatusRequest",
        Sender::Client,
        "584! 585! 1 55 48 22 54",
    ),
    (
        "V",
        "MarketDataRequest",
        Sender::Client,
        "262! 263! 264! 265 267!(269!) 146!(55! 48 22)",
    ),
    (
        "x",
        "SecurityListRequest",
        Sender::Client,
        "320! 559! 55 48 22 263",
    ),
    (
        "e",
        "SecurityStatusRequest",
        Sender::Client,
        "324! 55! 48 22 263!",
    ),
    (
        "g",
        "TradingSessionStatusRequest",
        Sender::Client,
        "335! 336 625 263!",
    ),
    (
        "8",
        "ExecutionReport",
        Sender::Gateway,
        "37! 11 41 17! 150! 39! 1 55! 48 22 54! 38 40 44 59 126 18 32 31 151! 14! 6! 60 103 378 58 584 790 911 912 797 574:5 880:5 1057:5 211 388 1094:5",
    ),
    (
        "9",
        "OrderCancelReject",
        Sender::Gateway,
        "37! 11! 41! 39! 434! 102 60 58",
    ),
    (
        "r",
        "OrderMassCancelReport",
        Sender::Gateway,
        "11 37! 1369!:5 530! 531! 532 533 55 48 22 58",
    ),
    (
        "j",
        "BusinessMessageReject",
        Sender::Gateway,
        "45 372! 379 380! 58",
    ),
    (
        "W",
        "MarketDataSnapshotFullRefresh",
        Sender::Gateway,
        "779!:5 262 55! 48 22 268!(269! 270 271 277 278:5 286 290)",
    ),
    (
        "X",
        "MarketDataIncrementalRefresh",
        Sender::Gateway,
        "262 268!(279! 269 278 55 48 22 270 271 277 286 290)",
    ),
    (
        "Y",
        "MarketDataRequestReject",
        Sender::Gateway,
        "262! 281 58",
    ),
    (
        "y",
        "SecurityList",
        Sender::Gateway,
        "320! 322! 560! 393 893 146(55! 48 22 15 58)",
    ),
    (
        "f",
        "SecurityStatus",
        Sender::Gateway,
        "324 55! 48 22 336 625 325 326 60 58 31",
    ),
    (
        "h",
        "TradingSessionStatus",
        Sender::Gateway,
        "335 336! 625 338 339 325 340! 58",
    ),
];

/// Tags of the header and the trailer, which the engine reads and writes.
const ENVELOPE: &[u32] = &[
    8, 9, 10, 34, 35, 43, 49, 50, 52, 56, 57, 90, 91, 97, 115, 116, 122, 128, 129, 142, 143, 144,
    145, 212, 213, 347, 369, 627, 628, 629, 630, 1128, 1129, 1156, 89, 93,
];

/// Returns all messages.
pub fn messages() -> &'static [MessageSpec] {
    static PARSED: OnceLock<Vec<MessageSpec>> = OnceLock::new();
    PARSED.get_or_init(|| {
        let parse = |&(kind, name, sender, uses): &(&'static str, &'static str, Sender, &str)| {
            let mut rest = uses;
            let uses = parse_uses(&mut rest);
            assert!(rest.is_empty(), "{name}: {rest:?}");
            MessageSpec {
                kind,
                name,
                sender,
                uses,
            }
        };
        MESSAGES.iter().map(parse).collect()
    })
}

/// Returns a message that clients send.
pub fn client_message(kind: &str) -> Option<&'static MessageSpec> {
    let is_it = |spec: &&MessageSpec| spec.kind == kind && spec.sender == Sender::Client;
    messages().iter().find(is_it)
}

/// Returns a field.
pub fn field(tag: u32) -> Option<&'static Field> {
    static BY_TAG: OnceLock<BTreeMap<u32, &'static Field>> = OnceLock::new();
    let by_tag = BY_TAG.get_or_init(|| FIELDS.iter().map(|field| (field.tag, field)).collect());
    by_tag.get(&tag).copied()
}

/// Returns true for a tag of the header or the trailer.
pub fn is_envelope(tag: u32) -> bool {
    static TAGS: OnceLock<BTreeSet<u32>> = OnceLock::new();
    TAGS.get_or_init(|| ENVELOPE.iter().copied().collect())
        .contains(&tag)
}

fn parse_uses(rest: &mut &str) -> Vec<Use> {
    let mut uses = Vec::new();
    loop {
        *rest = rest.trim_start();
        if rest.is_empty() {
            return uses;
        }
        if let Some(after) = rest.strip_prefix(')') {
            *rest = after;
            return uses;
        }
        let end = rest.find([' ', '(', ')']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        *rest = after;
        let (word, only) = match word.split_once(':') {
            Some((word, "4")) => (word, Some(Version::Fix44)),
            Some((word, "5")) => (word, Some(Version::Fix50)),
            _ => (word, None),
        };
        let is_required = word.ends_with('!');
        let tag = word.trim_end_matches('!').parse().expect("a tag");
        assert!(field(tag).is_some(), "field {tag} is not in the table");
        let group = match rest.strip_prefix('(') {
            Some(after) => {
                *rest = after;
                parse_uses(rest)
            }
            None => Vec::new(),
        };
        uses.push(Use {
            tag,
            is_required,
            only,
            group,
        });
    }
}

impl Use {
    /// Returns true if a version has the field here.
    pub fn is_in(&self, version: Version) -> bool {
        self.only.is_none_or(|only| only == version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_consistent() {
        let tags: BTreeSet<u32> = FIELDS.iter().map(|field| field.tag).collect();
        assert_eq!(tags.len(), FIELDS.len(), "each tag comes once");
        let names: BTreeSet<&str> = FIELDS.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), FIELDS.len(), "each name comes once");
        for spec in messages() {
            let mut seen = BTreeSet::new();
            for used in &spec.uses {
                assert!(seen.insert(used.tag), "{}: {} twice", spec.name, used.tag);
                assert!(!is_envelope(used.tag), "{}: {}", spec.name, used.tag);
                let counts = field(used.tag).unwrap().kind == Kind::NumInGroup;
                assert_eq!(
                    counts,
                    !used.group.is_empty(),
                    "{}: {}",
                    spec.name,
                    used.tag
                );
            }
        }
    }
}
