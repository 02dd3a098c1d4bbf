"""The client at the real server."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import PASSWORD, Markets, run

import openauction as oa
from openauction import messages as m
from openauction import verify
from openauction.connection import Encoding
from openauction.refusals import BidTooLow
from openauction.sync import Client as SyncClient

WAYS: list[tuple[str, Encoding]] = [("tcp", "json"), ("tcp", "binary"), ("ws", "json"), ("ws", "binary")]


async def trader(address: str, name: str) -> oa.Client:
    client = oa.Client(address)
    await client.open()
    await client.register(name, PASSWORD)
    await client.login(name, PASSWORD)
    return client


async def auctioneer(address: str) -> oa.Client:
    client = oa.Client(address)
    await client.open()
    await client.login("ann", PASSWORD)
    return client


async def until_closed(watch: oa.Watch, lot: int) -> m.Outcome:
    async for update in watch:
        if isinstance(update, oa.Event) and isinstance(update.event, m.LotClosed) and update.event.lot == lot:
            return update.event.outcome
    raise AssertionError("a watch never ends")


@pytest.mark.parametrize("scheme, encoding", WAYS)
def test_bids_and_follows_the_market(markets: Markets, scheme: str, encoding: Encoding) -> None:
    server = markets.open()

    async def test() -> bytes:
        async with oa.Client(f"{scheme}://{server.address}", encoding=encoding) as client:
            assert await client.register("mia", PASSWORD) == 2
            logged_in = await client.login("mia", PASSWORD)
            assert (logged_in.name, logged_in.role, logged_in.user) == ("mia", "trader", 2)
            with pytest.raises(BidTooLow) as refused:
                await client.bid("S1", Decimal("0.50"))
            assert (refused.value.code, refused.value.price) == ("bid_too_low", Decimal("1.01"))

            watch = client.watch()
            first = await watch.next()
            assert isinstance(first, oa.Snapshot) and first.market is watch.market
            placed = await client.bid("S1", Decimal("1.40"))
            assert placed.leads and placed.price == Decimal("1.40") and not placed.repeated
            async for update in watch:
                if isinstance(update, oa.Event):
                    assert update.feed_sequence == placed.feed_sequence
                    assert isinstance(update.event, m.BidAccepted)
                    assert (update.event.leader, update.event.price) == (2, Decimal("1.40"))
                    break
            lot = await client.lot("S1")
            assert isinstance(lot.book, m.EnglishBook) and lot.book.leader == 2
            assert watch.market.name(2) == "mia" and watch.market.user("mia") == 2
            off = abs(client.server_time() - datetime.now(tz=first.market.at.tzinfo))
            assert off < timedelta(minutes=1)
            snapshot = await client.snapshot()
            assert snapshot.digest() == watch.market.digest()
            history = await client.history(placed.lot)
            assert [bid.amount for bid in history.bids] == [Decimal("1.40")]
            return snapshot.digest()

    digest = run(test())
    server.kill()
    assert digest.hex() in server.run("verify")


def test_a_bid_whose_answer_was_lost_is_placed_once(markets: Markets) -> None:
    server = markets.open()
    lost = 0

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes on what both say, and drops the line instead of the first answer to a bid."""
        nonlocal lost
        host, port = server.address.split(":")
        theirs, ours = await asyncio.open_connection(host, int(port))

        async def pass_on() -> None:
            while line := await reader.readline():
                ours.write(line)

        task = asyncio.create_task(pass_on())
        while line := await theirs.readline():
            if b'"bid":{' in line and b'"accepted"' in line and not lost:
                lost += 1
                break
            writer.write(line)
        task.cancel()
        writer.transport.abort()
        ours.close()

    async def test() -> None:
        relay = await asyncio.start_server(cut, "127.0.0.1", 0)
        port = relay.sockets[0].getsockname()[1]
        async with relay, oa.Client(f"127.0.0.1:{port}") as client:
            await client.register("mia", PASSWORD)
            await client.login("mia", PASSWORD)
            placed = await client.bid(1, Decimal("1.40"))
            assert lost == 1
            assert placed.repeated and placed.leads
            assert (await client.history(1)).total == 1
            # The session goes on, with numbers above.
            after = await client.bid(2, Decimal("1.50"))
            assert after.request > placed.request and not after.repeated

    run(test())


