"""One connection: address, TLS, encoding, greeting, signs of life, the server's clock."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import random
import ssl
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from openauction import codec
from openauction import messages as m
from openauction.codec import FRAME_BYTES_MAX, LINE_BYTES_MAX, PREFACE, Received, UnknownKind
from openauction.errors import (
    AuctionError,
    CertificateNotPinned,
    ConnectionFailed,
    Goodbye,
    ProtocolError,
    refusal,
)
from openauction.websocket import Handshake, WebSocket

#: Versions of the protocol that it speaks; the server takes the newest that it speaks too.
VERSION_MIN, VERSION_MAX = 1, 2
#: Longest duration of one attempt to connect, in seconds.
CONNECT_TIMEOUT = 5.0
#: Bounds of the heartbeat that a server can ask for, in seconds.
HEARTBEAT_MIN, HEARTBEAT_MAX = 0.2, 60.0
#: Longest waits before the first and before any later attempt to reconnect, in seconds.
BACKOFF_FIRST, BACKOFF_MAX = 0.1, 5.0
_READ_BYTES = 65_536

Encoding = Literal["json", "binary"]


@dataclass(frozen=True, slots=True)
class Address:
    """Address of a server, the way to reach it, and the certificate to accept.

    `HOST:PORT` and `tcp://HOST:PORT` are plain TCP, `tls://HOST:PORT` is TLS, `ws://HOST:PORT/ws` and
    `wss://HOST:PORT/ws` are WebSocket.
    """

    host: str
    port: int
    #: Path of a WebSocket; None: TCP.
    path: str | None = None
    #: TLS; None: plain.
    tls: ssl.SSLContext | None = None
    #: SHA-256 of the only accepted certificate, in lower-case digits; None: decided by `tls`.
    fingerprint: str | None = None
    encoding: Encoding = "json"

    @classmethod
    def parse(
        cls,
        address: str,
        *,
        ca: str | None = None,
        fingerprint: str | None = None,
        encoding: Encoding = "json",
    ) -> Address:
        """Parses an address. Raises ValueError, which says what would be right.

        `ca` is a file of the trusted authorities (PEM) in place of the system's. `fingerprint` is the SHA-256 of the only
        accepted certificate, whatever name and dates it has: for self-signed ones.
        """
        url = urlsplit(address if "://" in address else f"tcp://{address}")
        if url.scheme not in ("tcp", "tls", "ws", "wss"):
            raise ValueError(f"{address!r} begins with none of tcp://, tls://, ws:// and wss://")
        is_web = url.scheme.startswith("ws")
        port = url.port or {"ws": 80, "wss": 443}.get(url.scheme)
        if not url.hostname or not port:
            raise ValueError(f"{address!r} is no address: write HOST:PORT, such as 127.0.0.1:2022")
        if encoding not in ("json", "binary"):
            raise ValueError(f"{encoding!r} is no encoding: write 'json' or 'binary'")
        is_secure = url.scheme in ("tls", "wss")
        if not is_secure and (ca or fingerprint):
            raise ValueError(f"ca and fingerprint are for tls:// and wss://, and {address!r} is not encrypted")
        digits = None
        if fingerprint is not None:
            digits = fingerprint.replace(":", "").replace("-", "").lower()
            if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
                raise ValueError("a fingerprint is the SHA-256 of a certificate: 64 hexadecimal digits")
        tls = _tls(ca, digits is not None) if is_secure else None
        return cls(url.hostname, port, (url.path or "/ws") if is_web else None, tls, digits, encoding)

    @property
    def host_port(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def _tls(ca: str | None, is_pinned: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if is_pinned:
        # The fingerprint is checked after the handshake, before anything is sent.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class ServerClock:
    """The server's clock, learned from round trips."""

    #: Growth of the error with the age of a round trip: 100 parts in a million.
    _DRIFT = 1e-4

    def __init__(self, sent: float, received: float, server: datetime) -> None:
        self._server, self._at = server, (sent + received) / 2
        self._error = (received - sent) / 2

    def now(self) -> datetime:
        """Returns the server's time."""
        return self._server + timedelta(seconds=max(0.0, time.monotonic() - self._at))

    def error(self) -> timedelta:
        """Returns the greatest difference between `now` and the server's clock."""
        return timedelta(seconds=self._error_at(time.monotonic()))

    def learn(self, other: ServerClock) -> None:
        """Takes another round trip, unless this one tells more."""
        if other._error <= self._error_at(other._at):
            self._server, self._at, self._error = other._server, other._at, other._error

    def _error_at(self, moment: float) -> float:
        return self._error + max(0.0, moment - self._at) * self._DRIFT


class Backoff:
    """Waits between attempts to connect: they double, and are random, so that clients do not come all at once."""

    def __init__(self) -> None:
        self._tries = 0

    def next_wait(self) -> float:
        bound = min(BACKOFF_FIRST * float(1 << min(self._tries, 16)), BACKOFF_MAX)
        self._tries += 1
        return bound * random.uniform(0.5, 1.0)

    def succeeded(self) -> None:
        self._tries = 0


