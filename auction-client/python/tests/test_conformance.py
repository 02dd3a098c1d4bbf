"""The conformance vectors of the protocol, all of them, through the decoder, fold, digest and checks of the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFORMANCE

from openauction import codec, merkle, verify
from openauction import messages as m
from openauction.codec import FRAME_BYTES_MAX, PREFACE, REQUEST_BYTES_MAX
from openauction.market import Assembler, FeedError, Market

FOLDERS = sorted(path for path in CONFORMANCE.iterdir() if path.is_dir())


def vectors(name: str) -> list[Any]:
    found = []
    for folder in FOLDERS:
        file: Path = folder / f"{name}.json"
        if file.exists():
            for vector in json.loads(file.read_text(encoding="utf-8")):
                found.append(pytest.param(vector, id=f"{folder.name}-{vector['name']}"))
    return found


def test_there_are_vectors_of_every_kind() -> None:
    counts = {name: len(vectors(name)) for name in ("messages", "bodies", "frames", "feeds", "signed")}
    least = {"messages": 300, "bodies": 300, "frames": 10, "feeds": 10, "signed": 30}
    assert all(counts[name] >= least[name] for name in least), counts
    # Another file would be a kind of vectors that nothing here runs; lines.json is for servers.
    files = {path.stem for folder in FOLDERS for path in folder.iterdir()}
    assert files == {*least, "lines"}


@pytest.mark.parametrize("vector", vectors("messages"))
def test_message(vector: dict[str, Any]) -> None:
    frame = bytes.fromhex(vector["hex"])
    assert codec.take_frame(frame) == len(frame)
    received = codec.decode_frame(frame, vector["from"] == "server")
    assert codec.dump_json(*received) == vector["json"]
    assert codec.load_json(vector["json"]) == received
    assert codec.encode_frame(*received) == frame


@pytest.mark.parametrize("vector", vectors("bodies"))
def test_body_is_refused(vector: dict[str, Any]) -> None:
    error = {"malformed": codec.Malformed, "unknown_kind": codec.UnknownKind}[vector["error"]]
    with pytest.raises(error):
        codec.decode_frame(bytes.fromhex(vector["hex"]), vector["from"] == "server")


@pytest.mark.parametrize("vector", vectors("frames"))
def test_frames(vector: dict[str, Any]) -> None:
    stream, found = bytes.fromhex(vector["hex"]), []
    from_client = vector["from"] == "client"
    preface = stream[:4] if from_client else b""
    stream = stream[len(preface):]
    try:
        if not PREFACE.startswith(preface):
            raise codec.FrameError("no_preface")
        while (size := codec.take_frame(stream, REQUEST_BYTES_MAX if from_client else FRAME_BYTES_MAX)) is not None:
            found.append(stream[:size].hex())
            stream = stream[size:]
        then = "incomplete" if stream or 0 < len(preface) < 4 else "whole"
    except codec.FrameError as error:
        then = str(error)
    assert (found, then) == (vector["frames"], vector["then"])


@pytest.mark.parametrize("vector", vectors("feeds"))
def test_feed(vector: dict[str, Any]) -> None:
    market, assembler = Market(bytes.fromhex(vector["market"])), Assembler()
    for number, step in enumerate(vector["steps"]):
        stream, error = bytes.fromhex(step["hex"]), None
        try:
            while (size := codec.take_frame(stream)) is not None:
                message = codec.decode_frame(stream[:size]).message
                stream = stream[size:]
                if isinstance(message, m.SnapshotPart):
                    market = assembler.add(message) or market
                else:
                    list(market.follow(message))
        except FeedError as found:
            error = str(found)
        assert error == step.get("error"), f"step {number}"
        if error is None:
            assert market.feed_sequence == int(step["feed_sequence"]), f"step {number}"
            assert market.digest().hex() == step["digest"], f"step {number}"


@pytest.mark.parametrize("vector", vectors("signed"))
def test_signed(vector: dict[str, Any]) -> None:
    pytest.importorskip("cryptography", reason="NOT CHECKED: pip install cryptography")

    def of(field: str) -> bytes:
        return bytes.fromhex(vector[field])

    path = [bytes.fromhex(digits) for digits in vector.get("path", [])]
    match vector["what"]:
        case "key":
            found = verify.fingerprint(of("key")) == vector["fingerprint"]
        case "signature":
            purpose = vector["purpose"].encode()
            found = verify.is_signed(of("key"), purpose, of("statement"), of("signature"))
        case "tree":
            found = merkle.root([bytes.fromhex(leaf) for leaf in vector["leaves"]]) == of("root")
        case "inclusion":
            found = merkle.is_included(of("leaf"), vector["record"], vector["size"], of("root"), path)
        case "consistency":
            found = merkle.goes_on(vector["old_size"], of("old_root"), vector["size"], of("root"), path)
        case "chain":
            chain, found = merkle.genesis(of("market")), True
            for frame in vector["frames"]:
                chain = merkle.next_chain(chain, int(frame["first"]), frame["count"], bytes.fromhex(frame["public"]))
                found = found and chain.hex() == frame["chain"]
        case other:
            pytest.fail(f"unknown: {other}")
    assert found == vector.get("valid", True)