def test_goes_on_after_the_server_was_killed(markets: Markets) -> None:
    server = markets.open()

    async def test() -> None:
        async with await trader(server.address, "mia") as client, client.watch() as watch:
            assert isinstance(await watch.next(), oa.Snapshot)
            await client.bid(1, Decimal("1.40"))
            assert isinstance(await watch.next(), oa.Event)
            place = watch.market.feed_sequence
            server.kill()
            # Asked while nothing answers: it is sent once the server is back.
            waiting = asyncio.create_task(client.bid(2, Decimal("2.00")))
            update = await watch.next()
            assert isinstance(update, oa.Reconnecting)
            await asyncio.to_thread(server.start)
            assert (await waiting).leads
            updates: list[oa.Update] = []
            while not any(isinstance(each, oa.Event) for each in updates):
                updates.append(await watch.next())
            kinds = [type(each) for each in updates if not isinstance(each, oa.Reconnecting)]
            assert kinds[0] in (oa.Live, oa.Snapshot)
            assert watch.market.feed_sequence > place
            snapshot = await client.snapshot()
            while watch.market.feed_sequence < snapshot.feed_sequence:
                await watch.next()
            assert watch.market.digest() == snapshot.digest()

    run(test())


def test_a_request_that_was_never_sent_is_not_connected(markets: Markets) -> None:
    server = markets.open()

    async def test() -> None:
        async with oa.Client(server.address, timeout=0.5) as client:
            await client.snapshot()
            server.kill()
            with pytest.raises((oa.NotConnected, oa.OutcomeUnknown)):
                await client.snapshot()
            with pytest.raises(oa.NotConnected, match="could not connect"):
                await client.snapshot()
        with pytest.raises(oa.NotConnected, match="not open"):
            await client.snapshot()

    run(test())
    with pytest.raises(oa.ConnectionFailed, match="could not connect"):
        run(oa.Client(server.address).open())


def test_resumes_a_session_from_another_program(markets: Markets) -> None:
    server = markets.open()

    async def test() -> None:
        async with await trader(server.address, "mia") as client:
            token = client.token
            assert token is not None
        async with oa.Client(server.address) as client:
            assert (await client.resume(token)).name == "mia"
            assert len(await client.sessions()) == 1
            await client.bid(1, Decimal("1.40"))
            async with oa.Client(server.address) as other:
                session = (await other.login("mia", PASSWORD)).session
                sessions = await client.sessions()
                assert [each.current for each in sessions] == [True, False]
                await client.close_session(session)
                with pytest.raises(oa.SessionRefused) as refused:
                    await other.bid(2, Decimal("1.40"))
                assert refused.value.code == "session_closed" and other.token is None
            await client.logout()
            assert client.token is None
            with pytest.raises(oa.SessionRefused):
                await client.bid(1, Decimal("2.00"))
            with pytest.raises(oa.SessionRefused) as refused:
                await client.resume(token)
            with pytest.raises(oa.SessionRefused) as refused:
                await client.login("mia", "wrong-password")
            assert refused.value.code == "bad_credentials"

    run(test())


def test_an_account_that_others_use_too_is_followed(markets: Markets) -> None:
    server = markets.open("S1,english\nS2,call\n")

    async def test() -> None:
        async with await trader(server.address, "mia") as mia, await trader(server.address, "tom") as tom:
            with pytest.raises(oa.NotConnected, match="logged in"):
                oa.Client(server.address).watch_account()
            watch = mia.watch_account()
            first = await watch.next()
            assert isinstance(first, oa.AccountSnapshot) and first.state == oa.AccountState()

            async def event() -> m.AccountEvent:
                while not isinstance(update := await watch.next(), m.AccountEntry):
                    pass
                return update.event

            await mia.bid_maximum("S1", Decimal("5"))
            assert await event() == m.AccountLeads(1, Decimal("5.00"))
            order = await mia.order("S2", "buy", 500, Decimal("1.20"))
            assert await event() == m.AccountOrderPlaced(2, 1, "buy", 500, Decimal("1.20"))
            await mia.replace("S2", order.order, 400, Decimal("1.30"))
            assert await event() == m.AccountOrderReplaced(2, 1, 400, Decimal("1.30"))
            assert watch.state.orders == [m.StandingOrder(2, 1, "buy", 400, Decimal("1.30"))]
            assert [each.limit for each in await mia.orders(2)] == [Decimal("1.30")]
            await tom.bid("S1", Decimal("7"))
            assert await event() == m.AccountOutbid(1, Decimal("7.00"))
            await mia.set_dead_man(timedelta(seconds=30))
            assert isinstance(await event(), m.AccountDeadManSet)
            assert [each.grace for each in watch.state.dead_men] == [timedelta(seconds=30)]
            await mia.cancel("S2", order.order)
            assert await event() == m.AccountOrderCancelled(2, 1)
            assert watch.state.orders == [] and watch.state.leads == []
            await mia.logout()
            with pytest.raises(oa.SessionRefused):
                while True:
                    await watch.next()

    run(test())