class Framing:
    """Bytes to messages and back, without input and output."""

    #: Bytes that must be sent of the framing's own accord.
    output: bytearray
    opening: bytes = b""
    closing: bytes = b""

    def encode(self, request: int, message: Any) -> bytes:
        raise NotImplementedError

    def feed(self, data: bytes) -> list[Received]:
        raise NotImplementedError


class Frames(Framing):
    """The binary protocol over TCP."""

    opening = PREFACE

    def __init__(self) -> None:
        self.output = bytearray()
        self._input = bytearray()

    def encode(self, request: int, message: Any) -> bytes:
        return codec.encode_frame(request, message)

    def feed(self, data: bytes) -> list[Received]:
        self._input += data
        received: list[Received] = []
        while (size := codec.take_frame(self._input, FRAME_BYTES_MAX)) is not None:
            frame = bytes(self._input[:size])
            del self._input[:size]
            _take(received, int.from_bytes(frame[6:14], "little"), codec.decode_frame, frame)
        return received


class Lines(Framing):
    """Lines of JSON over TCP."""

    def __init__(self) -> None:
        self.output = bytearray()
        self._input = bytearray()

    def encode(self, request: int, message: Any) -> bytes:
        return json.dumps(codec.dump_json(request, message), separators=(",", ":")).encode() + b"\n"

    def feed(self, data: bytes) -> list[Received]:
        self._input += data
        received: list[Received] = []
        if b"\n" not in data:
            if len(self._input) > LINE_BYTES_MAX:
                raise ProtocolError("a line that is too long")
            return received
        *lines, rest = bytes(self._input).split(b"\n")
        self._input[:] = rest
        for line in lines:
            if line.strip():
                _take_json(received, line)
        return received


class WebSocketFraming(Framing):
    """WebSocket: texts of JSON, or frames of the binary protocol."""

    def __init__(self, encoding: Encoding) -> None:
        self._is_text = encoding == "json"
        self._socket = WebSocket(LINE_BYTES_MAX)
        self.output = self._socket.output
        self.closing = self._socket.close()

    def encode(self, request: int, message: Any) -> bytes:
        if self._is_text:
            data = json.dumps(codec.dump_json(request, message), separators=(",", ":")).encode()
        else:
            data = codec.encode_frame(request, message)
        return self._socket.encode(data, self._is_text)

    def feed(self, data: bytes) -> list[Received]:
        received: list[Received] = []
        for message in self._socket.feed(data):
            if message.is_text:
                _take_json(received, message.data)
            elif codec.take_frame(message.data) != len(message.data):
                raise ProtocolError("a WebSocket message that is not one frame")
            else:
                number = int.from_bytes(message.data[6:14], "little")
                _take(received, number, codec.decode_frame, message.data)
        return received


def _take_json(received: list[Received], line: bytes) -> None:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise ProtocolError(f"the server sent a line that is no JSON: {error}") from error
    is_news = isinstance(value, dict) and value.get("request", "0") == "0"
    _take(received, 0 if is_news else 1, codec.load_json, value)


def _take(received: list[Received], number: int, decode: Any, data: Any) -> None:
    try:
        received.append(decode(data))
    except UnknownKind:
        # A newer server may send unsolicited messages that this client does not know.
        if number != 0:
            raise


