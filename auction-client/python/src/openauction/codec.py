"""Both encodings of the protocol, compiled from the published schema: bytes (postcard) and JSON, to and from the types of
`openauction.messages`. SPEC.md, sections 1, 2 and 8.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

from openauction import messages, money, times
from openauction.errors import ProtocolError

PREFACE = bytes.fromhex("a5554354")
REQUEST_BYTES_MAX = 65_536
FRAME_BYTES_MAX = 1_048_576
#: Longest line of a server that is accepted: JSON needs more room than bytes.
LINE_BYTES_MAX = 16 * FRAME_BYTES_MAX
_U64_MAX = 2**64 - 1


class Malformed(ProtocolError):
    """The bytes or the JSON are no message of their kind."""


class UnknownKind(ProtocolError):
    """A kind that is not known, or that this side does not send."""


class FrameError(ProtocolError):
    """The bytes are no frames: `too_short`, `too_long`."""


class Received(NamedTuple):
    """A message with its request number; 0: sent by the server unrequested."""

    request: int
    message: Any


class Cursor:
    """Bytes of which a part has been read."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.data):
            raise Malformed("the body ends early")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def varint(self, least: int = 0, most: int = 2**32 - 1) -> int:
        number = shift = 0
        while True:
            if self.at >= len(self.data):
                raise Malformed("the body ends early")
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > (63 if most <= _U64_MAX else 126):
                raise Malformed("a varint that is too long")
        if byte == 0 and shift:
            raise Malformed("a varint that could be shorter")
        if not least <= number <= most:
            raise Malformed(f"{number} is not {least} to {most}")
        return number

    def end(self) -> None:
        if self.at != len(self.data):
            raise Malformed("bytes behind the last field")


def put_varint(out: bytearray, number: int) -> None:
    """Appends a varint."""
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


class Codec:
    """Encodings of one type: `read` and `write` for bytes, `load` and `dump` for JSON."""

    def read(self, cursor: Cursor) -> Any:
        raise NotImplementedError

    def write(self, value: Any, out: bytearray) -> None:
        raise NotImplementedError

    def load(self, value: Any) -> Any:
        raise NotImplementedError

    def dump(self, value: Any) -> Any:
        raise NotImplementedError


class _Number(Codec):
    """A number; the two functions convert it from and to its Python type."""

    def __init__(self, shape: dict[str, Any], of: Callable[[int], Any], to: Callable[[Any], int]) -> None:
        self.least, self.most = int(shape["x-minimum"]), int(shape["x-maximum"])
        self.zigzag = shape["x-binary"] == "zigzag"
        self.of, self.to = of, to
        self.is_text = shape["type"] == "string"

    def read(self, cursor: Cursor) -> Any:
        if not self.zigzag:
            return self.of(cursor.varint(self.least, self.most))
        number = cursor.varint(0, _U64_MAX)
        return self.of(self.check(number >> 1 if number % 2 == 0 else -(number >> 1) - 1))

    def check(self, number: int) -> int:
        if not self.least <= number <= self.most:
            raise Malformed(f"{number} is not {self.least} to {self.most}")
        return number

    def number(self, value: Any) -> int:
        number = self.to(value)
        if not self.least <= number <= self.most:
            raise ValueError(f"{value} is out of range: it is {self.of(self.least)} to {self.of(self.most)}")
        return number

    def write(self, value: Any, out: bytearray) -> None:
        number = self.number(value)
        if self.zigzag:
            number = 2 * number if number >= 0 else -2 * number - 1
        put_varint(out, number)

    def load(self, value: Any) -> Any:
        if type(value) is not (str if self.is_text else int):
            raise Malformed(f"{value!r} is no number as the protocol writes it")
        try:
            return self.of(self.check(int(value)))
        except ValueError as error:
            raise Malformed(str(error)) from error

    def dump(self, value: Any) -> Any:
        number = self.number(value)
        return str(number) if self.is_text else number