def test_a_call_is_uncrossed_and_its_fills_are_those_of_both_sides(markets: Markets) -> None:
    server = markets.open("symbol,format,book\nS1,call,open\nS2,english,\n")

    async def test() -> None:
        async with (
            await trader(server.address, "mia") as mia, await trader(server.address, "tom") as tom,
            await auctioneer(server.address) as ann, mia.watch("S1") as watch,
        ):
            assert isinstance(await watch.next(), oa.Snapshot)
            assert [lot.symbol for lot in watch.market.lots] == ["S1"]
            await mia.order("S1", "buy", 500, Decimal("1.20"))
            with pytest.raises(oa.RuleRefused) as refused:
                await mia.order("S1", "sell", 500, Decimal("1.10"))
            assert refused.value.code == "would_self_trade"
            await tom.order("S1", "sell", 300)
            await tom.bid("S2", Decimal("3"))
            seen = None
            while seen is None or not isinstance(seen.result, m.Cross):
                update = await watch.next()
                seen = update if isinstance(update, oa.Indicative) else seen
            assert (seen.result.volume, seen.result.price) == (300, Decimal("1.20"))
            assert seen.depth is not None and seen.depth.market_sell == 300
            await ann.close_lot(1)
            outcome = await until_closed(watch, 1)
            assert isinstance(outcome, m.Crossed)
            assert (outcome.price, outcome.volume, outcome.traders) == (Decimal("1.20"), 300, 2)
            assert watch.market.stocks["S1"].last_uncross == Decimal("1.20")
            with pytest.raises(ValueError, match="no digest"):
                watch.market.digest()
            bought, sold = await mia.fills(), await tom.fills()
            assert [(f.side, f.filled, f.price) for f in bought] == [("buy", 300, Decimal("1.20"))]
            assert [(f.side, f.filled, f.price) for f in sold] == [("sell", 300, Decimal("1.20"))]
            entries = [entry async for entry in tom.activity()]
            assert [entry.symbol for entry in entries] == ["S2", "S1"]

    run(test())


def test_lots_of_the_other_formats(markets: Markets) -> None:
    lots = (
        "symbol,format,quantity,reserve,start,step,interval,floor\nS1,dutch,1,,9,1,1h,5\nS2,vickrey,1,1,,,,\n"
        "S3,uniform,100,,,,,\n"
    )
    server = markets.open(lots)

    async def test() -> None:
        async with await trader(server.address, "mia") as mia, await auctioneer(server.address) as ann:
            watch = mia.watch()
            await watch.next()
            await mia.order("S2", "buy", 1, Decimal("50"))
            await mia.order("S3", "buy", 60, Decimal("4.50"))
            with pytest.raises(oa.RuleRefused) as refused:
                await mia.take("S1", at_most=Decimal("8"))
            assert (refused.value.code, refused.value.price) == ("price_still_above", Decimal("9.00"))
            taken = await mia.take("S1")
            assert taken.bought
            assert await until_closed(watch, 1) == m.Sold(2, Decimal("9.00"), "first_take", None)
            await ann.close_lot(2)
            assert await until_closed(watch, 2) == m.Sold(2, Decimal("1.00"), "reserve", None)
            await ann.close_lot(3)
            assert isinstance(await until_closed(watch, 3), m.Allocated)
            assert await mia.least_winning(2) == m.LeastWinningBid(Decimal("1.00"))
            filled = [(fill.symbol, fill.filled, fill.price) for fill in await mia.fills()]
            assert filled == [("S3", 60, Decimal("4.50")), ("S2", 1, Decimal("1.00")), ("S1", 1, Decimal("9.00"))]
            history = await mia.history(2)
            assert [(bid.bidder, bid.price, bid.pays) for bid in history.opened] == [
                (2, Decimal("50.00"), Decimal("1.00"))
            ]

    run(test())


