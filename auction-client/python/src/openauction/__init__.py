"""A client of the open real-time stock auction: asyncio, typed, no dependency.

`Client` sends requests and follows the market, `openauction.sync.Client` does the same without asyncio,
`openauction.messages` has all types of the protocol, and each code of a refusal is an exception of its own.
"""

from openauction import messages
from openauction.account import AccountSnapshot, AccountState, AccountUpdate, AccountWatch
from openauction.client import BidPlaced, Client, DayOrderPlaced, Fill, OrderPlaced
from openauction.connection import Address
from openauction.errors import (
    AmbiguousSymbol,
    AuctionError,
    CertificateNotPinned,
    ConnectionFailed,
    Goodbye,
    MissingExtra,
    NotConnected,
    NotSigned,
    OtherMarket,
    OutcomeUnknown,
    ProtocolError,
    Refused,
    RequestRefused,
    RuleRefused,
    ServerRefused,
    SessionRefused,
    UnknownSymbol,
)
from openauction.feed import Equivocation, Gap, Indicative, Live, Reconnecting, Snapshot, Update, Watch
from openauction.market import Event, FeedError, Market, dutch_price
from openauction.verify import MarketKey

__version__ = "0.1.0"

__all__ = [
    "AccountSnapshot",
    "AccountState",
    "AccountUpdate",
    "AccountWatch",
    "Address",
    "AmbiguousSymbol",
    "AuctionError",
    "BidPlaced",
    "CertificateNotPinned",
    "Client",
    "ConnectionFailed",
    "DayOrderPlaced",
    "dutch_price",
    "Equivocation",
    "Event",
    "FeedError",
    "Fill",
    "Gap",
    "Goodbye",
    "Indicative",
    "Live",
    "Market",
    "MarketKey",
    "messages",
    "MissingExtra",
    "NotConnected",
    "NotSigned",
    "OrderPlaced",
    "OtherMarket",
    "OutcomeUnknown",
    "ProtocolError",
    "Reconnecting",
    "Refused",
    "RequestRefused",
    "RuleRefused",
    "ServerRefused",
    "SessionRefused",
    "Snapshot",
    "UnknownSymbol",
    "Update",
    "Watch",
]