class _Money(_Number):
    """Money, whose JSON has a decimal point."""

    def __init__(self, shape: dict[str, Any]) -> None:
        self.decimals_min: int = shape["x-decimals"][0]
        super().__init__(shape, lambda units: money.decimal(units, self.decimals_min), money.units)
        self.pattern = re.compile(shape["pattern"])

    def load(self, value: Any) -> Any:
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            raise Malformed(f"{value!r} is no money as the protocol writes it")
        # As the bytes are read: the same money has the same number of decimals.
        return self.of(self.check(money.units(Decimal(value))))

    def dump(self, value: Any) -> str:
        return money.show(self.number(value), self.decimals_min)


class _Named(Codec):
    """A number that JSON writes as a name: the code of a refusal."""

    def __init__(self, shape: dict[str, Any]) -> None:
        self.numbers: dict[str, int] = shape["x-names"]
        self.names = {number: name for name, number in self.numbers.items()}

    def read(self, cursor: Cursor) -> str:
        number = cursor.varint(0, 65_535)
        found: str = self.names.get(number, str(number))
        return found

    def write(self, value: Any, out: bytearray) -> None:
        put_varint(out, self.numbers[value] if value in self.numbers else int(value))

    def load(self, value: Any) -> str:
        return _text(value)

    def dump(self, value: Any) -> str:
        return _text(value)


