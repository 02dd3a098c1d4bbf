"""A story told by QuickFIX, with its own dictionaries and all of its checks, at a gateway on this machine.

Arguments: version, CompID, port, folder of its store. A line on standard output asks for something to be done in the market
or with the gateway; the answer is a line on standard input. Whatever QuickFIX refuses, or sends a Reject for, is a failure.
"""

import datetime
import os
import pathlib
import queue
import sys

import quickfix as fix

VERSION, COMP_ID, PORT, FOLDER = sys.argv[1:5]
IS_44 = VERSION == "FIX.4.4"
WAIT = 30.0


def dictionaries() -> pathlib.Path:
    for parent in pathlib.Path(fix.__file__).resolve().parents:
        found = parent / "share" / "quickfix"
        if (found / "FIX44.xml").exists():
            return found
    raise SystemExit("the dictionaries of QuickFIX are not installed")


class Client(fix.Application):
    def __init__(self) -> None:
        super().__init__()
        self.messages: queue.Queue[dict[int, list[str]]] = queue.Queue()
        self.logons: queue.Queue[bool] = queue.Queue()

    def onCreate(self, session) -> None:
        pass

    def onLogon(self, session) -> None:
        self.logons.put(True)

    def onLogout(self, session) -> None:
        self.logons.put(False)

    def toAdmin(self, message, session) -> None:
        kind = kind_of(message)
        if kind == "A":
            message.setField(fix.StringField(554, "correct horse"))
        if kind == "3":
            self.messages.put(parsed(message))

    def fromAdmin(self, message, session) -> None:
        if kind_of(message) in ("3", "5"):
            self.messages.put(parsed(message))

    def toApp(self, message, session) -> None:
        pass

    def fromApp(self, message, session) -> None:
        self.messages.put(parsed(message))


def kind_of(message) -> str:
    kind = fix.MsgType()
    message.getHeader().getField(kind)
    return kind.getValue()


def parsed(message) -> dict[int, list[str]]:
    fields: dict[int, list[str]] = {}
    for field in message.toString().rstrip("\x01").split("\x01"):
        tag, value = field.split("=", 1)
        fields.setdefault(int(tag), []).append(value)
    return fields


def settings(store: pathlib.Path) -> fix.SessionSettings:
    share = dictionaries()
    text = f"""[DEFAULT]
ConnectionType=initiator
HeartBtInt=5
ReconnectInterval=1
StartTime=00:00:00
EndTime=00:00:00
SocketConnectHost=127.0.0.1
SocketConnectPort={PORT}
SocketNodelay=Y
FileStorePath={store}
SenderCompID={COMP_ID}
TargetCompID=AUCTION
UseDataDictionary=Y
ValidateFieldsOutOfOrder=Y
ValidateFieldsHaveValues=Y
ValidateUserDefinedFields=Y
[SESSION]
"""
    if IS_44:
        text += f"BeginString=FIX.4.4\nDataDictionary={share}/FIX44.xml\n"
    else:
        text += "BeginString=FIXT.1.1\nDefaultApplVerID=9\n"
        text += f"TransportDataDictionary={share}/FIXT11.xml\nAppDataDictionary={share}/FIX50SP2.xml\n"
    path = pathlib.Path(FOLDER) / "quickfix.cfg"
    path.write_text(text)
    return fix.SessionSettings(str(path))


class Story:
    def __init__(self) -> None:
        self.client = Client()
        self.ids = 0
        self.executions: set[str] = set()
        self.begin("store")

    def begin(self, store: str) -> None:
        self.settings = settings(pathlib.Path(FOLDER) / store)
        self.store = fix.FileStoreFactory(self.settings)
        self.log = fix.FileLogFactory(str(pathlib.Path(FOLDER) / "log"))
        self.initiator = fix.SocketInitiator(self.client, self.store, self.settings, self.log)
        self.session = fix.SessionID("FIX.4.4" if IS_44 else "FIXT.1.1", COMP_ID, "AUCTION")
        self.initiator.start()

    def logged_on(self) -> None:
        while not self.client.logons.get(timeout=WAIT):
            pass

    def send(self, kind: str, *fields: tuple[int, str], groups=()) -> None:
        message = fix.Message()
        message.getHeader().setField(fix.MsgType(kind))
        for tag, value in fields:
            message.setField(fix.StringField(tag, value))
        for count, entries in groups:
            for entry in entries:
                group = fix.Group(count, entry[0][0])
                for tag, value in entry:
                    group.setField(fix.StringField(tag, value))
                message.addGroup(group)
        assert fix.Session.sendToTarget(message, self.session), kind

    def read(self, kind: str, **expected: str) -> dict[int, list[str]]:
        message = self.client.messages.get(timeout=WAIT)
        # Indicative results come when they change; a report that a kill interrupted may come twice.
        while (message[35] == ["X"] and kind != "X") or self.is_repeated(message):
            message = self.client.messages.get(timeout=WAIT)
        got = {tag: message.get(int(tag[1:]), [""])[-1] for tag in expected}
        assert message[35] == [kind] and got == expected, (kind, expected, message)
        return message

    def is_repeated(self, message: dict[int, list[str]]) -> bool:
        execution = message.get(17, ["0"])[0]
        if execution == "0":
            return False
        if execution in self.executions:
            return True
        self.executions.add(execution)
        return False

    def quiet(self) -> None:
        """QuickFIX refuses a message on its own thread: a round trip shows that it has nothing to refuse."""
        self.send("H", (11, "nothing"), (55, "CALL"), (54, "1"))
        self.read("8", t150="I", t39="8", t103="5")

    def order(self, symbol: str, quantity: str, *fields: tuple[int, str], kind: str = "D") -> str:
        self.ids += 1
        name = f"{COMP_ID}-{self.ids}"
        self.send(kind, (11, name), (55, symbol), (54, "1"), (60, now()), (38, quantity), *fields)
        return name

    def ask(self, what: str) -> None:
        print(what, flush=True)
        assert sys.stdin.readline() == "done\n", what


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H:%M:%S.%f")


