"""Values, messages, exceptions, and what is generated from the schema."""

from __future__ import annotations

import decimal
import inspect
import pickle
import ssl
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

import openauction
import openauction.sync
from openauction import codec, market, messages, money, refusals, times
from openauction import messages as m
from openauction.connection import Address, Backoff, ServerClock
from openauction.errors import refusal
from openauction.websocket import Handshake, WebSocket

PYTHON = Path(__file__).resolve().parents[1]


def test_generated_files_are_those_of_the_schema() -> None:
    done = subprocess.run([sys.executable, PYTHON / "tools" / "generate.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + "run auction-client/python/tools/generate.py"


def test_the_license_is_that_of_the_repository() -> None:
    assert (PYTHON / "LICENSE").read_text() == (PYTHON.parents[1] / "LICENSE").read_text()


def test_every_message_and_variant_has_a_class() -> None:
    assert len(messages.MESSAGES) == len(get_args(m.ClientMessage)) + len(get_args(m.ServerMessage))
    assert set(refusals.BY_CODE) == set(codec.schema().definitions["Code"]["x-names"])


def test_every_public_event_is_folded() -> None:
    # A choice without content is its name.
    events = {name for each in get_args(m.PublicEvent) for name in get_args(each) or (each,)}
    assert set(market._APPLY) == events


@pytest.mark.parametrize("name, number", codec.schema().definitions["Code"]["x-names"].items())
def test_each_code_has_an_exception_in_the_group_of_its_thousands(name: str, number: int) -> None:
    error = refusal(m.Refused(name, "why", Decimal("1.41"), None, 7, None, None, None, None))
    group = {1: "RuleRefused", 2: "RequestRefused", 3: "SessionRefused", 4: "ServerRefused"}[number // 1000]
    assert isinstance(error, getattr(openauction, group))
    assert (error.code, error.code_number, error.price, error.number, str(error)) == (
        name, number, Decimal("1.41"), 7, "why"
    )
    assert type(error).__name__.lower() == name.replace("_", "")
    assert pickle.loads(pickle.dumps(error)).price == error.price


def test_a_code_of_a_later_version_is_taken_by_its_thousands() -> None:
    error = refusal(m.Refused("3999", "why", None, None, None, None, None, None, None))
    assert type(error) is openauction.SessionRefused and error.code == "3999"
    error = refusal(m.Refused("59999", "why", None, None, None, None, None, None, None))
    assert type(error) is openauction.Refused


@pytest.mark.parametrize("wrong", [1.4, 9000, "1.40", True, None])
def test_money_of_another_type_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"bid.price: money is a decimal.Decimal"):
        codec.encode_frame(1, m.Bid(1, wrong))
    with pytest.raises(TypeError, match=r"bid.price: money is a decimal.Decimal"):
        codec.dump_json(1, m.Bid(1, wrong))


@pytest.mark.parametrize(
    "wrong, why",
    [("1.40001", "more than four decimals"), ("-0.0001", "out of range"), ("1000000000", "out of range"),
     ("NaN", "no amount"), ("Infinity", "no amount"), ("1E+999999", "out of range"), ("1E-999999", "out of range")],
)
def test_money_out_of_range_is_refused(wrong: str, why: str) -> None:
    with pytest.raises(ValueError, match=f"bid.price: .*{why}"):
        codec.encode_frame(1, m.Bid(1, Decimal(wrong)))


def test_money_at_its_bounds_is_exact_whatever_the_programs_precision() -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        for text in ("0.00", "0.0001", "999999999.9999", "1.40"):
            frame = codec.encode_frame(1, m.Bid(1, Decimal(text)))
            assert codec.decode_frame(frame, from_server=False).message.price == Decimal(text)
            assert codec.dump_json(1, m.Bid(1, Decimal(text)))["bid"]["price"] == text
        assert money.units(Decimal("1.4E0")) == money.units(Decimal("1.400000")) == 14_000


def test_times_are_exact_and_have_a_zone() -> None:
    last = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc)
    assert times.micros(last) == 253_402_300_799_999_999
    assert times.from_micros(times.micros(last)) == last
    east = datetime(2026, 11, 30, 22, 0, 0, 1, tzinfo=timezone(timedelta(hours=1)))
    assert times.micros(east) == times.micros(datetime(2026, 11, 30, 21, 0, 0, 1, tzinfo=timezone.utc))
    with pytest.raises(TypeError, match="no time zone"):
        codec.encode_frame(1, m.ExtendLot(1, datetime(2026, 1, 1)))


def test_wrong_values_name_their_field() -> None:
    steps = [m.StepBand(Decimal(0), 0.01)]  # type: ignore[arg-type]
    soft = m.SoftClose("add", timedelta(0), timedelta(0), None)
    lot = m.OpenLot("S1", 1, None, times.EPOCH, m.EnglishTerms(steps, None, soft), None)
    with pytest.raises(TypeError, match=r"open_lot.terms: steps: step: money"):
        codec.encode_frame(1, lot)
    with pytest.raises(ValueError, match=r"place_order.side: 'hold' is not one of 'buy', 'sell'"):
        codec.dump_json(1, m.PlaceOrder(1, "hold", 1, None))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"place_order.quantity: 1.5 is not an int"):
        codec.dump_json(1, m.PlaceOrder(1, "buy", 1.5, None))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"watch_symbols.symbols: "):
        codec.dump_json(1, m.WatchSymbols(["lower!"], None))
    with pytest.raises(ValueError, match=r"register.name: "):
        codec.encode_frame(1, m.Register("\ud800\ud800", "p"))


