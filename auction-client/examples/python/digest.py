"""The digest of the public market, byte by byte: SPEC.md, section 6. Standard library alone."""
import hashlib

from day import STATISTICS, totals
from money import units


def number(size, value):
    value = int(value)
    return value.to_bytes(size, "little", signed=value < 0)


def u8(value):
    return number(1, value)


def u32(value):
    return number(4, value)


def u64(text):
    return number(8, int(text))


def money(text):
    return number(8, units(text))


def text(value):
    return u8(len(value)) + value.encode()


def maybe(form, value):
    return b"\0" if value is None else b"\1" + form(value)


def place(names, name):
    """The number of a variant: its place among the names."""
    return u8(names.split().index(name))


def role_bytes(role):
    if isinstance(role, dict):
        return u8(1) + text(role["company"])
    return u8(0) if role == "trader" else u8(2)


def terms_bytes(terms):
    ((name, t),) = terms.items()
    if name == "english":
        bands = b"".join(money(band["from"]) + money(band["step"]) for band in t["steps"])
        soft = t["soft_close"]
        return (u8(0) + u8(len(t["steps"])) + bands + maybe(money, t["buy_now"]) + place("add reset", soft["mode"])
                + u64(soft["extend_within"]) + u64(soft["extend_by"]) + maybe(u32, soft["extensions_max"]))
    if name == "dutch":
        return u8(1) + money(t["start"]) + money(t["step"]) + u64(t["interval"]) + money(t["floor"])
    if name == "sealed":
        return u8(2) + place("first_price second_price", t["pricing"])
    if name == "call":
        return u8(4) + call_bytes(t)
    if name == "day":
        corridors = maybe(collar_bytes, t["static_corridor"]) + maybe(collar_bytes, t["dynamic_corridor"])
        volatility = u64(t["volatility_length"]) + u64(t["volatility_random_end"]) + u32(t["interruptions_max"])
        phases = b"".join(place(PHASES, of["phase"]) + u64(of["begins_after"]) for of in t["phases"])
        return u8(5) + call_bytes(t["call"]) + corridors + volatility + u8(len(t["phases"])) + phases
    return (u8(3) + place("uniform pay_as_bid", t["pricing"]) + place("time pro_rata", t["priority"])
            + u32(t["bids_max"]))


PHASES = "pre_open call continuous volatility at_last"


def collar_bytes(collar):
    return money(collar["absolute"]) + u32(collar["basis_points"])


def call_bytes(t):
    return (money(t["tick"]) + place("open closed", t["book"]) + maybe(collar_bytes, t["collar"])
            + u32(t["extensions_max"]) + u8(t["market_extension"]) + u64(t["extend_by"]) + u64(t["random_end"])
            + maybe(u64, t["no_cancel"]))


def day_bytes(b):
    ends = b"".join(u64(end) + u64(length) for end, length in zip(b["ends"], b["lengths"]))
    call = (maybe(money, b["reference"]) + maybe(collar_bytes, b["collar"]) + u32(b["traders"]) + u32(b["extensions"])
            + u8(b["market_extended"]) + maybe(bytes.fromhex, b["end"]))
    halt = maybe(lambda cause: place("crossed_at_collar interruptions", cause), b["halt"])
    so_far = u8(b["resumes_by_call"]) + u32(b["interruptions"]) + maybe(money, b["last_call"]) + u64(b["last_number"])
    of = b["statistics"]
    statistics = b"".join(maybe(money, of[name]) for name in STATISTICS)
    statistics += number(16, of["volume"]) + number(16, of["value"]) + u64(of["trades"])
    shown = b"".join(u64(total) for side in ("buy", "sell") for total in totals(b, side))
    return (maybe(lambda phase: place(PHASES, phase), b["phase"]) + u64(b["phase_ends_at"]) + u8(b["phase_index"])
            + u8(len(b["ends"])) + ends + call + halt + so_far + statistics + shown)


