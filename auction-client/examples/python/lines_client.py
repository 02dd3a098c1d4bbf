"""Registers, logs in, bids and follows the market, in lines of JSON over a socket. Standard library alone.

    AUCTION_PASSWORD=correct-horse python3 lines_client.py localhost:2022 mia AAPL 9000

bids 9000 for a share of AAPL, prints what happens, and ends when the lot has closed or the server says goodbye.
"""
import json
import os
import socket
import sys
import time

from market import Market


class Connection:
    """Requests are numbered; what answers one carries its number."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.stream = socket.create_connection((host, int(port))).makefile("rw", encoding="utf-8", newline="\n")
        self.number = 0

    def send(self, kind, **body):
        self.number += 1
        self.stream.write(json.dumps({"request": str(self.number), kind: body}) + "\n")
        self.stream.flush()
        return str(self.number)

    def receive(self):
        """The next message: the number it answers ("0": none), its kind, its fields."""
        line = self.stream.readline()
        if not line:
            raise ConnectionError("the server has ended the connection")
        message = json.loads(line)
        number = message.pop("request")
        ((kind, body),) = message.items()
        return number, kind, body

    def ask(self, kind, **body):
        """For the time before the feed: what else comes is passed over."""
        asked = self.send(kind, **body)
        while True:
            number, kind, body = self.receive()
            if kind == "goodbye":
                sys.exit(f"{body['code']}: {body['message']}")
            if number == asked:
                return kind, body


def log_in(connection, name, password):
    _, welcome = connection.ask("hello", version_min=1, version_max=1, client="lines_client.py/1")
    kind, answer = connection.ask("register", name=name, password=password)
    if kind == "refused" and answer["code"] != "name_taken":
        sys.exit(answer["message"])
    kind, session = connection.ask("login", name=name, password=password)
    if kind == "refused":
        sys.exit(session["message"])
    return welcome


def tell(market, at, name, event):
    """One public event in words."""
    clock = time.strftime("%H:%M:%S", time.gmtime(int(at) // 1_000_000))
    symbol = market.lot(event["lot"])["symbol"] if "lot" in event else event.get("symbol", "")
    if name == "bid_accepted":
        print(clock, symbol, market.name(event["leader"]), "leads at", event["price"], flush=True)
    else:
        print(clock, symbol, name.replace("_", " "), flush=True)


def follow(connection, market, symbol, price):
    """Bids once the market is known, and folds the feed until the lot has closed."""
    connection.send("watch")
    lot = None
    while True:
        number, kind, body = connection.receive()
        if kind == "snapshot_part":
            if market.snapshot_part(body) and lot is None:
                lot = next((l["id"] for l in market.lots if l["symbol"] == symbol and l["phase"] == "open"), None)
                if lot is None:
                    sys.exit(f"no lot of {symbol} is open")
                connection.send("bid", lot=lot, price=price)
        elif kind == "feed":
            for _, at, name, event in market.feed(body):
                tell(market, at, name, event)
            if lot and isinstance(market.lot(lot)["phase"], dict):
                return print("closed:", market.lot(lot)["phase"]["closed"]["outcome"])
        elif kind == "accepted":
            print("accepted: my bid", "leads" if body["reply"]["bid"]["leads"] else "does not lead", flush=True)
        elif kind == "refused":
            # The code is for programs, the message for people; price says what would do.
            print("refused:", body["message"], flush=True)
        elif kind == "heartbeat":
            if int(body["feed_sequence"]) == market.feed_sequence:
                same = body["digest"] == market.digest()
                print("the digest is the server's" if same else "the digest differs: watch again", flush=True)
            # A sign of life in return; its answer tells the server's time.
            connection.send("ping", client_time=str(time.time_ns() // 1000))
        elif kind == "pong":
            now = time.time_ns() // 1000
            error = (now - int(body["client_time"])) // 2
            offset = int(body["server_time"]) - (now - error)
            print(f"the server's clock is {offset / 1e6:+.3f} s off mine, give or take {error / 1e6:.3f} s", flush=True)
        elif kind == "goodbye":
            return print("goodbye:", body["message"])


def main(address, name, symbol, price):
    connection = Connection(address)
    welcome = log_in(connection, name, os.environ["AUCTION_PASSWORD"])
    follow(connection, Market(welcome["market"]), symbol, price)


if __name__ == "__main__":
    main(*sys.argv[1:])
