"""WebSocket (RFC 6455) of a client, without input and output: bytes in, messages out."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import NamedTuple

from openauction.errors import ConnectionFailed, ProtocolError

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
_HEAD_BYTES_MAX = 16_384


class WsMessage(NamedTuple):
    """A whole message."""

    is_text: bool
    data: bytes


class Handshake:
    """Opening handshake: send `request`, then give what comes to `take` until it returns the rest."""

    def __init__(self, host: str, path: str) -> None:
        self._key = base64.b64encode(os.urandom(16))
        self.request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {self._key.decode()}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()

    def take(self, received: bytes) -> bytes | None:
        """Returns the bytes behind the head of the response, or None while the head is incomplete."""
        head, end, rest = received.partition(b"\r\n\r\n")
        if not end:
            if len(received) > _HEAD_BYTES_MAX:
                raise ProtocolError("the server's HTTP response is too long")
            return None
        status, *lines = head.split(b"\r\n")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        if status.split(b" ")[1:2] != [b"101"]:
            raise ConnectionFailed(f"the server refused the WebSocket: {status.decode('latin-1')}")
        accept = base64.b64encode(hashlib.sha1(self._key + _GUID).digest())
        if fields.get(b"sec-websocket-accept") != accept:
            raise ProtocolError("the server's HTTP response does not answer the WebSocket handshake")
        return rest


class WebSocket:
    """Decoder and encoder of frames. `output` holds what must be sent: answers to pings and to a close."""

    def __init__(self, message_bytes_max: int) -> None:
        self.output = bytearray()
        self.is_closed = False
        self._input = bytearray()
        self._message = bytearray()
        self._kind = 0
        self._bytes_max = message_bytes_max

    def encode(self, data: bytes, is_text: bool) -> bytes:
        """Returns a message as a masked frame."""
        return self._frame(_TEXT if is_text else _BINARY, data)

    def close(self) -> bytes:
        """Returns the frame that ends the connection."""
        return self._frame(_CLOSE, (1000).to_bytes(2, "big"))

    def feed(self, data: bytes) -> list[WsMessage]:
        """Returns the messages that are complete. Raises ProtocolError."""
        self._input += data
        messages = []
        while (frame := self._take()) is not None:
            kind, is_last, payload = frame
            if kind >= 8:
                self._control(kind, payload)
                continue
            if (kind == 0) == (self._kind == 0) or kind > _BINARY:
                raise ProtocolError("a WebSocket frame out of order")
            self._kind = self._kind or kind
            self._message += payload
            if len(self._message) > self._bytes_max:
                raise ProtocolError("a WebSocket message that is too long")
            if is_last:
                messages.append(WsMessage(self._kind == _TEXT, bytes(self._message)))
                self._message.clear()
                self._kind = 0
        return messages

    def _take(self) -> tuple[int, bool, bytes] | None:
        data = self._input
        if len(data) < 2:
            return None
        if data[0] & 0x70 or data[1] & 0x80:
            raise ProtocolError("a WebSocket frame with reserved bits or a mask")
        length, at = data[1] & 0x7F, 2
        if length > 125:
            size = 2 if length == 126 else 8
            if len(data) < 2 + size:
                return None
            length, at = int.from_bytes(data[2 : 2 + size], "big"), 2 + size
        if length > self._bytes_max:
            raise ProtocolError("a WebSocket message that is too long")
        if len(data) < at + length:
            return None
        kind, is_last, payload = data[0] & 0x0F, bool(data[0] & 0x80), bytes(data[at : at + length])
        del data[: at + length]
        return kind, is_last, payload

    def _control(self, kind: int, payload: bytes) -> None:
        if kind == _PING:
            self.output += self._frame(_PONG, payload)
        elif kind == _CLOSE:
            self.is_closed = True
        elif kind != _PONG:
            raise ProtocolError("a WebSocket frame of an unknown kind")

    @staticmethod
    def _frame(kind: int, data: bytes) -> bytes:
        head = bytearray([0x80 | kind])
        if len(data) < 126:
            head.append(0x80 | len(data))
        elif len(data) < 65_536:
            head.append(0x80 | 126)
            head += len(data).to_bytes(2, "big")
        else:
            head.append(0x80 | 127)
            head += len(data).to_bytes(8, "big")
        mask = os.urandom(4)
        repeated = (mask * (len(data) // 4 + 1))[: len(data)]
        masked = int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")
        return bytes(head) + mask + masked.to_bytes(len(data), "big")
