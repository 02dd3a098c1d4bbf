"""Runs the conformance vectors through the decoder, fold and digest of this folder, which share no line with the server.

    python3 auction-client/examples/python/conformance.py auction-proto/conformance/v*
"""
import json
import pathlib
import sys

from market import FeedError, Market
from signed import fingerprint, genesis, goes_on, is_included, is_signed, next_chain, root
from wire import FRAME_BYTES_MAX, PREFACE, REQUEST_BYTES_MAX, Malformed, UnknownKind, Wire, take_frame

ROOT = pathlib.Path(__file__).resolve().parents[3]
SCHEMA = ROOT / "auction-proto/schema/v1/schema.json"


def messages(wire, vector):
    frame = bytes.fromhex(vector["hex"])
    assert take_frame(frame) == (frame, b"")
    assert wire.decode(frame, vector["from"] == "server") == vector["json"]
    assert wire.encode(vector["json"]) == frame


def bodies(wire, vector):
    try:
        message = wire.decode(bytes.fromhex(vector["hex"]), vector["from"] == "server")
    except Malformed:
        error = "malformed"
    except UnknownKind:
        error = "unknown_kind"
    else:
        raise AssertionError(f"read as {message}")
    assert error == vector["error"], error


def frames(_, vector):
    stream, found = bytes.fromhex(vector["hex"]), []
    from_client = vector["from"] == "client"
    length_max = REQUEST_BYTES_MAX if from_client else FRAME_BYTES_MAX
    try:
        if from_client:
            preface, stream = stream[:4], stream[4:]
            if not PREFACE.startswith(preface):
                raise ValueError("no_preface")
        while taken := take_frame(stream, length_max):
            found.append(taken[0].hex())
            stream = taken[1]
        then = "incomplete" if stream or (from_client and 0 < len(preface) < 4) else "whole"
    except ValueError as error:
        then = str(error)
    assert (found, then) == (vector["frames"], vector["then"]), (found, then)


def feeds(wire, vector):
    market = Market(vector["market"])
    for number, step in enumerate(vector["steps"]):
        stream, error = bytes.fromhex(step["hex"]), None
        try:
            while taken := take_frame(stream):
                frame, stream = taken
                message = wire.decode(frame)
                (kind,) = message.keys() - {"request"}
                getattr(market, kind)(message[kind])
        except FeedError as found:
            error = str(found)
        assert error == step.get("error"), f"step {number}: {error}"
        if error is None:
            assert market.feed_sequence == int(step["feed_sequence"]), f"step {number}"
            assert market.digest() == step["digest"], f"step {number}: {market.digest()}"


def signed(_, vector):
    found = SIGNED[vector["what"]](vector, lambda field: bytes.fromhex(vector[field]))
    assert found == vector.get("valid", True), found


def chain(vector, of):
    chain, found = genesis(of("market")), True
    for frame in vector["frames"]:
        chain = next_chain(chain, int(frame["first"]), frame["count"], bytes.fromhex(frame["public"]))
        found = found and chain.hex() == frame["chain"]
    return found


def path(vector):
    return [bytes.fromhex(digits) for digits in vector["path"]]


SIGNED = {
    # The secret is for those who sign.
    "key": lambda vector, of: fingerprint(of("key")) == vector["fingerprint"],
    "signature": lambda vector, of: is_signed(
        of("key"), vector["purpose"].encode(), of("statement"), of("signature")
    ),
    "tree": lambda vector, of: root([bytes.fromhex(leaf) for leaf in vector["leaves"]]) == of("root"),
    "inclusion": lambda vector, of: is_included(
        of("leaf"), vector["record"], vector["size"], of("root"), path(vector)
    ),
    "consistency": lambda vector, of: goes_on(
        vector["old_size"], of("old_root"), vector["size"], of("root"), path(vector)
    ),
    "chain": chain,
}


def main(folder):
    wire = Wire(SCHEMA.read_text())
    failed = 0
    # lines.json is for those who write a server.
    for check in (messages, bodies, frames, feeds, signed):
        file = folder / f"{check.__name__}.json"
        # A folder of what came later has vectors of that alone.
        vectors = json.loads(file.read_text()) if file.exists() else []
        for vector in vectors:
            try:
                check(wire, vector)
            except Exception as error:  # A vector that fails must not hide the next.
                failed += 1
                print(f"{check.__name__} {vector['name']}: {type(error).__name__}: {error}")
        print(f"{folder.name}/{check.__name__}: {len(vectors)} vectors")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(max([main(pathlib.Path(folder)) for folder in sys.argv[1:]]))
