"""Bids over WebSocket, loses its connection, and goes on where it was: nothing missed, nothing done twice.

    pip install websockets
    AUCTION_PASSWORD=correct-horse python3 websocket_client.py ws://localhost:2022/ws mia AAPL 9000
"""
import asyncio
import json
import os
import sys

import websockets

from market import Market


class Client:
    """What outlives a connection: the session's token, the numbers, the fold of the market."""

    def __init__(self, url):
        self.url, self.number, self.token, self.market = url, 0, None, None

    async def connect(self):
        self.socket = await websockets.connect(self.url, max_size=2**20)
        _, welcome = await self.ask("hello", version_min=1, version_max=1, client="websocket_client.py/1")
        if self.market is None or self.market.id != welcome["market"]:
            # Another market than before: nothing that was known is of use.
            self.market = Market(welcome["market"])

    async def send(self, kind, number=None, **body):
        if number is None:
            self.number += 1
            number = self.number
        await self.socket.send(json.dumps({"request": str(number), kind: body}))
        return str(number)

    async def receive(self):
        """The next message, folded in where it is of the market."""
        message = json.loads(await self.socket.recv())
        number = message.pop("request")
        ((kind, body),) = message.items()
        if kind == "snapshot_part" and self.market.snapshot_part(body):
            print("a snapshot, at place", self.market.feed_sequence)
        if kind == "feed":
            for place, _, name, event in self.market.feed(body):
                print(place, name, event.get("price", ""))
        if kind == "goodbye":
            sys.exit(f"{body['code']}: {body['message']}")
        return number, kind, body

    async def ask(self, kind, number=None, **body):
        asked = await self.send(kind, number, **body)
        while True:
            number, kind, body = await self.receive()
            if number == asked and kind not in ("snapshot_part", "resync"):
                return kind, body

    async def log_in(self, name, password):
        await self.ask("register", name=name, password=password)  # Refused when it is there already.
        kind, session = await self.ask("login", name=name, password=password)
        if kind == "refused":
            sys.exit(session["message"])
        self.token = session["token"]

    async def resume(self):
        """Goes on with session and feed on a new connection."""
        await self.connect()
        kind, session = await self.ask("resume", token=self.token)
        if kind == "refused":
            sys.exit(session["message"])
        self.number = max(self.number, int(session["last_request"]))
        await self.watch()

    async def watch(self):
        place = {"market": self.market.id, "feed_sequence": str(self.market.feed_sequence)}
        asked = await self.send("watch", resume=place if self.market.feed_sequence else None)
        while True:
            number, kind, body = await self.receive()
            if number == asked and kind == "resumed":
                return print("the feed goes on behind place", body["feed_sequence"])
            if number == asked and kind == "snapshot_part" and body["follows"] == "nothing":
                return None

    async def until(self, place):
        while self.market.feed_sequence < place:
            await self.receive()


async def main(url, name, symbol, price):
    client = Client(url)
    await client.connect()
    await client.log_in(name, os.environ["AUCTION_PASSWORD"])
    await client.watch()
    lot = next(lot["id"] for lot in client.market.lots if lot["symbol"] == symbol and lot["phase"] == "open")
    # The connection is lost before the answer has come: nobody knows whether the bid was done.
    bid = await client.send("bid", lot=lot, price=price)
    await client.socket.close()
    await client.resume()
    # The same number with the same body: it is done once, however often it is sent.
    kind, answer = await client.ask("bid", number=bid, lot=lot, price=price)
    if kind == "refused":
        sys.exit(answer["message"])
    print("accepted,", "just now" if answer["done"] == "now" else "before the connection was lost")
    await client.until(int(answer["feed_sequence"]))
    print("my fold is at place", client.market.feed_sequence, "with digest", client.market.digest())
    _, history = await client.ask("get_history", lot=lot, limit=10)
    print(history["total"], "bid in the lot's history")
    await client.socket.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
