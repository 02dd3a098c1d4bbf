"""An order over FIX with QuickFIX (`pip install quickfix-py`): logs on, lists the lots, subscribes, orders, and logs out.

    python3 order.py 127.0.0.1:9878 MIA PASSWORD [SYMBOL PRICE]
"""

import datetime
import os
import pathlib
import queue
import sys
import tempfile

import quickfix as fix

address, comp_id, password, *order = sys.argv[1:]
host, port = address.rsplit(":", 1)
messages: queue.Queue[dict[int, str]] = queue.Queue()


class Client(fix.Application):
    def onCreate(self, session) -> None:
        pass

    def onLogon(self, session) -> None:
        messages.put({35: "logon"})

    def onLogout(self, session) -> None:
        pass

    def toAdmin(self, message, session) -> None:
        kind = fix.MsgType()
        message.getHeader().getField(kind)
        if kind.getValue() == "A":
            message.setField(fix.StringField(554, password))

    def fromAdmin(self, message, session) -> None:
        pass

    def toApp(self, message, session) -> None:
        pass

    def fromApp(self, message, session) -> None:
        text = message.toString().rstrip("\x01")
        print("<", text.replace("\x01", "|"))
        fields = [field.split("=", 1) for field in text.split("\x01")]
        # Of a group the first entry.
        messages.put({int(tag): value for tag, value in reversed(fields)})


def dictionaries() -> pathlib.Path:
    for parent in pathlib.Path(fix.__file__).resolve().parents:
        if (parent / "share" / "quickfix" / "FIX44.xml").exists():
            return parent / "share" / "quickfix"
    raise SystemExit("the dictionaries of QuickFIX are not installed")


def send(kind: str, *fields: tuple[int, str], groups=()) -> dict[int, str]:
    """Sends a message and returns the answer; a list may come in several messages."""
    message = fix.Message()
    message.getHeader().setField(fix.MsgType(kind))
    for tag, value in fields:
        message.setField(fix.StringField(tag, value))
    for count, (tag, value) in groups:
        group = fix.Group(count, tag)
        group.setField(fix.StringField(tag, value))
        message.addGroup(group)
    print(">", message.toString().replace("\x01", "|"))
    fix.Session.sendToTarget(message, session)
    answer = first = messages.get(timeout=10)
    while answer.get(893) == "N":
        answer = messages.get(timeout=10)
    return first


folder = pathlib.Path(tempfile.mkdtemp())
(folder / "cfg").write_text(f"""[DEFAULT]
ConnectionType=initiator
HeartBtInt=30
ReconnectInterval=1
StartTime=00:00:00
EndTime=00:00:00
SocketConnectHost={host}
SocketConnectPort={port}
SocketNodelay=Y
ResetOnLogon=Y
FileStorePath={folder}/store
[SESSION]
BeginString=FIXT.1.1
DefaultApplVerID=9
SenderCompID={comp_id}
TargetCompID=AUCTION
TransportDataDictionary={dictionaries()}/FIXT11.xml
AppDataDictionary={dictionaries()}/FIX50SP2.xml
""")
settings = fix.SessionSettings(str(folder / "cfg"))
client, store, log = Client(), fix.FileStoreFactory(settings), fix.FileLogFactory(str(folder / "log"))
initiator = fix.SocketInitiator(client, store, settings, log)
session = fix.SessionID("FIXT.1.1", comp_id, "AUCTION")
initiator.start()
try:
    messages.get(timeout=10)
except queue.Empty:
    raise SystemExit("no logon: the gateway's log says why") from None

# The lots that are open come first.
listed = send("x", (320, "lots"), (559, "4")) if not order else {55: order[0]}
symbol = listed[55]
lot = [(48, listed[48]), (22, "8")] if 48 in listed else []
# The least next bid, and the shares of the lot, where they are public.
wanted = [(267, (269, "1")), (146, (55, symbol))]
book = send("V", (262, "book"), (263, "0"), (264, "0"), groups=wanted)
price = order[1] if order else book.get(270, "1.00")
now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H:%M:%S.%f")
terms = [(54, "1"), (60, now), (38, book.get(271, "1")), (40, "2"), (44, price)]
send("D", (11, f"example-{now}"), (55, symbol), *lot, *terms)
initiator.stop()
# QuickFIX may crash when the interpreter takes its objects apart.
os._exit(0)
