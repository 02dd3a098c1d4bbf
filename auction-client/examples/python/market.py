"""The public market as a fold of its feed: SPEC.md, sections 5 and 6. Standard library alone.

Messages are as JSON has them. After a FeedError the fold is of no more use: watch again.
"""
from day import Days, begin, new_day
from digest import digest
from lot import CallLots, FeedError, first_book


class Market(CallLots, Days):
    def __init__(self, market_id):
        self.id, self.feed_sequence, self.at = market_id, 0, 0
        self.users, self.stocks, self.lots = [], {}, []
        self.accounts, self.halted_since = "credit", None
        self.parts = []

    def digest(self):
        return digest(self)

    def lot(self, number):
        if not 1 <= number <= len(self.lots):
            raise FeedError("contradiction")
        return self.lots[number - 1]

    def name(self, user):
        return self.users[user - 1]["name"]

    def snapshot_part(self, part):
        """Takes a part; True when it was the last, and the market is that of the snapshot."""
        if part["index"] == 0:
            self.parts = []
        if part["index"] != len(self.parts):
            raise FeedError("gap")
        self.parts.append(part)
        if part["follows"] == "more":
            return False
        self.id, self.feed_sequence, self.at = part["market"], int(part["feed_sequence"]), int(part["at"])
        self.users = [user for part in self.parts for user in part["users"]]
        self.stocks = {stock["listing"]["symbol"]: stock for part in self.parts for stock in part["stocks"]}
        self.lots = []
        for lot in (lot for part in self.parts for lot in part["lots"]):
            self.take_lot(lot)
        self.accounts = part["accounts"]
        follows = part["follows"]
        self.halted_since = follows["halted"] if isinstance(follows, dict) else None
        self.parts = []
        return True

    def feed(self, feed):
        """Folds the events of a feed, and gives them: (place, at, name of the event, its fields)."""
        after, through = int(feed["after"]), int(feed["through"])
        if feed["market"] != self.id:
            raise FeedError("other_market")
        if after != self.feed_sequence:
            raise FeedError("gap")
        if through != after + len(feed["entries"]):
            raise FeedError("wrong_end")
        events = []
        for entry in feed["entries"]:
            event = entry["event"]
            ((name, event),) = ({event: {}} if isinstance(event, str) else event).items()
            getattr(self, name)(event, entry["at"])
            self.feed_sequence += 1
            self.at = max(self.at, int(entry["at"]))
            events.append((self.feed_sequence, entry["at"], name, event))
        return events

    def open_lot(self, number):
        lot = self.lot(number)
        if isinstance(lot["phase"], dict):
            raise FeedError("contradiction")
        return lot

    def stock_listed(self, listing, _):
        old = self.stocks.get(listing["symbol"])
        stands = old is not None and old["listing"]["profit"] == listing["profit"]
        profit = (old if stands else listing)["profit"]
        last = old and old["last_uncross"]
        self.stocks[listing["symbol"]] = {"listing": listing, "profit": profit, "last_uncross": last}

    def user_registered(self, user, _):
        taken = any(other["name"] == user["name"] for other in self.users)
        if taken or user["user"] != len(self.users) + 1:
            raise FeedError("contradiction")
        self.users.append(user)

    def lot_opened(self, event, at):
        if event["lot"] != len(self.lots) + 1 or event["symbol"] not in self.stocks:
            raise FeedError("contradiction")
        same = {name: event[name] for name in ("symbol", "quantity", "base_price", "closes_at", "terms")}
        scheduled = event["opens_at"] is not None
        self.lots.append(same | {
            "id": event["lot"], "opened_at": event["opens_at"] if scheduled else at, "extensions": 0,
            "phase": "scheduled" if scheduled else "open", "halted_since": None,
            "book": new_day() if "day" in event["terms"] else first_book(event),
        })
        if "day" in event["terms"] and not scheduled:
            begin(self.lots[-1])

    def bid_accepted(self, event, _):
        ((form, book),) = self.open_lot(event["lot"])["book"].items()
        if form == "dutch":
            book["taken"] = {"bidder": event["leader"], "price": event["price"]}
        elif form == "english":
            book |= {name: event[name] for name in ("price", "leader", "least", "bidders", "reserve")}
            book["bids"] += 1
        else:
            raise FeedError("contradiction")

    def lot_extended(self, event, _):
        lot = self.open_lot(event["lot"])
        lot["closes_at"] = event["closes_at"]
        lot["extensions"] += event["cause"] in ("soft_close", "volatility")
        if event["cause"] == "market_orders":
            lot["book"]["call"]["market_extended"] = True

    def lot_closed(self, event, at):
        lot, outcome = self.open_lot(event["lot"]), event["outcome"]
        lot["phase"] = {"closed": {"at": at, "outcome": outcome}}
        price = outcome["crossed"]["price"] if "crossed" in outcome else None
        if "day" in outcome:
            price, day = outcome["day"]["close"], lot["book"]["day"]
            day.update(phase=None, traders=0, orders={})
            day["statistics"]["close"] = price
        if price is not None:
            self.stocks[lot["symbol"]]["last_uncross"] = price

    def profit_published(self, event, _):
        self.stocks[event["symbol"]]["profit"] = event["profit"]

    def lot_halted(self, event, at):
        self.open_lot(event["lot"])["halted_since"] = at

    def bidders_counted(self, event, _):
        ((form, book),) = self.open_lot(event["lot"])["book"].items()
        book["traders" if form in ("call", "day") else "bidders"] = event["bidders"]

    def bids_opened(self, event, _):
        self.open_lot(event["lot"])

    def accounts_set(self, event, _):
        if self.accounts == "funds" or event["mode"] == "credit" or self.lots:
            raise FeedError("contradiction")
        self.accounts = event["mode"]