class _Bool(Codec):
    def read(self, cursor: Cursor) -> bool:
        return cursor.varint(0, 1) == 1

    def write(self, value: Any, out: bytearray) -> None:
        out.append(1 if self.dump(value) else 0)

    def load(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise Malformed(f"{value!r} is neither true nor false")
        return value

    def dump(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError(f"{value!r} is neither True nor False")
        return value


class _Text(Codec):
    def __init__(self, shape: dict[str, Any]) -> None:
        self.least, self.most = shape["x-bytes-min"], shape["x-bytes-max"]
        pattern = shape.get("x-pattern") or shape.get("pattern")
        self.pattern = re.compile(pattern) if pattern else None

    def read(self, cursor: Cursor) -> str:
        raw = cursor.take(cursor.varint(self.least, self.most))
        try:
            text: str = raw.decode()
        except UnicodeDecodeError as error:
            raise Malformed(str(error)) from error
        if self.pattern and not self.pattern.fullmatch(text):
            raise Malformed("a text that does not match its pattern")
        return text

    def write(self, value: Any, out: bytearray) -> None:
        raw = self.dump(value).encode()
        put_varint(out, len(raw))
        out += raw

    def load(self, value: Any) -> str:
        return _text(value)

    def dump(self, value: Any) -> str:
        if not isinstance(value, str):
            raise TypeError(f"a text is a str, and {type(value).__name__} is not")
        # The value may be a password: it is not shown.
        if not self.least <= len(value.encode()) <= self.most:
            raise ValueError(f"a text of {len(value.encode())} bytes: it has {self.least} to {self.most}")
        if self.pattern and not self.pattern.fullmatch(value):
            raise ValueError(f"{value!r} does not match {self.pattern.pattern}")
        return value


class _Bytes(Codec):
    def __init__(self, shape: dict[str, Any]) -> None:
        self.least, self.most = shape["x-bytes-min"], shape["x-bytes-max"]

    def read(self, cursor: Cursor) -> bytes:
        return cursor.take(cursor.varint(self.least, self.most))

    def write(self, value: Any, out: bytearray) -> None:
        self.dump(value)
        put_varint(out, len(value))
        out += value

    def load(self, value: Any) -> bytes:
        try:
            raw = bytes.fromhex(_text(value))
        except ValueError as error:
            raise Malformed(str(error)) from error
        if not self.least <= len(raw) <= self.most:
            raise Malformed(f"{len(raw)} bytes, not {self.least} to {self.most}")
        return raw

    def dump(self, value: Any) -> str:
        if not isinstance(value, bytes):
            raise TypeError(f"bytes were expected, and {type(value).__name__} is not")
        if not self.least <= len(value) <= self.most:
            raise ValueError(f"{len(value)} bytes: it has {self.least} to {self.most}")
        return value.hex()


class _Option(Codec):
    def __init__(self, inner: Codec) -> None:
        self.inner = inner

    def read(self, cursor: Cursor) -> Any:
        return self.inner.read(cursor) if cursor.varint(0, 1) else None

    def write(self, value: Any, out: bytearray) -> None:
        if value is None:
            out.append(0)
        else:
            out.append(1)
            self.inner.write(value, out)

    def load(self, value: Any) -> Any:
        return None if value is None else self.inner.load(value)

    def dump(self, value: Any) -> Any:
        return None if value is None else self.inner.dump(value)


class _List(Codec):
    def __init__(self, shape: dict[str, Any], inner: Codec) -> None:
        self.least, self.most = shape["minItems"], shape["maxItems"]
        self.inner = inner
        self.is_steps = shape["items"].get("$ref") == "#/$defs/StepBand"

    def read(self, cursor: Cursor) -> list[Any]:
        count = cursor.varint(self.least, self.most)
        return self.check([self.inner.read(cursor) for _ in range(count)])

    def check(self, items: list[Any]) -> list[Any]:
        if not self.least <= len(items) <= self.most:
            raise Malformed(f"a list of {len(items)}, not {self.least} to {self.most}")
        if self.is_steps:
            # The one rule between values: a step table begins at 0, and rises.
            rises = all(a.from_ < b.from_ and a.step <= b.step for a, b in zip(items, items[1:]))
            if items[0].from_ or not items[0].step or not rises:
                raise Malformed("a step table that does not rise from 0")
        return items

    def write(self, value: Any, out: bytearray) -> None:
        self.length(value)
        put_varint(out, len(value))
        for item in value:
            self.inner.write(item, out)

    def length(self, value: Any) -> None:
        if not self.least <= len(value) <= self.most:
            raise ValueError(f"a list of {len(value)}: it has {self.least} to {self.most}")

    def load(self, value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Malformed(f"{value!r} is no list")
        load = self.inner.load
        return self.check([load(item) for item in value])

    def dump(self, value: Any) -> list[Any]:
        self.length(value)
        return [self.inner.dump(item) for item in value]


class _Struct(Codec):
    def __init__(self, kind: type[Any], fields: list[tuple[str, str, Codec, bool]]) -> None:
        self.kind, self.fields = kind, fields

    def read(self, cursor: Cursor) -> Any:
        return self.kind(*[codec.read(cursor) for _, _, codec, _ in self.fields])

    def write(self, value: Any, out: bytearray) -> None:
        for name, field, codec, _ in self.fields:
            try:
                codec.write(getattr(value, field), out)
            except (TypeError, ValueError) as error:
                raise _at(name + ": ", error) from error

    def load(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise Malformed(f"{value!r} is no object")
        try:
            return self.kind(*[
                codec.load(value.get(name) if optional else value[name])
                for name, _, codec, optional in self.fields
            ])
        except KeyError as error:
            raise Malformed(f"the field {error} is missing") from error

    def dump(self, value: Any) -> dict[str, Any]:
        dumped = {}
        for name, field, codec, _ in self.fields:
            try:
                dumped[name] = codec.dump(getattr(value, field))
            except (TypeError, ValueError) as error:
                raise _at(name + ": ", error) from error
        return dumped


class _Union(Codec):
    """One of several: a name alone, or a class with content."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.by_number: dict[int, tuple[str, Codec | None]] = {}
        self.by_name: dict[str, tuple[int, Codec | None]] = {}
        self.by_class: dict[type[Any], str] = {}

    def add(self, number: int, name: str, kind: type[Any] | None = None, codec: Codec | None = None) -> None:
        self.by_number[number] = (name, codec)
        self.by_name[name] = (number, codec)
        if kind is not None:
            self.by_class[kind] = name

    def read(self, cursor: Cursor) -> Any:
        number = cursor.varint()
        found = self.by_number.get(number)
        if found is None:
            raise Malformed(f"{self.name} has no variant {number}")
        name, codec = found
        return name if codec is None else codec.read(cursor)

    def variant(self, value: Any) -> tuple[str, int, Codec | None]:
        if isinstance(value, str) and value in self.by_name and self.by_name[value][1] is None:
            return value, *self.by_name[value]
        name = self.by_class.get(type(value))
        if name is None:
            names = [repr(name) for name, (_, codec) in self.by_name.items() if codec is None]
            names += [kind.__name__ for kind in self.by_class]
            raise ValueError(f"{value!r} is not one of {', '.join(names)}")
        return name, *self.by_name[name]

    def write(self, value: Any, out: bytearray) -> None:
        _, number, codec = self.variant(value)
        put_varint(out, number)
        if codec is not None:
            codec.write(value, out)

    def load(self, value: Any) -> Any:
        if isinstance(value, str):
            found = self.by_name.get(value)
            if found is not None and found[1] is None:
                return value
        elif isinstance(value, dict) and len(value) == 1:
            ((name, content),) = value.items()
            found = self.by_name.get(name)
            if found is not None and found[1] is not None:
                return found[1].load(content)
        raise Malformed(f"{value!r} is not a variant of {self.name}")

    def dump(self, value: Any) -> Any:
        name, _, codec = self.variant(value)
        return name if codec is None else {name: codec.dump(value)}


class _Wrapped(Codec):
    """A variant that holds a single value, as a class with one field."""

    def __init__(self, kind: type[Any], field: str, inner: Codec) -> None:
        self.kind, self.field, self.inner = kind, field, inner

    def read(self, cursor: Cursor) -> Any:
        return self.kind(self.inner.read(cursor))

    def write(self, value: Any, out: bytearray) -> None:
        self.inner.write(getattr(value, self.field), out)

    def load(self, value: Any) -> Any:
        return self.kind(self.inner.load(value))

    def dump(self, value: Any) -> Any:
        return self.inner.dump(getattr(value, self.field))


class Schema:
    """Codecs of all types and messages."""

    def __init__(self, text: str) -> None:
        self.definitions: dict[str, dict[str, Any]] = json.loads(text)["$defs"]
        self.types: dict[str, Codec] = {}
        self.by_kind: dict[int, tuple[str, Codec]] = {}
        self.by_name: dict[str, tuple[int, Codec]] = {}
        self.by_class: dict[type[Any], tuple[str, int, Codec]] = {}
        for name, kind in messages.MESSAGES.items():
            shape = self.definitions[name]
            codec = self.struct(kind, shape["properties"][name])
            number = shape["x-kind"]
            self.by_kind[number] = (name, codec)
            self.by_name[name] = (number, codec)
            self.by_class[kind] = (name, number, codec)

    def codec(self, name: str) -> Codec:
        """Returns the codec of a named type."""
        if name not in self.types:
            self.types[name] = self.compile(self.definitions[name], name)
        return self.types[name]

    def compile(self, shape: dict[str, Any], name: str = "") -> Codec:
        if "$ref" in shape:
            return self.codec(shape["$ref"].removeprefix("#/$defs/"))
        if "oneOf" in shape:
            return self.union(name, shape)
        if "x-fields" in shape:
            return self.struct(messages.STRUCTS[name], shape)
        form = shape["x-binary"]
        if form == "option":
            return _Option(self.compile(shape["anyOf"][0]))
        if form == "list":
            return _List(shape, self.compile(shape["items"]))
        if form == "bool":
            return _Bool()
        if form == "text":
            return _Text(shape)
        if form == "bytes":
            return _Bytes(shape)
        if "x-decimals" in shape:
            return _Money(shape)
        if "x-names" in shape:
            return _Named(shape)
        if name == "Timestamp":
            return _Number(shape, times.from_micros, times.micros)
        if name == "Span":
            return _Number(shape, lambda micros: timedelta(microseconds=micros), times.span_micros)
        return _Number(shape, _same, _integer)

    def struct(self, kind: type[Any], shape: dict[str, Any], fields: list[str] | None = None) -> Codec:
        compiled = []
        for field in fields or shape["x-fields"]:
            inner = shape["properties"][field]
            compiled.append((field, field + "_" if field == "from" else field, self.compile(inner), "anyOf" in inner))
        return _Struct(kind, compiled)

    def union(self, name: str, shape: dict[str, Any]) -> Codec:
        union = _Union(name)
        for case in shape["oneOf"]:
            number = case["x-number"]
            if "const" in case:
                union.add(number, case["const"])
                continue
            ((variant, content),) = case["properties"].items()
            kind = messages.VARIANTS[name, variant]
            if "x-fields" in case:
                codec = self.struct(kind, content, case["x-fields"])
            elif (name, variant) in messages.CONTENTS:
                codec = _Wrapped(kind, messages.CONTENTS[name, variant], self.compile(content))
            else:
                target = self.definitions[content["$ref"].removeprefix("#/$defs/")]
                codec = self.struct(kind, target)
            union.add(number, variant, kind, codec)
        return union


@lru_cache(maxsize=1)
def schema() -> Schema:
    """Returns the codecs, compiled at their first use."""
    return Schema(resources.files("openauction").joinpath("schema.json").read_text(encoding="utf-8"))


def encode_frame(request: int, message: Any) -> bytes:
    """Returns the frame of a message. Raises TypeError and ValueError, which name the field, for a wrong value."""
    name, kind, codec = schema().by_class[type(message)]
    out = bytearray(14)
    _named(name, codec.write, message, out)
    out[:4] = (len(out) - 4).to_bytes(4, "little")
    out[4:6] = kind.to_bytes(2, "little")
    out[6:14] = request.to_bytes(8, "little")
    return bytes(out)


def decode_frame(frame: bytes, from_server: bool = True) -> Received:
    """Returns the message of a whole frame. Raises Malformed and UnknownKind."""
    kind = int.from_bytes(frame[4:6], "little")
    found = schema().by_kind.get(kind)
    if found is None or (kind >= 128) != from_server:
        raise UnknownKind(f"the kind {kind} is not known")
    cursor = Cursor(frame, 14)
    message = found[1].read(cursor)
    cursor.end()
    return Received(int.from_bytes(frame[6:14], "little"), message)


def take_frame(stream: bytes | bytearray, length_max: int = FRAME_BYTES_MAX) -> int | None:
    """Returns the size of the first frame, or None while it is incomplete. Raises FrameError."""
    if len(stream) < 4:
        return None
    length = int.from_bytes(stream[:4], "little")
    if length < 10:
        raise FrameError("too_short")
    if length > length_max:
        raise FrameError("too_long")
    return 4 + length if len(stream) >= 4 + length else None


def dump_json(request: int, message: Any) -> dict[str, Any]:
    """Returns a message in the form of JSON. Raises TypeError and ValueError, which name the field, for a wrong value."""
    name, _, codec = schema().by_class[type(message)]
    return {"request": str(request), name: _named(name, codec.dump, message)}


def load_json(value: Any) -> Received:
    """Returns the message of parsed JSON. Raises Malformed and UnknownKind."""
    if not isinstance(value, dict):
        raise Malformed("a message is a JSON object")
    names = [name for name in value if name != "request"]
    if len(names) != 1:
        raise Malformed("a message has one kind")
    found = schema().by_name.get(names[0])
    request = _text(value.get("request", "0"))
    if not request.isdecimal():
        raise Malformed(f"{request!r} is no request number")
    if found is None:
        raise UnknownKind(f"the kind {names[0]!r} is not known")
    return Received(int(request), found[1].load(value[names[0]]))


def _named(name: str, encode: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return encode(*arguments)
    except (TypeError, ValueError) as error:
        raise _at(name + ".", error) from error


def _at(path: str, error: Exception) -> Exception:
    return (TypeError if isinstance(error, TypeError) else ValueError)(f"{path}{error}")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{value!r} is no text")
    return value


def _same(number: int) -> int:
    return number


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is not an int")
    return value
