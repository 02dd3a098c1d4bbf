"""Support for tests: markets with the real server, each in a folder and a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[3]
CONFORMANCE = ROOT / "auction-proto" / "conformance"
PASSWORD = "correct-horse"
#: Limit of every wait in seconds. Generous: it only keeps a broken program from blocking the tests for ever.
DEADLINE = 120.0


def server_program() -> Path:
    """The server: named by OPENAUCTION_SERVER, or as cargo has built it."""
    named = os.environ.get("OPENAUCTION_SERVER")
    program = Path(named) if named else ROOT / "target" / "debug" / "auction-server"
    if not program.exists():
        pytest.fail(f"{program} is missing: cargo build -p auction-server --bin auction-server")
    return program


class Server:
    """A market in a folder, whose server can be killed and started again at the same address."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder, self.settings = folder, settings
        self.process: subprocess.Popen[str] | None = None
        self.address = ""
        self.start()

    def start(self) -> None:
        flags = [f"--{name}={value}" for name, value in self.settings.items()]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AUCTION_")}
        self.process = subprocess.Popen(
            [server_program(), "--data", self.folder, *flags],
            stdout=subprocess.PIPE, stderr=(self.folder / "log").open("a"), text=True, env=environment,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("The market listens on "):
                self.address = line.split()[-1].rstrip(".")
                # The same port at the next start.
                self.settings["listen"] = self.address
                return
        pytest.fail("the server did not start: " + (self.folder / "log").read_text())

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None

    def run(self, *arguments: str) -> str:
        """Output of a command of the server on this folder."""
        done = subprocess.run(
            [server_program(), *arguments, "--data", self.folder], capture_output=True, text=True, check=True
        )
        return done.stdout


class Markets:
    """Makes markets, and ends their servers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: list[Server] = []

    def open(self, lots: str = "S1,english\nS2,english\n", *, stocks: str = "S1 S2 S3 S4 S5", **settings: str) -> Server:
        """Opens a market with these stocks at a base price of 1.00, an auctioneer ann, and these lots."""
        folder = self.folder / str(len(self.servers))
        folder.mkdir()
        rows = "".join(f"{n:05},{symbol},1.00,{n}\n" for n, symbol in enumerate(stocks.split(), 1))
        (folder / "stocks.csv").write_text("Security,Symbol,Price,Profit\n" + rows)
        (folder / "users.csv").write_text(f"name,role,password\nann,auctioneer,{PASSWORD}\n")
        (folder / "lots.csv").write_text(lots if lots.startswith("symbol") else "symbol,format\n" + lots)
        flags = {"listen": "127.0.0.1:0", "ops-listen": "off", "open-for": "1h"}
        flags |= {name.replace("_", "-"): value for name, value in settings.items()}
        server = Server(folder, flags)
        self.servers.append(server)
        return server


@pytest.fixture
def markets(tmp_path: Path) -> Iterator[Markets]:
    made = Markets(tmp_path)
    yield made
    for server in made.servers:
        server.kill()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a test's coroutine, and ends it when it hangs."""

    async def limited() -> T:
        async with asyncio.timeout(DEADLINE):
            return await coroutine

    return asyncio.run(limited())
