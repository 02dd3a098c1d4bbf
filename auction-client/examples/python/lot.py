"""What a lot is when it opens, and what happens to a call: beside market.py, for its folds. Standard library alone."""
import hashlib

from money import show, units

PRICE_MAX, AMOUNT_MAX = 9_999_999_999_999, 10**18


class FeedError(Exception):
    """What does not follow: other_market, gap, wrong_end, contradiction."""


def first_book(event):
    """The book of a lot for which nobody has bid."""
    ((form, terms),) = event["terms"].items()
    if form == "dutch":
        return {"dutch": {"taken": None}}
    if form == "call":
        return {"call": {"traders": 0, "reference": None, "market_extended": False, "end": None}}
    if form != "english":
        return {form: {"bidders": 0, "has_reserve": event["has_reserve"]}}
    base = units(event["base_price"])
    step = [units(band["step"]) for band in terms["steps"] if units(band["from"]) <= base][-1]
    greatest = min(PRICE_MAX, AMOUNT_MAX // int(event["quantity"]))
    least = [base + step] if base + step <= greatest else []
    least += [units(terms["buy_now"])] if terms["buy_now"] is not None else []
    return {"english": {
        "price": None, "leader": None, "least": show(min(least)) if least else None, "bids": 0, "bidders": 0,
        "reserve": "not_met" if event["has_reserve"] else "none",
    }}


class CallLots:
    """The events of call auctions."""

    def reference_fixed(self, event, _):
        reference = event["reference"] if units(event["reference"]) > 0 else None
        self.open_lot(event["lot"])["book"]["call"]["reference"] = reference

    def end_committed(self, event, _):
        ((_, book),) = self.open_lot(event["lot"])["book"].items()
        book["end"] = event["commitment"]

    def end_opened(self, event, _):
        ((_, book),) = self.open_lot(event["lot"])["book"].items()
        end = event["end"]
        fixed = event["lot"].to_bytes(4, "little") + int(end["before_close"]).to_bytes(8, "little")
        fixed = hashlib.sha256(b"auction.end.1" + fixed + bytes.fromhex(end["salt"])).hexdigest()
        if book["end"] != fixed:
            raise FeedError("contradiction")  # The server has cheated.
        book["end"] = None
