"""Writes the typed messages and the exceptions of the package from the published schema of the protocol.

    python3 auction-client/python/tools/generate.py           writes src/openauction/{messages,refusals}.py and schema.json
    python3 auction-client/python/tools/generate.py --check   ends with 1 if one of them is not up to date

Run it after a change of auction-proto/schema/v1/schema.json. Standard library alone.
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "openauction"
SCHEMA = Path(__file__).resolve().parents[3] / "auction-proto" / "schema" / "v1" / "schema.json"

# Types that have a Python type of their own; all other scalars are int, str or bytes by their form.
SCALARS = {"Timestamp": "datetime", "Span": "timedelta", "Code": "str"}
# Fields whose value must not appear in a log.
HIDDEN = {"Token", "Secret"}
# Names of unions that a message has too.
UNIONS = {"Indicative": "IndicativeResult", "LeastWinning": "WinningThreshold"}
# Beginning of the class names of a union's variants, where it is not the union's name.
PREFIXES = {"PublicEvent": "", "Outcome": "", "Asset": "", "Role": "", "AccountEvent": "Account",
            "OrderState": "Order", "ActivityOf": "Activity", "LeastWinning": "LeastWinning"}
# Unions whose variants have classes of their own even where their content has one, so that each event has a name.
EVENTS = {"PublicEvent", "AccountEvent"}
# Name of the only field of a variant that holds a single value, by the value's type.
CONTENT = {"UserId": "user", "SessionId": "session", "LotId": "lot", "OrderId": "order", "Symbol": "symbol",
           "Timestamp": "at", "Price": "price", "Amount": "amount", "RequestId": "request", "Sequence": "record"}
# Reserved words of Python.
FIELDS = {"from": "from_"}

GROUPS = [(1000, "RuleRefused"), (2000, "RequestRefused"), (3000, "SessionRefused"), (4000, "ServerRefused")]


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def reference(shape: dict[str, Any]) -> str | None:
    return shape["$ref"].removeprefix("#/$defs/") if "$ref" in shape else None


class Generator:
    def __init__(self, schema: dict[str, Any]) -> None:
        self.definitions: dict[str, dict[str, Any]] = schema["$defs"]
        self.classes: list[str] = []
        self.aliases: list[str] = []
        self.structs: dict[str, str] = {}
        self.variants: dict[tuple[str, str], str] = {}
        self.contents: dict[tuple[str, str], str] = {}
        self.messages: dict[str, str] = {}

    def is_struct(self, name: str | None) -> bool:
        return name is not None and "x-fields" in self.definitions[name]

    def is_union(self, name: str) -> bool:
        return "oneOf" in self.definitions[name] and name not in ("ClientMessage", "ServerMessage")

    def python(self, shape: dict[str, Any]) -> str:
        """Python type of a shape."""
        name = reference(shape)
        if name is not None:
            if name in SCALARS:
                return SCALARS[name]
            if self.is_union(name):
                return UNIONS.get(name, name)
            if self.is_struct(name):
                return name
            return self.python(self.definitions[name])
        if "anyOf" in shape and shape.get("x-binary") == "option":
            return self.python(shape["anyOf"][0]) + " | None"
        form = shape["x-binary"]
        if form == "list":
            return f"list[{self.python(shape['items'])}]"
        if form in ("bool", "text", "bytes"):
            return {"bool": "bool", "text": "str", "bytes": "bytes"}[form]
        if "x-decimals" in shape:
            return "Decimal"
        return "str" if "x-names" in shape else "int"

    def write_class(self, name: str, doc: str, fields: list[str], content: dict[str, Any], base: str = "") -> None:
        lines = ["@dataclass(frozen=True, slots=True)", f"class {name}{base}:"]
        doc = " ".join(doc.split())
        lines += textwrap.wrap(f'"""{doc}"""', 116, initial_indent="    ", subsequent_indent="    ")
        if fields:
            lines.append("")
        for field in fields:
            shape = content["properties"][field]
            annotation = self.python(shape)
            inner = shape["anyOf"][0] if "anyOf" in shape else shape
            default = ""
            if reference(inner) in HIDDEN:
                default = " = field(repr=False)"
            about = " ".join(shape.get("description", "").split())
            lines += textwrap.wrap(about, 116, initial_indent="    #: ", subsequent_indent="    #: ")
            lines.append(f"    {FIELDS.get(field, field)}: {annotation}{default}")
        self.classes.append("\n".join(lines))

    def struct(self, name: str, shape: dict[str, Any]) -> None:
        doc = shape.get("description", f"`{name}` of the protocol.")
        self.write_class(name, doc, shape["x-fields"], shape)
        self.structs[name] = name

    def union(self, name: str, shape: dict[str, Any]) -> None:
        members, units = [], []
        prefix = PREFIXES.get(name, name)
        for case in shape["oneOf"]:
            if "const" in case:
                units.append(case["const"])
                continue
            ((variant, content),) = case["properties"].items()
            class_name = prefix + camel(variant)
            doc = case.get("description") or content.get("description") or f"`{variant}` of `{name}`."
            target = reference(content)
            if target is not None and self.is_struct(target):
                if name in EVENTS and class_name != target:
                    doc = f"{self.definitions[target].get('description', doc)} As an event: `{variant}`."
                    self.write_class(class_name, doc, [], {}, f"({target})")
                else:
                    class_name = target
            elif "x-fields" in case:
                self.write_class(class_name, doc, case["x-fields"], content)
            else:
                field = CONTENT.get(target or "", "count")
                self.contents[name, variant] = field
                self.write_class(class_name, doc, [field], {"properties": {field: content}})
            self.variants[name, variant] = class_name
            members.append(class_name)
        parts = members + ([f"Literal[{', '.join(map(json.dumps, units))}]"] if units else [])
        alias = UNIONS.get(name, name)
        self.aliases.append(f"{alias}: TypeAlias = {self.joined(parts)}")

    @staticmethod
    def joined(parts: list[str]) -> str:
        line = " | ".join(parts)
        if len(line) < 90:
            return line
        return "(\n    " + "\n    | ".join(parts) + "\n)"

    def message(self, name: str, shape: dict[str, Any]) -> None:
        content = shape["properties"][name]
        self.write_class(camel(name), shape["description"], content["x-fields"], content)
        self.messages[name] = camel(name)

    def run(self) -> str:
        for name, shape in self.definitions.items():
            if "x-kind" in shape:
                self.message(name, shape)
            elif "x-fields" in shape:
                self.struct(name, shape)
        for name in self.definitions:
            if self.is_union(name):
                self.union(name, self.definitions[name])
        sides = {
            side: [self.messages[str(reference(case))] for case in self.definitions[f"{side}Message"]["oneOf"]]
            for side in ("Client", "Server")
        }
        aliases = self.aliases + [f"{side}Message: TypeAlias = {self.joined(names)}" for side, names in sides.items()]
        head = '''
            """All messages of the protocol as types, generated by `tools/generate.py` from the published schema: not edited.

            Money is `decimal.Decimal`, times are `datetime` in UTC, spans `timedelta`, keys and digests `bytes`. A choice without
            content is its name (`"buy"`), one with content a class of its own.
            """

            # ruff: noqa: E501
            from __future__ import annotations

            from dataclasses import dataclass, field
            from datetime import datetime, timedelta
            from decimal import Decimal
            from typing import Any, Literal, TypeAlias
            '''
        head = textwrap.dedent(head).strip()
        tables = [
            ("STRUCTS", "dict[str, type[Any]]", {json.dumps(k): v for k, v in self.structs.items()}),
            ("MESSAGES", "dict[str, type[Any]]", {json.dumps(k): v for k, v in self.messages.items()}),
            ("VARIANTS", "dict[tuple[str, str], type[Any]]",
             {f'("{k[0]}", "{k[1]}")': v for k, v in self.variants.items()}),
            ("CONTENTS", "dict[tuple[str, str], str]",
             {f'("{k[0]}", "{k[1]}")': json.dumps(v) for k, v in self.contents.items()}),
        ]
        ends = [
            f"{name}: {annotation} = {{\n" + "".join(f"    {key}: {value},\n" for key, value in table.items()) + "}"
            for name, annotation, table in tables
        ]
        order = [chunk for chunk in self.classes if "):" not in chunk.splitlines()[1]]
        order += [chunk for chunk in self.classes if "):" in chunk.splitlines()[1]]
        return "\n\n\n".join([head, *order, "\n".join(aliases), "\n".join(ends)]) + "\n"


def refusals(schema: dict[str, Any]) -> str:
    """One class for each code."""
    names: dict[str, int] = schema["$defs"]["Code"]["x-names"]
    head = '''
        """One exception for each code of a refusal, generated by `tools/generate.py` from the published schema: not edited."""

        from __future__ import annotations

        from openauction.errors import Refused, RequestRefused, RuleRefused, ServerRefused, SessionRefused
        '''
    classes = [textwrap.dedent(head).strip()]
    table = []
    for name, number in sorted(names.items(), key=lambda item: item[1]):
        group = [group for least, group in GROUPS if number >= least][-1]
        class_name = camel(name)
        classes.append(
            f'class {class_name}({group}):\n    """The code `{name}`, {number}."""\n\n'
            f'    code = "{name}"\n    code_number = {number}'
        )
        table.append(f'    "{name}": {class_name},\n')
    classes.append("BY_CODE: dict[str, type[Refused]] = {\n" + "".join(table) + "}")
    return "\n\n\n".join(classes) + "\n"


def main() -> int:
    text = SCHEMA.read_text(encoding="utf-8")
    schema = json.loads(text)
    files = {"messages.py": Generator(schema).run(), "refusals.py": refusals(schema), "schema.json": text}
    stale = []
    for name, content in files.items():
        path = PACKAGE / name
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            stale.append(name)
            if "--check" not in sys.argv[1:]:
                path.write_text(content, encoding="utf-8")
    print(f"changed: {', '.join(stale) or 'nothing'}")
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