def test_an_auctioneer_runs_lots_and_pays_accounts(markets: Markets) -> None:
    server = markets.open("S1,english\n", accounts="funds")

    async def test() -> None:
        async with await auctioneer(server.address) as ann, await trader(server.address, "mia") as mia:
            user = mia.user.user if mia.user else 0
            await ann.deposit(user, m.Cash(Decimal("100")))
            await ann.deposit(user, m.Shares("S3", 7))
            await ann.withdraw(user, m.Cash(Decimal("0.5")))
            steps = [m.StepBand(Decimal(0), Decimal("0.25"))]
            terms = m.EnglishTerms(steps, None, m.SoftClose("add", timedelta(0), timedelta(0), None))
            closes_at = ann.server_time() + timedelta(hours=1)
            lot = await ann.open_lot("S2", terms, closes_at, quantity=10, reserve=Decimal("2"))
            assert (await mia.lot("S2")).id == lot
            with pytest.raises(oa.RuleRefused) as refused:
                await mia.bid("S2", Decimal("10"))
            assert (refused.value.code, refused.value.needed) == ("insufficient_funds", Decimal("100.00"))
            assert refused.value.available == Decimal("99.50")
            await mia.bid("S2", Decimal("1.25"))
            balance = await mia.balance()
            assert (balance.cash, balance.reserved) == (Decimal("99.50"), Decimal("12.50"))
            assert balance.holdings == [m.ListedHolding("S3", 7, 0)]
            await ann.halt_lot(lot)
            with pytest.raises(oa.RuleRefused) as refused:
                await mia.bid(lot, Decimal("3"))
            assert refused.value.code == "lot_halted"
            await ann.resume_lot(lot)
            await ann.extend_lot(lot, closes_at + timedelta(hours=2))
            await ann.suspend(user)
            with pytest.raises(oa.RuleRefused) as refused:
                await mia.bid(lot, Decimal("3"))
            assert refused.value.code == "suspended"
            await ann.reinstate(user)
            second = await ann.open_lot("S2", terms, closes_at)
            with pytest.raises(oa.AmbiguousSymbol) as ambiguous:
                (await mia.snapshot()).open_lot("S2")
            assert ambiguous.value.lots == [lot, second]
            await ann.cancel_lot(second)

    run(test())


def test_symbols_without_an_open_lot_are_named(markets: Markets) -> None:
    server = markets.open("S1,english\n")

    async def test() -> None:
        async with oa.Client(server.address) as client:
            for symbol, why in (("S4", "no lot of S4 is open"), ("XX", "there is no stock XX")):
                with pytest.raises(oa.UnknownSymbol, match=why):
                    await client.lot(symbol)
            with pytest.raises(LookupError, match="no lot 9"):
                await client.lot(9)

    run(test())


def test_many_bids_side_by_side_are_decided_in_their_order(markets: Markets) -> None:
    server = markets.open()

    async def test() -> None:
        async with await trader(server.address, "mia") as mia, await trader(server.address, "tom") as tom:
            prices = [Decimal(n) for n in range(2, 302)]
            bids = [(mia, tom)[n % 2].bid(1, price) for n, price in enumerate(prices)]
            outcomes = await asyncio.gather(*bids, return_exceptions=True)
            placed = [each for each in outcomes if isinstance(each, oa.client.BidPlaced)]
            others = [each for each in outcomes if not isinstance(each, oa.client.BidPlaced)]
            assert all(isinstance(each, oa.RuleRefused) for each in others), others
            history = await mia.history(1)
            assert history.total == len(placed)
            amounts = [bid.amount for bid in history.bids if bid.amount is not None]
            assert amounts == sorted(amounts)
            requests = [each.request for each in placed[::2]]
            assert requests == sorted(requests)

    run(test())


