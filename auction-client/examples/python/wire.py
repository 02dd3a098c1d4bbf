"""The binary protocol, read and written by a table: the published schema (schema.json). Standard library alone.

A message is as JSON has it, {"request": "7", "bid": {"lot": 3, "price": "1.40"}}; a frame is its bytes. The keywords
x-... of the schema say how each value stands in bytes: SPEC.md, section 2.
"""
import json
import re

from money import show, units

PREFACE = bytes.fromhex("a5554354")
REQUEST_BYTES_MAX, FRAME_BYTES_MAX = 65536, 1048576


class Malformed(Exception):
    """The bytes are no body of their kind."""


class UnknownKind(Exception):
    """The kind is not known, or not sent by that side."""


def take_frame(stream, length_max=FRAME_BYTES_MAX):
    """Splits the first frame off: (frame, rest), or None while it is not whole."""
    if len(stream) < 4:
        return None
    length = int.from_bytes(stream[:4], "little")
    if not 10 <= length <= length_max:
        raise ValueError("too_long" if length > 10 else "too_short")
    return (stream[:4 + length], stream[4 + length:]) if len(stream) >= 4 + length else None


def varint(number):
    out = b""
    while number >= 0x80:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def fields_of(case):
    """What stands in a variant with fields: its name, and their shape."""
    ((name, content),) = case["properties"].items()
    return name, content | {key: case[key] for key in ["x-fields"] if key in case}


class Wire:
    def __init__(self, schema):
        self.definitions = json.loads(schema)["$defs"]
        self.kinds = {d["x-kind"]: name for name, d in self.definitions.items() if "x-kind" in d}

    def decode(self, frame, from_server=True):
        """The message of a whole frame."""
        kind = int.from_bytes(frame[4:6], "little")
        if kind not in self.kinds or (kind >= 128) != from_server:
            raise UnknownKind(kind)
        name, self.rest = self.kinds[kind], frame[14:]
        body = self.read(self.definitions[name]["properties"][name])
        if self.rest:
            raise Malformed("bytes behind the last field")
        return {"request": str(int.from_bytes(frame[6:14], "little")), name: body}

    def encode(self, message):
        """The frame of a message."""
        (name,) = message.keys() - {"request"}
        shape = self.definitions[name]
        head = shape["x-kind"].to_bytes(2, "little") + int(message["request"]).to_bytes(8, "little")
        frame = head + self.write(shape["properties"][name], message[name])
        return len(frame).to_bytes(4, "little") + frame

    def resolve(self, shape):
        return self.definitions[shape["$ref"].removeprefix("#/$defs/")] if "$ref" in shape else shape

    def take(self, count):
        if count > len(self.rest):
            raise Malformed("the body ends early")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def varint(self, least=0, most=2**32 - 1):
        byte, number, shift = 0x80, 0, 0
        while byte >= 0x80:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            shift += 7
        if byte == 0 and shift > 7:
            raise Malformed("a varint that could be shorter")
        if not least <= number <= most:
            raise Malformed(f"{number} is not {least} to {most}")
        return number

    def read(self, shape):
        shape = self.resolve(shape)
        if "oneOf" in shape:
            number = self.varint()
            for case in shape["oneOf"]:
                if case["x-number"] == number:
                    if "const" in case:
                        return case["const"]
                    name, content = fields_of(case)
                    return {name: self.read(content)}
            raise Malformed(f"there is no variant {number}")
        if "x-fields" in shape:
            return {field: self.read(shape["properties"][field]) for field in shape["x-fields"]}
        form = shape["x-binary"]
        if form == "bool":
            return self.varint(most=1) == 1
        if form == "option":
            return self.read(shape["anyOf"][0]) if self.varint(most=1) else None
        if form == "list":
            return self.read_list(shape)
        if form in ("bytes", "text"):
            raw = self.take(self.varint(shape["x-bytes-min"], shape["x-bytes-max"]))
            return raw.hex() if form == "bytes" else self.read_text(shape, raw)
        return self.read_number(shape, form)

    def read_list(self, shape):
        count = self.varint(shape["minItems"], shape["maxItems"])
        items = [self.read(shape["items"]) for _ in range(count)]
        if shape["items"].get("$ref") == "#/$defs/StepBand":
            # The one rule between values: a step table begins at 0, and rises.
            bands = [(units(band["from"]), units(band["step"])) for band in items]
            rises = all(a[0] < b[0] and a[1] <= b[1] for a, b in zip(bands, bands[1:]))
            if bands[0][0] != 0 or bands[0][1] == 0 or not rises:
                raise Malformed("a step table that does not rise from 0")
        return items

    def read_text(self, shape, raw):
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise Malformed(str(error)) from error
        if not re.fullmatch(shape.get("x-pattern", shape.get("pattern", "(?s:.*)")), text):
            raise Malformed(f"{text!r} does not match")
        return text

    def read_number(self, shape, form):
        least, most = int(shape["x-minimum"]), int(shape["x-maximum"])
        if form == "varint":
            number = self.varint(least, most)
        else:
            number = self.varint(most=2**64 - 1)
            number = number >> 1 if number % 2 == 0 else -(number >> 1) - 1
            if not least <= number <= most:
                raise Malformed(f"{number} is not {least} to {most}")
        if "x-decimals" in shape:
            return show(number, shape["x-decimals"][0])
        names = {named: name for name, named in shape.get("x-names", {}).items()}
        return names.get(number, number if shape["type"] == "integer" else str(number))

    def write(self, shape, value):
        shape = self.resolve(shape)
        if "oneOf" in shape:
            for case in shape["oneOf"]:
                if "const" in case and case["const"] == value:
                    return varint(case["x-number"])
                if "properties" in case and isinstance(value, dict) and value.keys() == case["properties"].keys():
                    name, content = fields_of(case)
                    return varint(case["x-number"]) + self.write(content, value[name])
            raise ValueError(f"{value!r} is none of the variants")
        if "x-fields" in shape:
            return b"".join(self.write(shape["properties"][field], value.get(field)) for field in shape["x-fields"])
        form = shape["x-binary"]
        if form == "option":
            return b"\0" if value is None else b"\1" + self.write(shape["anyOf"][0], value)
        if form == "list":
            return varint(len(value)) + b"".join(self.write(shape["items"], item) for item in value)
        if form in ("bytes", "text"):
            raw = bytes.fromhex(value) if form == "bytes" else value.encode()
            return varint(len(raw)) + raw
        number = units(value) if "x-decimals" in shape else int(shape.get("x-names", {}).get(value, value))
        return varint(2 * number if number >= 0 else -2 * number - 1) if form == "zigzag" else varint(number)
