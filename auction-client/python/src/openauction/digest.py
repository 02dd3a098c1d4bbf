"""Digest of the public market, byte by byte: SPEC.md, section 6."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from openauction import messages as m
from openauction import money, times

T = TypeVar("T")

FUNDS = b"\4\1"


def item_hash(item: bytes) -> int:
    """Returns the SHA-256 of an item as a number: the digest is an exclusive or of these."""
    return int.from_bytes(hashlib.sha256(item).digest(), "big")


def market_digest(market: bytes, feed_sequence: int, at: datetime, items: int) -> bytes:
    """Returns the digest at a place of the feed, of the combined items."""
    place = market + _u64(feed_sequence) + _time(at)
    return hashlib.sha256(b"auction digest 1" + place + items.to_bytes(32, "big")).digest()


def halt_bytes(since: datetime) -> bytes:
    return b"\5" + _time(since)


def user_bytes(user: m.SnapshotUser) -> bytes:
    if isinstance(user.role, m.Company):
        role = b"\1" + _text(user.role.symbol)
    else:
        role = b"\0" if user.role == "trader" else b"\2"
    return b"\1" + _u32(user.user) + _text(user.name) + role


def stock_bytes(stock: m.Stock) -> bytes:
    listing = stock.listing
    return (
        b"\2" + _text(listing.symbol) + _text(listing.security) + _money(listing.price) + _signed(listing.profit)
        + _signed(stock.profit) + _maybe(_money, stock.last_uncross)
    )


def lot_bytes(lot: m.Lot) -> bytes:
    return (
        b"\3" + _u32(lot.id) + _text(lot.symbol) + _u64(lot.quantity) + _money(lot.base_price) + _time(lot.opened_at)
        + _time(lot.closes_at) + _u32(lot.extensions) + _maybe(_time, lot.halted_since) + terms_bytes(lot.terms)
        + phase_bytes(lot.phase) + book_bytes(lot.book)
    )


def terms_bytes(terms: m.Terms) -> bytes:
    match terms:
        case m.EnglishTerms(steps, buy_now, soft):
            bands = b"".join(_money(band.from_) + _money(band.step) for band in steps)
            return (
                b"\0" + _u8(len(steps)) + bands + _maybe(_money, buy_now) + _place("add reset", soft.mode)
                + _span(soft.extend_within) + _span(soft.extend_by) + _maybe(_u32, soft.extensions_max)
            )
        case m.DutchTerms(start, step, interval, floor):
            return b"\1" + _money(start) + _money(step) + _span(interval) + _money(floor)
        case m.SealedTerms(pricing):
            return b"\2" + _place("first_price second_price", pricing)
        case m.UniformTerms(pricing, priority, bids_max):
            ways = _place("uniform pay_as_bid", pricing) + _place("time pro_rata", priority)
            return b"\3" + ways + _u32(bids_max)
        case m.CallTerms():
            return b"\4" + _call_terms(terms)
        case m.DayTerms():
            phases = b"".join(_phase(of.phase) + _span(of.begins_after) for of in terms.phases)
            return (
                b"\5" + _call_terms(terms.call) + _maybe(_collar, terms.static_corridor)
                + _maybe(_collar, terms.dynamic_corridor) + _span(terms.volatility_length)
                + _span(terms.volatility_random_end) + _u32(terms.interruptions_max) + _u8(len(terms.phases)) + phases
            )


def _call_terms(terms: m.CallTerms) -> bytes:
    return (
        _money(terms.tick) + _place("open closed", terms.book) + _maybe(_collar, terms.collar)
        + _u32(terms.extensions_max) + _u8(terms.market_extension) + _span(terms.extend_by) + _span(terms.random_end)
        + _maybe(_span, terms.no_cancel)
    )


def _collar(collar: m.Collar) -> bytes:
    return _money(collar.absolute) + _u32(collar.basis_points)


def _phase(phase: m.DayPhase) -> bytes:
    return _place("pre_open call continuous volatility at_last", phase)


def phase_bytes(phase: m.Phase) -> bytes:
    if isinstance(phase, m.PhaseClosed):
        return b"\1" + _time(phase.at) + outcome_bytes(phase.outcome)
    return b"\0" if phase == "open" else b"\2"


def outcome_bytes(outcome: m.Outcome) -> bytes:
    match outcome:
        case m.Sold(winner, price, by, runner_up):
            rule = _place("highest_bid buy_now first_take second_highest_bid reserve least_bid", by)
            return b"\0" + _u32(winner) + _money(price) + rule + _maybe(_money, runner_up)
        case m.Unsold(because, highest):
            return b"\1" + _place("no_bids reserve_not_met cancelled", because) + _maybe(_money, highest)
        case m.Allocated(sold, buyers, lowest, by_priority, rejected):
            rule = _place("enough_for_all time pro_rata", by_priority)
            return b"\2" + _u64(sold) + _u32(buyers) + _money(lowest) + rule + _maybe(_money, rejected)
        case m.Crossed(price, volume, surplus, by_step, candidates, traders):
            limits = _maybe(lambda of: _money(of.lowest) + _money(of.highest), candidates)
            rule = _place("market volume surplus pressure reference collar", by_step)
            return (
                b"\3" + _money(price) + _u64(volume) + surplus.to_bytes(8, "little", signed=True) + rule + limits
                + _u32(traders)
            )
        case m.NoCross(reason, best_buy, best_sell):
            place = _place("nothing_crosses no_price collar", reason)
            return b"\4" + place + _maybe(_quote, best_buy) + _maybe(_quote, best_sell)
        case m.Day(close, average, volume, trades):
            return b"\5" + _maybe(_money, close) + _maybe(_money, average) + _u128(volume) + _u64(trades)


def book_bytes(book: m.Book) -> bytes:
    match book:
        case m.EnglishBook(price, leader, least, bids, bidders, reserve):
            return (
                _maybe(_money, price) + _maybe(_u32, leader) + _maybe(_money, least) + _u32(bids) + _u32(bidders)
                + _place("none not_met met", reserve)
            )
        case m.DutchBook(taken):
            return _maybe(lambda taken: _u32(taken.bidder) + _money(taken.price), taken)
        case m.SealedBook(bidders, has_reserve) | m.UniformBook(bidders, has_reserve):
            return _u32(bidders) + _u8(has_reserve)
        case m.CallBook(traders, reference, market_extended, end):
            return _u32(traders) + _maybe(_money, reference) + _u8(market_extended) + _maybe(bytes, end)
        case m.DayBook():
            return _day_book(book)


def _day_book(book: m.DayBook) -> bytes:
    ends = b"".join(_time(end) + _span(length) for end, length in zip(book.ends, book.lengths, strict=True))
    day = book.statistics
    prices = b"".join(_maybe(_money, price) for price in (day.open, day.high, day.low, day.last, day.close))
    halt = _maybe(lambda cause: _place("crossed_at_collar interruptions", cause), book.halt)
    return (
        _maybe(_phase, book.phase) + _time(book.phase_ends_at) + _u8(book.phase_index) + _u8(len(book.ends)) + ends
        + _maybe(_money, book.reference) + _maybe(_collar, book.collar) + _u32(book.traders) + _u32(book.extensions)
        + _u8(book.market_extended) + _maybe(bytes, book.end) + halt + _u8(book.resumes_by_call)
        + _u32(book.interruptions) + _maybe(_money, book.last_call) + _u64(book.last_number) + prices
        + _u128(day.volume) + _u128(day.value) + _u64(day.trades) + _totals(book, "buy") + _totals(book, "sell")
    )


def _totals(book: m.DayBook, side: m.Side) -> bytes:
    """Sums over the shown orders of a side, each modulo 2^64."""
    orders = [order for order in book.orders if order.side == side]
    sums = (
        len(orders), sum(order.open for order in orders),
        sum(money.units(order.price) * order.open for order in orders), sum(order.number * order.open for order in orders),
    )
    return b"".join(_u64(number % 2**64) for number in sums)


def _quote(quote: m.Quote) -> bytes:
    return _money(quote.price) + _u64(quote.quantity)


def _u8(number: int) -> bytes:
    return number.to_bytes(1, "little")


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "little")


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "little")


def _u128(number: int) -> bytes:
    return number.to_bytes(16, "little")


def _money(amount: Decimal) -> bytes:
    return money.units(amount).to_bytes(8, "little")


def _signed(amount: Decimal) -> bytes:
    return money.units(amount).to_bytes(8, "little", signed=True)


def _time(at: datetime) -> bytes:
    return _u64(times.micros(at))


def _span(span: timedelta) -> bytes:
    return _u64(times.span_micros(span))


def _text(text: str) -> bytes:
    raw = text.encode()
    return _u8(len(raw)) + raw


def _maybe(form: Callable[[Any], bytes], value: T | None) -> bytes:
    return b"\0" if value is None else b"\1" + form(value)


def _place(names: str, name: str) -> bytes:
    return _u8(names.split().index(name))
