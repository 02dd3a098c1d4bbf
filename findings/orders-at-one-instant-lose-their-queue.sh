#!/usr/bin/env bash
# An order book that knows its orders by price and time loses all but the last of those that come at one instant.
#
# Expected: three sell orders of 5 at one price, placed while the book's clock was not moved, are three orders in a queue: a buy
#   of 12 trades 5, 5 and 2 with them, oldest first. (bourse's clock moves only by `set_time`.)
# Seen, bourse 0.4.0 (Python on a Rust order book), numpy 2.4.6:
#   the buy trades 5, with the *last* of the three; 7 of it rest as a bid at the price of the other two, which never trade again,
#   are still "active", and still counted in `ask_vol` (10), while the best ask is the "no price" of 32 bits
#   with the clock moved by 1 between the orders all is as expected
#   the same quantity again: a reduction keeps its place if the price is left out, and loses it if the same price is given
# Consequence: priority is the order's number of acceptance and never a time: `clearing::book` has no clock; and a replacement
#   compares prices instead of asking if one was given.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check bourse==0.4.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
from bourse.core import OrderBook

NO_PRICE = 2**32 - 1


def three_sellers_one_buyer(step: int) -> OrderBook:
    book = OrderBook(0, 1)
    for trader in range(3):
        book.set_time(trader * step)
        book.place_order(False, 5, trader, price=10)
    book.set_time(3 * step)
    book.place_order(True, 12, 9, price=10)
    return book


def fills(book: OrderBook) -> list[tuple[int, int]]:
    """Quantity and resting order of each trade."""
    return [(quantity, resting) for _, _, _, quantity, _, resting in book.get_trades()]


moved = three_sellers_one_buyer(step=1)
print("clock moved:", fills(moved), moved.bid_ask(), "left to sell", moved.ask_vol())
assert fills(moved) == [(5, 0), (5, 1), (2, 2)]
assert (moved.ask_vol(), moved.bid_vol()) == (3, 0)

at_once = three_sellers_one_buyer(step=0)
statuses = [at_once.order_status(order) for order in range(3)]
print("one instant:", fills(at_once), at_once.bid_ask(), "left to sell", at_once.ask_vol(), "statuses", statuses)
assert fills(at_once) == [(5, 2)]
assert (at_once.ask_vol(), at_once.bid_vol()) == (10, 7)
assert at_once.bid_ask() == (10, NO_PRICE)
assert statuses[0] == statuses[1] != statuses[2]


def first_in_line_after(**change: int) -> int:
    book = OrderBook(0, 1)
    for time, trader in enumerate((1, 2)):
        book.set_time(time)
        book.place_order(False, 5, trader, price=10)
    book.set_time(2)
    book.modify_order(0, **change)
    book.set_time(3)
    book.place_order(True, 1, 9, price=10)
    return fills(book)[0][1]


print("first in line, price left out:", first_in_line_after(new_vol=3))
print("first in line, same price given:", first_in_line_after(new_vol=3, new_price=10))
assert first_in_line_after(new_vol=3) == 0
assert first_in_line_after(new_vol=3, new_price=10) == 1
print("as described")
PYTHON