def outcome_bytes(outcome):
    ((name, o),) = outcome.items()
    if name == "sold":
        by = place("highest_bid buy_now first_take second_highest_bid reserve least_bid", o["by"])
        return u8(0) + u32(o["winner"]) + money(o["price"]) + by + maybe(money, o["runner_up"])
    if name == "unsold":
        return u8(1) + place("no_bids reserve_not_met cancelled", o["because"]) + maybe(money, o["highest"])
    if name == "crossed":
        by = place("market volume surplus pressure reference collar", o["by"])
        candidates = maybe(lambda of: money(of["lowest"]) + money(of["highest"]), o["candidates"])
        return (u8(3) + money(o["price"]) + u64(o["volume"]) + number(8, o["surplus"]) + by + candidates
                + u32(o["traders"]))
    if name == "no_cross":
        because = place("nothing_crosses no_price collar", o["because"])
        return u8(4) + because + maybe(quote_bytes, o["best_buy"]) + maybe(quote_bytes, o["best_sell"])
    if name == "day":
        return u8(5) + maybe(money, o["close"]) + maybe(money, o["average"]) + number(16, o["volume"]) + u64(o["trades"])
    by = place("enough_for_all time pro_rata", o["by"])
    return u8(2) + u64(o["sold"]) + u32(o["buyers"]) + money(o["lowest"]) + by + maybe(money, o["highest_rejected"])


def quote_bytes(quote):
    return money(quote["price"]) + u64(quote["quantity"])


def phase_bytes(phase):
    if isinstance(phase, dict):
        return u8(1) + u64(phase["closed"]["at"]) + outcome_bytes(phase["closed"]["outcome"])
    return u8(0) if phase == "open" else u8(2)


def book_bytes(book):
    ((name, b),) = book.items()
    if name == "english":
        return (maybe(money, b["price"]) + maybe(u32, b["leader"]) + maybe(money, b["least"]) + u32(b["bids"])
                + u32(b["bidders"]) + place("none not_met met", b["reserve"]))
    if name == "dutch":
        return maybe(lambda taken: u32(taken["bidder"]) + money(taken["price"]), b["taken"])
    if name == "call":
        return (u32(b["traders"]) + maybe(money, b["reference"]) + u8(b["market_extended"])
                + maybe(bytes.fromhex, b["end"]))
    if name == "day":
        return day_bytes(b)
    return u32(b["bidders"]) + u8(b["has_reserve"])


def lot_bytes(lot):
    return (u8(3) + u32(lot["id"]) + text(lot["symbol"]) + u64(lot["quantity"]) + money(lot["base_price"])
            + u64(lot["opened_at"]) + u64(lot["closes_at"]) + u32(lot["extensions"])
            + maybe(u64, lot["halted_since"]) + terms_bytes(lot["terms"]) + phase_bytes(lot["phase"])
            + book_bytes(lot["book"]))


def user_bytes(user):
    return u8(1) + u32(user["user"]) + text(user["name"]) + role_bytes(user["role"])


def stock_bytes(stock):
    listing = stock["listing"]
    return (u8(2) + text(listing["symbol"]) + text(listing["security"]) + money(listing["price"])
            + money(listing["profit"]) + money(stock["profit"]) + maybe(money, stock["last_uncross"]))


def digest(market):
    """In hexadecimal digits. Each item has a SHA-256 of its own; a large market keeps them, and changes one a time."""
    items = [user_bytes(user) for user in market.users]
    items += [stock_bytes(stock) for stock in market.stocks.values()]
    items += [lot_bytes(lot) for lot in market.lots]
    items += [u8(4) + u8(1)] if market.accounts == "funds" else []
    items += [u8(5) + u64(market.halted_since)] if market.halted_since is not None else []
    combined = 0
    for item in items:
        combined ^= int.from_bytes(hashlib.sha256(item).digest(), "big")
    place = bytes.fromhex(market.id) + u64(market.feed_sequence) + u64(market.at)
    return hashlib.sha256(b"auction digest 1" + place + combined.to_bytes(32, "big")).hexdigest()
