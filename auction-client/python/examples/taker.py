"""Takes Dutch lots as soon as their falling price is at most a part of the base price.

    AUCTION_PASSWORD=correct-horse python taker.py 127.0.0.1:2022 taker 0.9
"""

from __future__ import annotations

import os
import sys
from datetime import datetime
from decimal import Decimal

from openauction import dutch_price, messages
from openauction.bot import Bot


class Taker(Bot):
    #: A price is watched closely: others wait for it too.
    tick = 0.1

    def __init__(self, part: Decimal) -> None:
        self.part = part

    async def on_tick(self, now: datetime) -> None:
        for lot in self.market.lots:
            if lot.phase != "open" or lot.halted_since or not isinstance(lot.terms, messages.DutchTerms):
                continue
            price = dutch_price(lot, now)
            if price <= lot.base_price * self.part:
                # At no more than this price, whatever it is when the bid arrives.
                taken = await self.bid(lot.id, price)
                if taken is not None:
                    print(f"took lot {lot.id} ({lot.symbol}) at {price} or less", flush=True)


if __name__ == "__main__":
    address, name, part = sys.argv[1:]
    Taker(Decimal(part)).run(address, name, os.environ["AUCTION_PASSWORD"])