class Connection:
    """A greeted connection. `send` only queues; `receive` returns one message at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, framing: Framing) -> None:
        self._reader, self._writer, self._framing = reader, writer, framing
        self._received: deque[Received] = deque()
        self._heard_at = time.monotonic()
        self._beating: asyncio.Task[None] | None = None
        self._pinged: dict[datetime, float] = {}
        self._failed: ConnectionFailed | None = None
        self.welcome: m.Welcome
        self.clock: ServerClock

    @classmethod
    async def open(cls, address: Address, program: str) -> Connection:
        """Connects and greets. Raises ConnectionFailed, also for a server that does not answer in time."""
        connection = None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                connection = await cls._connect(address)
                await connection._greet(program)
                return connection
        except TimeoutError as error:
            _drop(connection)
            raise ConnectionFailed(f"the server did not answer within {CONNECT_TIMEOUT:g} s") from error
        except BaseException:
            _drop(connection)
            raise

    @classmethod
    async def _connect(cls, address: Address) -> Connection:
        name = address.host if address.tls is not None else None
        try:
            reader, writer = await asyncio.open_connection(
                address.host, address.port, ssl=address.tls, server_hostname=name, limit=2 * _READ_BYTES
            )
        except ssl.SSLCertVerificationError as error:
            raise ConnectionFailed(f"the server's certificate is not trusted: {error.verify_message}") from error
        except ssl.SSLError as error:
            raise ConnectionFailed(f"the server does not speak TLS 1.3 at this port: {error.reason}") from error
        except OSError as error:
            raise ConnectionFailed(f"could not connect to {address.host_port}: {error}") from error
        framing: Framing = WebSocketFraming(address.encoding) if address.path is not None else (
            Lines() if address.encoding == "json" else Frames()
        )
        connection = cls(reader, writer, framing)
        try:
            _check_fingerprint(address, writer)
            if address.path is not None:
                await connection._upgrade(address)
        except BaseException:
            _drop(connection)
            raise
        writer.write(framing.opening)
        return connection

    async def _upgrade(self, address: Address) -> None:
        handshake = Handshake(address.host_port, address.path or "/ws")
        self._writer.write(handshake.request)
        response = b""
        while (rest := handshake.take(response)) is None:
            response += await self._read()
        self._received.extend(self._framing.feed(rest))

    async def _greet(self, program: str) -> None:
        sent = time.monotonic()
        self.send(1, m.Hello(version_min=VERSION_MIN, version_max=VERSION_MAX, client=program))
        answer = (await self.receive()).message
        if not isinstance(answer, m.Welcome):
            raise unexpected(answer)
        if not VERSION_MIN <= answer.version <= VERSION_MAX:
            raise ProtocolError(f"the server chose version {answer.version} of the protocol, which was not offered")
        self.welcome = answer
        self.clock = ServerClock(sent, time.monotonic(), answer.time)
        self._beating = asyncio.create_task(self._beat())

    def send(self, request: int, message: Any) -> None:
        """Queues a message. An invalid one raises TypeError or ValueError; a lost connection shows in `receive`."""
        self._writer.write(self._framing.encode(request, message))

    async def drain(self) -> None:
        """Waits while the server does not take what was sent."""
        with contextlib.suppress(OSError):
            await self._writer.drain()

    async def receive(self) -> Received:
        """Waits for the next message. Raises ConnectionFailed once the connection is lost."""
        while True:
            while self._received:
                received = self._received.popleft()
                if isinstance(received.message, m.Pong):
                    self._pong(received.message)
                elif isinstance(received.message, m.Goodbye):
                    raise Goodbye(received.message)
                else:
                    return received
            data = await self._read()
            self._heard_at = time.monotonic()
            self._received.extend(self._framing.feed(data))
            if self._framing.output:
                self._writer.write(bytes(self._framing.output))
                self._framing.output.clear()

    async def _read(self) -> bytes:
        try:
            data = await self._reader.read(_READ_BYTES)
        except OSError as error:
            raise self._failed or ConnectionFailed(f"the connection failed: {error}") from error
        if not data:
            raise self._failed or ConnectionFailed("the server closed the connection")
        return data

    async def _beat(self) -> None:
        """Sends a sign of life every heartbeat, and ends a connection that is silent for two."""
        heartbeat = min(max(self.welcome.heartbeat_ms / 1000, HEARTBEAT_MIN), HEARTBEAT_MAX)
        while True:
            await asyncio.sleep(heartbeat)
            silence = time.monotonic() - self._heard_at
            if silence >= 2 * heartbeat:
                self._failed = ConnectionFailed(f"the server was silent for {silence:.1f} s")
                self._writer.transport.abort()
                return
            now = self.clock.now()
            # Of an unanswered ping nothing is to be learned.
            self._pinged = {now: time.monotonic()}
            self.send(PING, m.Ping(client_time=now))

    def _pong(self, pong: m.Pong) -> None:
        sent = self._pinged.pop(pong.client_time, None)
        if sent is not None:
            self.clock.learn(ServerClock(sent, time.monotonic(), pong.server_time))

    async def close(self) -> None:
        """Ends the connection."""
        if self._beating is not None:
            self._beating.cancel()
        with contextlib.suppress(OSError, TimeoutError):
            if self._framing.closing and not self._writer.is_closing():
                self._writer.write(self._framing.closing)
            self._writer.close()
            async with asyncio.timeout(1):
                await self._writer.wait_closed()

    def abort(self) -> None:
        """Drops the connection without a word."""
        if self._beating is not None:
            self._beating.cancel()
        self._writer.transport.abort()


#: Request number of pings: below those of requests, which begin at the present time in microseconds.
PING = 2


def _drop(connection: Connection | None) -> None:
    if connection is not None:
        connection.abort()


def _check_fingerprint(address: Address, writer: asyncio.StreamWriter) -> None:
    if address.fingerprint is None:
        return
    certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    found = hashlib.sha256(certificate or b"").hexdigest()
    if found != address.fingerprint:
        raise CertificateNotPinned(_pairs(address.fingerprint), _pairs(found))


def _pairs(digits: str) -> str:
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2)).upper()


def unexpected(message: Any) -> AuctionError:
    """Returns the error of a message that came in place of an answer."""
    if isinstance(message, m.Refused):
        return refusal(message)
    if isinstance(message, m.Goodbye):
        return Goodbye(message)
    return ProtocolError(f"the server answered with {type(message).__name__}, which is no answer to the request")


def now_micros() -> int:
    """Returns the present time of this machine in microseconds: the least number of a new request."""
    return time.time_ns() // 1000