def test_signed_events_receipts_and_checkpoints_are_checked(markets: Markets) -> None:
    pytest.importorskip("cryptography", reason="NOT CHECKED: pip install cryptography")
    server = markets.open()

    async def test() -> None:
        async with await trader(server.address, "mia") as mia:
            key = await mia.market_key()
            kept = await mia.checkpoint(key)
            async with mia.watch(key=key) as watch:
                assert isinstance(await watch.next(), oa.Snapshot)
                placed = await mia.bid(1, Decimal("1.40"))
                hidden = await mia.bid_maximum(1, Decimal("9"))
                update = await watch.next()
                assert isinstance(update, oa.Event) and update.feed_sequence == placed.feed_sequence
                receipt = await mia.receipt(key, request=placed.request)
                proven = verify.read_receipt(key, receipt)
                assert (proven.user, proven.is_hidden) == (2, False)
                assert proven.request is not None and proven.request[1] == placed.request
                again = await mia.receipt(key, record=proven.sequence)
                assert again.record == receipt.record
                secret = await mia.receipt(key, request=hidden.request)
                opened = verify.read_receipt(key, secret)
                assert opened.is_hidden and opened.user == 2
                assert secret.private is not None
                other = secret.private[:-1] + bytes([secret.private[-1] ^ 1])
                with pytest.raises(oa.NotSigned, match="not the one that the record commits to"):
                    verify.read_receipt(key, replace(secret, private=other))
                newest = await mia.checkpoint(key, kept)
                assert verify.read_statement(key, newest).checkpoint.sequence >= proven.sequence

            # Nothing of this passes when a bit is changed, or with another key.
            for field in ("record", "statement", "signature"):
                raw = bytearray(getattr(receipt, field))
                raw[-1] ^= 1
                changed: dict[str, Any] = {field: bytes(raw)}
                with pytest.raises(oa.NotSigned):
                    verify.read_receipt(key, replace(receipt, **changed))
            stranger = oa.MarketKey(key.market, bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
            with pytest.raises(oa.NotSigned):
                await mia.checkpoint(stranger)
            async with mia.watch(key=stranger) as watch:
                update = await watch.next()
                assert isinstance(update, oa.Reconnecting) and isinstance(update.because, oa.NotSigned)

    run(test())


def test_tls_is_trusted_by_fingerprint_or_authority_alone(markets: Markets) -> None:
    server = markets.open(tls_self_signed="on")
    certificate = server.folder / "tls" / "self-signed.pem"
    # Its key is in the same file.
    pem = certificate.read_text()
    end = "-----END CERTIFICATE-----"
    der = ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN CERTIFICATE"):pem.index(end) + len(end)])
    fingerprint = hashlib.sha256(der).hexdigest()

    async def bid(client: oa.Client, name: str) -> None:
        async with client:
            await client.register(name, PASSWORD)
            await client.login(name, PASSWORD)
            await client.snapshot()

    run(bid(oa.Client(f"tls://{server.address}", fingerprint=fingerprint.upper()), "mia"))
    run(bid(oa.Client(f"wss://{server.address}", fingerprint=fingerprint), "tom"))
    run(bid(oa.Client(f"tls://{server.address}", ca=str(certificate)), "joe"))
    with pytest.raises(oa.CertificateNotPinned) as refused:
        run(oa.Client(f"tls://{server.address}", fingerprint="00" * 32).open())
    assert refused.value.found.replace(":", "").lower() == fingerprint
    with pytest.raises(oa.ConnectionFailed, match="not trusted"):
        run(oa.Client(f"tls://{server.address}").open())
    with pytest.raises(oa.Goodbye) as plain:
        run(oa.Client(server.address).open())
    assert plain.value.code == "tls_required"


def test_a_server_without_tls_is_named(markets: Markets) -> None:
    server = markets.open()
    with pytest.raises(oa.ConnectionFailed, match="does not speak TLS"):
        run(oa.Client(f"tls://{server.address}").open())


def test_the_synchronous_client_does_the_same(markets: Markets, tmp_path: Path) -> None:
    server = markets.open("S1,english\nS2,call\n")
    with SyncClient(server.address) as client:
        client.register("mia", PASSWORD)
        client.login("mia", PASSWORD)
        watch, own = client.watch(), client.watch_account()
        assert isinstance(next(watch), oa.Snapshot) and isinstance(next(own), oa.AccountSnapshot)
        placed = client.bid("S1", Decimal("1.40"))
        update = next(update for update in watch if isinstance(update, oa.Event))
        assert update.feed_sequence == placed.feed_sequence
        with pytest.raises(TimeoutError):
            own.next(timeout=5) and own.next(timeout=0.05)
        assert own.state.leads == [m.StandingLead(1, Decimal("1.40"))]
        assert [entry.symbol for entry in client.activity()] == ["S1"]
        assert client.fills() == []
        assert client.snapshot().digest() == watch.market.digest()
        with pytest.raises(oa.RuleRefused):
            client.bid("S1", Decimal("1.40"))
        watch.close()
    with pytest.raises(oa.ConnectionFailed):
        SyncClient("127.0.0.1:1").open()
