"""Exceptions of the package, told apart by the remedy."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from openauction import messages


class AuctionError(Exception):
    """Base of all exceptions of this package."""


class Refused(AuctionError):
    """The market refused a request and gave the reason; nothing was done.

    Each code has a class of its own (`openauction.BidTooLow`); the attributes hold what would be right, by the code.
    """

    #: Name of the code; for a code of a later version its digits.
    code: str = ""
    #: Number of the code; 0 for a group of codes.
    code_number: ClassVar[int] = 0

    def __init__(self, refused: messages.Refused) -> None:
        super().__init__(refused.message)
        self.code = refused.code
        #: Reason and a valid alternative, for people.
        self.message: str = refused.message
        #: The price that would be valid, or the limit.
        self.price: Decimal | None = refused.price
        #: The time that matters.
        self.at: datetime | None = refused.at
        #: The number of the named item, or a limit.
        self.number: int | None = refused.number
        #: The stock.
        self.symbol: str | None = refused.symbol
        #: Its security code.
        self.security: str | None = refused.security
        #: Cash that the request needs, beside the cash that is reserved for it already.
        self.needed: Decimal | None = refused.needed
        #: Cash that is available for it.
        self.available: Decimal | None = refused.available
        self._refused = refused

    def __reduce__(self) -> tuple[type[Refused], tuple[messages.Refused]]:
        return type(self), (self._refused,)


class RuleRefused(Refused):
    """The market's rules refuse it: the person decides otherwise. Codes 1000 to 1999."""


class RequestRefused(Refused):
    """The request is wrong: the program is to be corrected. Codes 2000 to 2999."""


class SessionRefused(Refused):
    """The user is not known: log in. Codes 3000 to 3999."""


class ServerRefused(Refused):
    """The server cannot do it, or not now: try again later. Codes 4000 to 4999."""


class NotConnected(AuctionError):
    """The request was never sent, because there was no connection: nothing was done."""


class OutcomeUnknown(AuctionError):
    """The request was sent, and no answer came: it may have been done or not. Look at the market before repeating it."""


class ConnectionFailed(AuctionError):
    """Reason why there is no connection, or no longer."""


class ProtocolError(ConnectionFailed):
    """The server does not speak the auction protocol, or a message from it cannot be read."""


class Goodbye(ConnectionFailed):
    """The server closed the connection and gave the reason."""

    def __init__(self, goodbye: messages.Goodbye) -> None:
        super().__init__(f"the server closed the connection: {goodbye.message} ({goodbye.code})")
        self.code = goodbye.code


class OtherMarket(ConnectionFailed):
    """Another market answers at the address now; requests for the first one are not sent to it."""

    def __init__(self, before: bytes, found: bytes) -> None:
        super().__init__(
            f"there is another market at this address now: {found.hex()} instead of {before.hex()}"
        )
        self.before = before
        self.found = found


class CertificateNotPinned(ConnectionFailed):
    """The server's certificate is not the pinned one: another server, a new certificate, or an interceptor."""

    def __init__(self, pinned: str, found: str) -> None:
        super().__init__(
            f"the server's certificate is not the pinned one: it should be {pinned}, and is {found}"
        )
        self.pinned = pinned
        self.found = found


class UnknownSymbol(AuctionError, LookupError):
    """No lot of the stock takes bids now."""


class AmbiguousSymbol(AuctionError, LookupError):
    """Several lots of the stock take bids now: name one by its number."""

    def __init__(self, symbol: str, lots: list[int]) -> None:
        super().__init__(f"{symbol} has {len(lots)} open lots: name one of {', '.join(map(str, lots))} by its number")
        self.lots = lots


class NotSigned(AuctionError):
    """Data that the market should have signed is not signed with its key, or contradicts what was signed."""


class MissingExtra(AuctionError, ImportError):
    """A package that this function needs is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"this needs {package}: pip install 'openauction[{extra}]'")


def refusal(refused: messages.Refused) -> Refused:
    """Returns the exception of a refusal: the class of its code, or of the code's thousands if the code is not known."""
    from openauction.refusals import BY_CODE

    known = BY_CODE.get(refused.code)
    if known is not None:
        return known(refused)
    group = {"1": RuleRefused, "2": RequestRefused, "3": SessionRefused, "4": ServerRefused}
    is_number = refused.code.isdigit() and len(refused.code) == 4
    return group.get(refused.code[0] if is_number else "", Refused)(refused)
