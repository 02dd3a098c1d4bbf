"""Reads exports with the data tools, and compares each value and each total with the CSV; then runs the examples of a document.

The working folder holds a folder for each market, with its exports as csv, parquet and arrow. All blocks marked `python` of
the document named as argument run in order, in one namespace, in the folder `auctions`.
"""

import csv
import os
import re
import sys
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.compute
import pyarrow.parquet

MONEY, INTEGER, TEXT = pyarrow.decimal128(18, 4), pyarrow.int64(), pyarrow.string()
TIME = pyarrow.timestamp("us", tz="UTC")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def micros(time):
    """Microseconds since 1970, without a float."""
    passed = time - EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def expected(path, schema):
    """The rows of a CSV, by the types of a schema; times as microseconds."""

    def value(text, kind):
        if text == "":
            return None
        if kind == MONEY:
            return Decimal(text)
        if kind == INTEGER:
            return int(text)
        if kind == TIME:
            return micros(datetime.fromisoformat(text))
        return text

    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == schema.names, (path, header, schema.names)
    return [tuple(map(value, row, schema.types)) for row in rows]


def plain(rows):
    """Rows with times as microseconds."""
    return [tuple(micros(value) if isinstance(value, datetime) else value for value in row) for row in rows]


def of_pyarrow(table):
    return plain(zip(*(column.to_pylist() for column in table.columns))) if table.num_rows else []


def of_pandas(frame):
    return of_pyarrow(pyarrow.Table.from_pandas(frame, preserve_index=False))


def of_duckdb(relation, schema):
    columns = (f'epoch_us("{name}")' if kind == TIME else f'"{name}"' for name, kind in zip(schema.names, schema.types))
    return relation.project(", ".join(columns)).fetchall()


def totals(rows, schema):
    """The exact total of each column of money and numbers."""
    return {
        name: sum(row[at] for row in rows if row[at] is not None)
        for at, (name, kind) in enumerate(zip(schema.names, schema.types))
        if kind in (MONEY, INTEGER)
    }


def check_totals(wanted, table, frame, relation, where):
    for name, total in wanted.items():
        column = table[name]
        found = {
            "pyarrow": pyarrow.compute.sum(column, min_count=0).as_py(),
            "polars": frame[name].sum(),
            "duckdb": relation.aggregate(f'coalesce(sum("{name}"), 0)').fetchall()[0][0],
            "pandas": column.to_pandas(types_mapper=pandas.ArrowDtype).sum(),
        }
        for tool, sum_found in found.items():
            assert sum_found == total, (where, name, tool, sum_found, total)


def check(folder, what):
    parquet, arrow = folder / f"{what}.parquet", folder / f"{what}.arrow"
    table = pyarrow.parquet.read_table(parquet)
    schema = pyarrow.schema([(field.name, field.type) for field in table.schema])
    assert set(schema.types) <= {MONEY, INTEGER, TEXT, TIME}, schema
    rows = expected(folder / f"{what}.csv", schema)
    in_arrow = pyarrow.ipc.open_file(arrow).read_all()
    assert in_arrow.schema.equals(schema), (in_arrow.schema, schema)
    frames = polars.read_parquet(parquet), polars.read_ipc(arrow)
    relations = duckdb.read_parquet(str(parquet)), duckdb.from_arrow(in_arrow)
    found = {
        "pyarrow": of_pyarrow(table),
        "pyarrow of arrow": of_pyarrow(in_arrow),
        "polars": plain(frames[0].rows()),
        "polars of arrow": plain(frames[1].rows()),
        "duckdb": of_duckdb(relations[0], schema),
        "duckdb of arrow": of_duckdb(relations[1], schema),
        "pandas": of_pandas(pandas.read_parquet(parquet, dtype_backend="pyarrow")),
        "pandas of arrow": of_pandas(in_arrow.to_pandas(types_mapper=pandas.ArrowDtype)),
    }
    for tool, read in found.items():
        assert read == rows, (folder.name, what, tool, [pair for pair in zip(read, rows) if pair[0] != pair[1]][:3])
    wanted = totals(rows, schema)
    for data, frame, relation in zip((table, in_arrow), frames, relations):
        check_totals(wanted, data, frame, relation, (folder.name, what))
    groups = pyarrow.parquet.ParquetFile(parquet).metadata
    for group in range(groups.num_row_groups):
        for at, kind in enumerate(schema.types):
            column = groups.row_group(group).column(at)
            assert kind == TEXT or column.physical_type == "INT64", column
            assert column.compression == "ZSTD", column
    return len(rows)


def run_examples(document):
    blocks = re.findall(r"^```python\n(.*?)^```", document.read_text(encoding="utf-8"), re.S | re.M)
    assert blocks, f"{document}: no examples"
    namespace = {}
    for number, block in enumerate(blocks, 1):
        assert "assert" in block, f"example {number} asserts nothing"
        exec(compile(block, f"{document.name}, example {number}", "exec"), namespace)
    return len(blocks)


def main():
    document = Path(sys.argv[1]).resolve()
    counts = {}
    for path in sorted(Path(".").glob("*/*.parquet")):
        counts[f"{path.parent.name} {path.stem}"] = check(path.parent, path.stem)
    assert len(counts) == 12, counts
    for needed in ("auctions users", "auctions bids", "auctions results", "day trades", "day bars", "day orders"):
        assert counts[needed] > 0, counts
    assert counts["auctions bids"] > 8_192, counts
    os.chdir("auctions")
    examples = run_examples(document)
    print(f"{counts}; {examples} examples")


main()
