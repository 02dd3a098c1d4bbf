"""The public book of trading days, a fold of their events: SPEC.md, section 13. Standard library alone."""
from lot import FeedError
from money import units

STATISTICS = ("open", "high", "low", "last", "close")
MARK = (1 << 64) - 1


def new_day():
    """The book of a day that has not begun."""
    return {"day": {
        "phase": None, "phase_ends_at": "0", "phase_index": 0, "ends": [], "lengths": [], "reference": None,
        "collar": None, "traders": 0, "extensions": 0, "market_extended": False, "end": None, "halt": None,
        "resumes_by_call": False, "interruptions": 0, "last_call": None, "last_number": "0", "orders": {},
        "statistics": dict.fromkeys(STATISTICS) | {"volume": "0", "value": "0", "trades": "0"},
    }}


def by_number(orders, book=None):
    """Shown orders as a table by their public numbers."""
    book = {} if book is None else book
    for order in orders:
        must(order["number"] not in book)
        book[order["number"]] = order
    return book


def begin(lot):
    """Fixes the ends of all phases of a day that begins."""
    opened, phases = int(lot["opened_at"]), lot["terms"]["day"]["phases"]
    ends = [opened + int(phase["begins_after"]) for phase in phases[1:]] + [int(lot["closes_at"])]
    begins = [opened] + ends
    lot["book"]["day"]["ends"] = [str(end) for end in ends]
    lot["book"]["day"]["lengths"] = [str(end - start) for start, end in zip(begins, ends)]


def shift(day, since, halt):
    """Moves all times that have not come by the duration of a halt."""
    day["ends"] = [str(int(end) + halt) if int(end) > int(since) else end for end in day["ends"]]
    if day["phase"] is not None:
        day["phase_ends_at"] = str(int(day["phase_ends_at"]) + halt)


def must(fits):
    if not fits:
        raise FeedError("contradiction")


def count(day, price, shares):
    """Counts a trade in the statistics."""
    of = day["statistics"]
    of["open"] = of["open"] or price
    of["high"] = max(of["high"] or price, price, key=units)
    of["low"] = min(of["low"] or price, price, key=units)
    of["last"] = price
    of["volume"] = str(int(of["volume"]) + int(shares))
    of["value"] = str(int(of["value"]) + int(shares) * units(price))
    of["trades"] = str(int(of["trades"]) + 1)


def reduce(day, number, shares):
    """Takes shares away from a shown order, which is gone when it has none left; gives the order."""
    order = day["orders"].get(number)
    must(order is not None and 0 < shares <= int(order["open"]))
    order["open"] = str(int(order["open"]) - shares)
    if order["open"] == "0":
        del day["orders"][number]
    return order


def closes(lot, day):
    """A call that began late, or is extended, can end after the schedule."""
    lot["closes_at"] = str(max(int(day["phase_ends_at"]), int(day["ends"][-1])))


