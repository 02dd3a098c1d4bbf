//! Replies to the user who asked.

use auction_core::{
    BidReply, DayReply, LotId, OrderId, Price, Reply, SessionId, Timestamp, UserId,
};

form!(enum ReplyForm: Reply = "auction_core::Reply" {
    0 = Done,
    1 = Registered(UserId),
    2 = SessionOpened(SessionId),
    3 = LotOpened(LotId),
    4 = Bid(BidReply),
    5 = OrderPlaced(OrderId),
    6 = DayOrder(DayReply),
    7 = AllCancelled { cancelled: u32, kept: u32, more: bool },
});

form!(struct BidReplyForm: BidReply = "auction_core::BidReply" {
    lot: LotId,
    leads: bool,
    price: Option<Price>,
    extended_to: Option<Timestamp>,
    bought: bool,
});