def trade(story: Story) -> None:
    first = story.order("CALL", "100", (40, "2"), (44, "10.10"), (59, "2"))
    story.read("8", t150="0", t39="0", t11=first, t44="10.10")
    second = story.order("CALL", "50", (40, "2"), (44, "10.20"), (41, first), kind="G")
    story.read("8", t150="5", t39="0", t11=second, t41=first, t151="50")
    peg = ((211, "0"), (388, "0")) if IS_44 else ((211, "0"), (388, "0"), (1094, "5"))
    story.order("ENG", "3", (40, "P"), (44, "5"), *peg)
    story.read("8", t150="0", t40="P")
    story.order("ENG", "3", (40, "2"), (44, "0.5"))
    story.read("8", t150="8", t39="8")
    sealed = story.order("UNI", "10", (40, "2"), (44, "3"), *(() if IS_44 else ((59, "B"),)))
    story.read("8", t150="0", t11=sealed)
    gone = story.order("UNI", "10", (41, sealed), kind="F")
    story.read("8", t150="4", t39="4", t11=gone, t41=sealed)
    story.order("UNI", "10", (41, "nothing"), kind="F")
    story.read("9", t102="1", t434="1")
    story.order("DUT", "5", (40, "2"), (44, "30"))
    story.read("8", t150="0")
    story.read("8", t150="F", t39="2", t31="20.00")
    story.send("AF", (584, "all"), (585, "7"))
    story.read("8", t150="I", t911="2", t912="N")
    story.read("8", t150="I", t911="2", t912="Y")
    story.send("q", (11, f"{COMP_ID}-q"), (530, "1"), (55, "VICK"), (60, now()))
    story.read("r", t531="1", t533="0")
    story.quiet()


def watch(story: Story) -> None:
    types = "01245AB" if IS_44 else "01245ABJQ"
    groups = [(267, [[(269, kind)] for kind in types]), (146, [[(55, "CALL")], [(55, "ENG")]])]
    story.send("V", (262, "m"), (263, "1"), (264, "0"), (265, "1"), groups=groups)
    assert story.read("W", t262="m")[55] == ["CALL"]
    assert story.read("W", t262="m")[55] == ["ENG"]
    story.send("V", (262, "bad"), (263, "1"), (264, "0"), groups=[(267, [[(269, "0")]]), (146, [[(55, "NONE")]])])
    story.read("Y", t262="bad", t281="0")
    story.send("x", (320, "l"), (559, "4"))
    assert story.read("y", t560="0")[55] == ["CALL", "ENG", "UNI", "VICK", "DUT"], "open lots come first"
    story.send("e", (324, "s"), (55, "ENG"), (263, "1"))
    story.read("f", t326="17")
    story.send("g", (335, "t"), (263, "0"))
    story.read("h", t340="2")
    story.ask("halt")
    story.read("f", t326="2", t325="Y")
    story.quiet()


def uncross(story: Story) -> None:
    story.ask("sell and close")
    kinds = []
    while ("8", "F") not in kinds or ("X", "trade") not in kinds:
        message = story.client.messages.get(timeout=WAIT)
        kind = message[35][0]
        assert kind in ("8", "X"), message
        assert not story.is_repeated(message), message
        is_trade = kind == "X" and "2" in message[269]
        kinds.append((kind, "trade" if is_trade else message.get(150, [""])[0]))


def restart(story: Story) -> None:
    story.ask("restart the gateway")
    story.logged_on()
    story.quiet()


def main() -> None:
    story = Story()
    story.logged_on()
    trade(story)
    watch(story)
    uncross(story)
    restart(story)
    story.initiator.stop()
    print("over", flush=True)
    # QuickFIX may crash when the interpreter takes its objects apart.
    os._exit(0)


main()