class Days:
    """The events of trading days, and of the halt of the market."""

    def take_lot(self, lot):
        """A day with more orders than fit comes again in the next part, with those that follow."""
        if "day" not in lot["book"]:
            self.lots.append(lot)
        elif self.lots and self.lots[-1]["id"] == lot["id"]:
            by_number(lot["book"]["day"]["orders"], self.lots[-1]["book"]["day"]["orders"])
        else:
            lot["book"]["day"]["orders"] = by_number(lot["book"]["day"]["orders"])
            self.lots.append(lot)

    def lot_began(self, event, at):
        lot = self.open_lot(event["lot"])
        lot.update(phase="open", opened_at=at)
        if "day" in lot["book"]:
            begin(lot)

    def lot_resumed(self, event, _):
        times = {name: event[name] for name in ("opened_at", "closes_at")}
        lot = self.open_lot(event["lot"])
        if "day" in lot["book"]:
            day = lot["book"]["day"]
            shift(day, lot["halted_since"], int(event["closes_at"]) - int(lot["closes_at"]))
            day["halt"] = None
        lot.update(times, halted_since=None)

    def day_of(self, event):
        lot = self.open_lot(event["lot"])
        must("day" in lot["book"] and lot["phase"] == "open")
        return lot, lot["book"]["day"]

    def phase_began(self, event, _):
        lot, day = self.day_of(event)
        must(event["index"] >= day["phase_index"] and day["end"] is None and event["index"] < len(day["ends"]))
        reference = event["reference"] if units(event["reference"]) > 0 else None
        day.update(
            phase=event["phase"], phase_index=event["index"], phase_ends_at=event["ends_at"], reference=reference,
            collar=event["collar"], traders=0, extensions=0, market_extended=False, resumes_by_call=False, orders={},
        )
        if event["phase"] == "at_last":
            day["statistics"]["close"] = reference
        closes(lot, day)

    def phase_extended(self, event, _):
        lot, day = self.day_of(event)
        must(day["phase"] in ("call", "volatility") and event["cause"] in ("volatility", "market_orders"))
        day["phase_ends_at"] = event["ends_at"]
        if event["cause"] == "volatility":
            day["extensions"] += 1
        else:
            day["market_extended"] = True
        closes(lot, day)

    def phase_moved(self, event, _):
        lot, day = self.day_of(event)
        at, ends_at = event["phase"], event["ends_at"]
        must(at < len(day["ends"]))
        by = int(ends_at) - int(day["ends"][at])
        day["ends"][at] = ends_at
        # It gets longer, and the next one shorter, or the other way round.
        for index, more in ((at, by), (at + 1, -by)):
            if index < len(day["lengths"]):
                day["lengths"][index] = str(max(0, int(day["lengths"][index]) + more))
        if at == day["phase_index"] and day["phase"] != "volatility":
            day["phase_ends_at"] = ends_at
        closes(lot, day)

    def call_uncrossed(self, event, _):
        _, day = self.day_of(event)
        must(day["phase"] in ("call", "volatility"))
        crossed = event["outcome"].get("crossed")
        if crossed is None:
            return must(event["trade"] is None)
        day["last_call"] = crossed["price"]
        count(day, crossed["price"], crossed["volume"])
        return must(event["trade"] == day["statistics"]["trades"])

    def order_shown(self, event, _):
        _, day = self.day_of(event)
        number = int(event["number"])
        must(day["phase"] in ("continuous", "at_last") and 1 <= number <= int(day["last_number"]) + 1)
        day["last_number"] = str(max(number, int(day["last_number"])))
        by_number([{name: event[name] for name in ("number", "side", "price", "open")}], day["orders"])

    def order_reduced(self, event, _):
        _, day = self.day_of(event)
        must(event["number"] in day["orders"])
        lost = int(day["orders"][event["number"]]["open"]) - int(event["open"])
        reduce(day, event["number"], lost)

    def order_gone(self, event, _):
        _, day = self.day_of(event)
        must(day["orders"].pop(event["number"], None) is not None)

    def traded(self, event, _):
        _, day = self.day_of(event)
        must(int(event["number"]) == int(day["statistics"]["trades"]) + 1)
        order = reduce(day, event["resting"], int(event["quantity"]))
        must(order["price"] == event["price"] and order["side"] != event["aggressor"])
        count(day, event["price"], event["quantity"])

    def interrupted(self, event, _):
        _, day = self.day_of(event)
        must(day["phase"] == "continuous")
        day["interruptions"] += 1

    def day_halted(self, event, at):
        lot, day = self.day_of(event)
        must(day["halt"] is None and lot["halted_since"] is None)
        if event["cause"] == "interruptions":  # The one too many holds no call.
            day["interruptions"] -= 1
        day["halt"], lot["halted_since"] = event["cause"], at

    def market_halted(self, _, at):
        must(self.halted_since is None)
        self.halted_since = at

    def market_resumed(self, _, at):
        must(self.halted_since is not None)
        since, self.halted_since = self.halted_since, None
        halt = max(0, int(at) - int(since))
        for lot in self.lots:
            if isinstance(lot["phase"], dict) or lot["halted_since"] is not None:
                continue
            lot.update({name: str(int(lot[name]) + halt) for name in ("opened_at", "closes_at")})
            if "day" in lot["book"]:
                day = lot["book"]["day"]
                shift(day, since, halt)
                day["resumes_by_call"] = day["phase"] == "continuous"


def totals(day, side):
    """Sums over the shown orders of a side: orders, open shares, price x open, number x open, modulo 2^64."""
    orders = [order for order in day["orders"].values() if order["side"] == side]
    shares = [int(order["open"]) for order in orders]
    value = sum(units(order["price"]) * open for order, open in zip(orders, shares))
    numbers = sum(int(order["number"]) * open for order, open in zip(orders, shares))
    return [total & MARK for total in (len(orders), sum(shares), value, numbers)]