def test_secrets_are_not_shown() -> None:
    shown = repr([m.Login("mia", "correct-horse"), m.Resume(b"\7" * 32), m.Register("mia", "correct-horse")])
    assert "horse" not in shown and "\\x07" not in shown
    with pytest.raises(ValueError) as refused:
        codec.encode_frame(1, m.Login("mia", "correct-horse" * 20))
    assert "horse" not in str(refused.value)


@pytest.mark.parametrize(
    "text, host, port, path, secure",
    [("localhost:2022", "localhost", 2022, None, False), ("tcp://[::1]:2022", "::1", 2022, None, False),
     ("tls://a.example:1", "a.example", 1, None, True), ("ws://a.example", "a.example", 80, "/ws", False),
     ("wss://a.example/auction/ws", "a.example", 443, "/auction/ws", True)],
)
def test_addresses(text: str, host: str, port: int, path: str | None, secure: bool) -> None:
    address = Address.parse(text)
    assert (address.host, address.port, address.path, address.tls is not None) == (host, port, path, secure)
    if address.tls is not None:
        assert address.tls.minimum_version == ssl.TLSVersion.TLSv1_3
        assert address.tls.verify_mode == ssl.CERT_REQUIRED and address.tls.check_hostname


@pytest.mark.parametrize(
    "text, options, why",
    [("localhost", {}, "HOST:PORT"), ("http://a:1", {}, "tcp://"), ("a:1", {"ca": "x"}, "not encrypted"),
     ("tls://a:1", {"fingerprint": "ab"}, "64 hexadecimal digits"), ("a:1", {"encoding": "xml"}, "'json' or 'binary'")],
)
def test_wrong_addresses_say_what_would_be_right(text: str, options: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Address.parse(text, **options)


def test_the_server_read_its_clock_half_way() -> None:
    server = datetime(2026, 1, 1, tzinfo=timezone.utc)
    clock = ServerClock(10.0, 10.2, server)
    worse, better = ServerClock(11.0, 12.0, server), ServerClock(11.0, 11.1, server + timedelta(seconds=9))
    clock.learn(worse)
    assert clock._error == pytest.approx(0.1)
    clock.learn(better)
    assert clock._error == pytest.approx(0.05)
    assert clock._server == server + timedelta(seconds=9)


def test_waits_double_up_to_the_bound() -> None:
    backoff = Backoff()
    for bound in (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0):
        assert bound / 2 <= backoff.next_wait() <= bound
    backoff.succeeded()
    assert backoff.next_wait() <= 0.1


def frame(kind: int, data: bytes, last: bool = True) -> bytes:
    assert len(data) < 126
    return bytes([kind | (0x80 if last else 0), len(data)]) + data


def test_websocket_joins_fragments_and_answers_pings() -> None:
    socket = WebSocket(1_000)
    stream = frame(1, b"ab", last=False) + frame(9, b"ping") + frame(0, b"cd") + frame(2, b"\0")
    found = [message for byte in stream for message in socket.feed(bytes([byte]))]
    assert found == [(True, b"abcd"), (False, b"\0")]
    assert socket.output[0] == 0x8A and socket.output[1] == 0x80 | 4
    mask, masked = socket.output[2:6], socket.output[6:]
    assert bytes(a ^ b for a, b in zip(mask, masked)) == b"ping"


@pytest.mark.parametrize(
    "wrong", [frame(0, b"x"), frame(1, b"a", last=False) + frame(1, b"b"), b"\x81\x81....x", b"\xc1\x01x", frame(3, b""),
              b"\x81\x7f" + (2**40).to_bytes(8, "big"), (b"\x01\x64" + b"x" * 100) + (b"\x00\x64" + b"x" * 100) * 10]
)
def test_websocket_frames_out_of_order_or_too_long_are_refused(wrong: bytes) -> None:
    with pytest.raises(openauction.ProtocolError):
        WebSocket(1_000).feed(wrong)


def test_a_websocket_needs_the_right_answer_to_its_handshake() -> None:
    handshake = Handshake("a:1", "/ws")
    assert handshake.take(b"HTTP/1.1 101 Switching\r\n") is None
    with pytest.raises(openauction.ConnectionFailed, match="403"):
        handshake.take(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    with pytest.raises(openauction.ProtocolError, match="does not answer"):
        handshake.take(b"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: x\r\n\r\n")
    with pytest.raises(openauction.ProtocolError, match="too long"):
        handshake.take(b"x" * 20_000)


def test_the_synchronous_client_has_all_methods_with_the_same_parameters() -> None:
    def parameters(kind: type[Any]) -> dict[str, list[str]]:
        return {
            name: [str(parameter) for parameter in inspect.signature(method).parameters.values()]
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_") or name == "__init__"
        }

    assert parameters(openauction.Client) == parameters(openauction.sync.Client)
