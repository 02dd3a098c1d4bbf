#!/usr/bin/env bash
# In a matching engine with a queue, cancelling one order makes the trades of others, and nobody gets them.
#
# Expected: orders that were placed wait until `match`, which returns their trades; `cancel_order` takes one order away and does
#   nothing else; `match` of a time trades what had come by then; what is left of a market order is cancelled, or trades at the
#   price of a limit order.
# Seen, order-matching 0.12.0 (Python), numpy 2.4.6, polars 2.1.0, pandera 0.35.0 (without the last two, which are called optional, it cannot be imported):
#   `cancel_order` of a third order matches all that is queued and drops the trades: both orders are gone from the book, and the
#   next `match` returns nothing
#   `match` of nine o'clock trades orders of ten and eleven o'clock, and stamps the trade with nine
#   the rest of a market order to buy rests at the price infinity, and the next seller with a limit trades at infinity: the value
#   of the day is infinite from then on
# Consequence: a command is decided at once or not at all, what is due by time is decided before it, and each trade is an event of
#   the record that made it. The rest of a market order lapses (`lot::day`, rules of market orders).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check order-matching==0.12.0 numpy==2.4.6 polars==2.1.0 pandera==0.35.0
"$work/venv/bin/python" - <<'PYTHON'
import math
from datetime import datetime, timedelta

from loguru import logger
from order_matching.enums import Side
from order_matching.matching_engine import MatchingEngine
from order_matching.order import LimitOrder, MarketOrder, Order
from order_matching.orders import Orders

logger.remove()
OPEN = datetime(2024, 1, 2, 9)


def at(hours: float) -> datetime:
    return OPEN + timedelta(hours=hours)


def limit(name: str, side: Side, price: float, hours: float) -> Order:
    return LimitOrder(side=side, price=price, size=5, timestamp=at(hours), order_id=name, trader_id=name)


def engine_with(*orders: Order) -> MatchingEngine:
    engine = MatchingEngine(seed=1)
    for order in orders:
        engine.place(Orders([order]))
    return engine


def is_in_book(engine: MatchingEngine, name: str) -> bool:
    return engine.unprocessed_orders.find_order_by_id(name) is not None


# A cancel of a bystander.
engine = engine_with(
    limit("bystander", Side.SELL, 50, 0), limit("seller", Side.SELL, 10, 1), limit("buyer", Side.BUY, 10, 2)
)
assert engine.cancel_order("bystander") is None
left = [name for name in ("bystander", "seller", "buyer") if is_in_book(engine, name)]
trades = engine.match(timestamp=at(3)).trades
print("after the cancel of a bystander: in the book", left, "and trades of the next match", trades)
assert left == [] and trades == []

# Without the cancel they trade.
engine = engine_with(limit("seller", Side.SELL, 10, 1), limit("buyer", Side.BUY, 10, 2))
(trade,) = engine.match(timestamp=at(3)).trades
assert (trade.price, trade.size, trade.timestamp) == (10, 5, at(3))

# Orders of later hours.
engine = engine_with(limit("seller", Side.SELL, 10, 1), limit("buyer", Side.BUY, 10, 2))
(trade,) = engine.match(timestamp=at(0)).trades
print("orders of", at(1).time(), "and", at(2).time(), "trade at", trade.timestamp.time())
assert (trade.size, trade.timestamp) == (5, at(0))

# The rest of a market order.
engine = engine_with(
    limit("first", Side.SELL, 9, 0),
    MarketOrder(side=Side.BUY, size=8, timestamp=at(1), order_id="market", trader_id="market"),
)
assert [(trade.price, trade.size) for trade in engine.match(timestamp=at(1)).trades] == [(9, 5)]
engine.place(Orders([limit("second", Side.SELL, 12, 2)]))
(trade,) = engine.match(timestamp=at(2)).trades
print("a seller at 12 trades", trade.size, "at", trade.price)
assert (trade.size, trade.book_order_id) == (3, "market") and math.isinf(trade.price)
print("as described")
PYTHON
