"""Makes a market in call auctions: keeps a buy order below and a sell order above the price that an uncross would have now.

    AUCTION_PASSWORD=correct-horse python maker.py 127.0.0.1:2022 maker

It earns the spread when both orders are filled in the end, and never holds more than `QUANTITY` of a lot.
"""

from __future__ import annotations

import os
import sys
from decimal import ROUND_DOWN, ROUND_UP, Decimal

from openauction import Event, Indicative, messages
from openauction.bot import Bot

#: Distance of each order from the middle, as a part of it.
HALF_SPREAD = Decimal("0.02")
#: Shares of each order, in round lots.
QUANTITY = 100
#: The orders follow when the middle has moved by this part of the distance.
FOLLOWS = Decimal("0.5")


class Maker(Bot):
    def __init__(self) -> None:
        #: Middle of the orders on each lot.
        self.middles: dict[int, Decimal] = {}

    async def on_start(self) -> None:
        for lot in self.market.lots:
            if lot.phase == "open" and isinstance(lot.book, messages.CallBook):
                await self.quote(lot, lot.book.reference or lot.base_price)

    async def on_event(self, event: Event) -> None:
        match event.event:
            case messages.LotOpened(lot=number) | messages.LotBegan(lot=number):
                lot = self.market.lot(number)
                if lot.phase == "open" and isinstance(lot.book, messages.CallBook):
                    await self.quote(lot, lot.book.reference or lot.base_price)
            case messages.LotClosed(lot=number):
                self.middles.pop(number, None)

    async def on_indicative(self, indicative: Indicative) -> None:
        if isinstance(indicative.result, messages.Cross):
            lot = self.market.lot(indicative.lot)
            if lot.phase == "open":
                await self.quote(lot, indicative.result.price)

    async def quote(self, lot: messages.Lot, middle: Decimal) -> None:
        before = self.middles.get(lot.id)
        if not middle or (before and abs(middle - before) < before * HALF_SPREAD * FOLLOWS):
            return
        self.middles[lot.id] = middle
        assert isinstance(lot.terms, messages.CallTerms)
        distance = middle * HALF_SPREAD
        limits: dict[messages.Side, Decimal] = {
            "buy": on_tick(middle - distance, lot.terms.tick, ROUND_DOWN),
            "sell": on_tick(middle + distance, lot.terms.tick, ROUND_UP),
        }
        own = {order.side: order for order in self.account.orders if order.lot == lot.id}
        # The order that moves away first: the two must never meet.
        sides: list[messages.Side] = ["sell", "buy"] if before and middle > before else ["buy", "sell"]
        for side in sides:
            quantity = QUANTITY * lot.quantity
            if limits[side] <= 0:
                continue
            if side in own:
                await self.replace(lot.id, own[side].order, quantity, limits[side])
            else:
                await self.order(lot.id, side, quantity, limits[side])


def on_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    """Returns the limit on the lot's grid that lies next to a price."""
    return (price / tick).to_integral_value(rounding) * tick


if __name__ == "__main__":
    address, name = sys.argv[1:]
    Maker().run(address, name, os.environ["AUCTION_PASSWORD"])
