"""Bids on English lots up to its own valuation, with a hidden maximum: the market bids for it, no more than it takes.

    AUCTION_PASSWORD=correct-horse python bidder.py 127.0.0.1:2022 bidder 1.25

values each lot at 1.25 times its base price. It bids in the last `LATE` before a close, so that others learn of it late.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from decimal import Decimal

from openauction import messages
from openauction.bot import Bot

LATE = timedelta(seconds=10)


class Bidder(Bot):
    def __init__(self, factor: Decimal, late: timedelta = LATE) -> None:
        self.factor, self.late = factor, late
        #: Lots on which the maximum was placed or is not worth placing.
        self.done: set[int] = set()

    async def on_tick(self, now: datetime) -> None:
        for lot in self.market.lots:
            if lot.id in self.done or lot.phase != "open" or not isinstance(lot.book, messages.EnglishBook):
                continue
            if lot.closes_at - now > self.late or lot.halted_since:
                continue
            self.done.add(lot.id)
            maximum = (lot.base_price * self.factor).quantize(Decimal("0.01"))
            if lot.book.least is not None and maximum >= lot.book.least:
                await self.bid_maximum(lot.id, maximum)

    async def on_account(self, event: messages.AccountEvent) -> None:
        match event:
            case messages.AccountOutbid(lot=lot, price=price):
                print(f"outbid on lot {lot} at {price}: worth no more", flush=True)
            case messages.AccountWon(lot=lot, price=price):
                print(f"won lot {lot} at {price}", flush=True)


if __name__ == "__main__":
    address, name, factor = sys.argv[1:]
    Bidder(Decimal(factor)).run(address, name, os.environ["AUCTION_PASSWORD"])
