"""Strategies: valid input of each format (a seed), and the same with bytes or cells changed."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date, datetime
from functools import cache, reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter
from hypothesis import strategies as st

from service.loading.readers.columns import KNOWN
from service.settings import find_in_tree
from tests.conftest import GOOD_ROW

# Fragments that readers have stumbled over, or might.
TOKENS: list[bytes] = [
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b'""', b"'", b";", b",", b"\t", b"|", b"=", b"{", b"}",
    b"\\", b"\xc3", b"\xed\xa0\x80", "é".encode("latin-1"), "\u202e".encode(), "\U0001f4a5".encode(), b"nan", b"-inf",
    b"1e309", b"-0", b"0x10", b"1_000", b"1.234,5", b"31.02.2024", b"9999-12-31", b"0000-00-00", b"infinity", b"epoch", b"NULL",
    b"=1+1", b"%s", b"{x}", b"${x}", b"' or 1=1 --", b"select", b"$1", b"../../etc/passwd", b"A" * 5000, b"[" * 200, b"&a",
    b"*a", b"!!python/none", b"<<: *a", b"- ", b": ", b"#", b"---\n", b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0",
    b"\x1f\x8b", b"%PDF",
]  # fmt: skip

Edit = tuple[str, int, int, bytes]

edits = st.tuples(
    st.sampled_from(["flip", "delete", "insert", "replace", "double", "cut"]),
    st.integers(0, 1 << 20),
    st.integers(0, 64),
    st.sampled_from(TOKENS) | st.binary(max_size=16),
)


def apply_edit(content: bytes, edit: Edit) -> bytes:
    """Return the content with one edit; positions wrap around."""
    kind, position, length, token = edit
    if not content:
        return token
    at = position % len(content)
    before, after = content[:at], content[at:]
    if kind == "flip":
        return before + bytes([after[0] ^ (1 << length % 8)]) + after[1:]
    if kind == "delete":
        return before + after[length:]
    if kind == "insert":
        return before + token + after
    if kind == "replace":
        return before + token + after[length:]
    if kind == "double":
        return before + after[:length] + after
    return before


def edit_bytes(seeds: st.SearchStrategy[bytes], longest: int = 8) -> st.SearchStrategy[bytes]:
    """Return contents that are a seed with some edits, and seldom a seed as it is."""
    return st.builds(lambda content, chosen: reduce(apply_edit, chosen, content), seeds, st.lists(edits, max_size=longest))


texts = st.text(max_size=12) | st.sampled_from(
    [
        "", " ", "nan", "1e309", "-0", "1,5", "1.234,5", "12 %", "=1+1", "31.12.2024", "2024-02-30", "9999-12-31", "x" * 3000,
        "\u202e", "\x0b", "\ufeff", "A", "V", "O", "L", "M", "ALL", "UNMISS", "sofa_incidents_new", "explosive_incidents",
        "training=Engineering", "{training=Engineering}", "a=b;a=b", "\ud800", '"', "$1", "' --",
    ]
)  # fmt: skip
scalars: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | texts
    | st.dates()
    | st.datetimes(timezones=st.none())
)


@st.composite
def tables(draw: st.DrawFn, cells: st.SearchStrategy[Any]) -> tuple[list[str], list[dict[str, Any]]]:
    """Rows that are good but for some cells, under a header that is good but for some names."""
    header = list(KNOWN)
    if draw(st.integers(0, 9)) == 0:
        header = draw(st.lists(st.sampled_from([*KNOWN, "batch_id", "Value", "x"]) | texts, max_size=12))
    rows = []
    for number in range(draw(st.integers(0, 6))):
        row: dict[str, Any] = {**GOOD_ROW, "mission": ["UNMISS", "UNIFIL", "UNISFA", "MONUSCO"][number % 4]}
        for column in draw(st.lists(st.sampled_from(KNOWN), max_size=3)):
            row[column] = draw(cells)
        rows.append(row)
    return header, rows


def write_csv(table: tuple[list[str], list[dict[str, Any]]], delimiter: str, encoding: str) -> bytes:
    header, rows = table
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows([row.get(name, "x") for name in header] for row in rows)
    return text.getvalue().encode(encoding, "replace")


def write_xlsx(table: tuple[list[str], list[dict[str, Any]]]) -> bytes:
    header, rows = table
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "nan_inf_to_errors": True}) as book:
        sheet = book.add_worksheet("Data")
        for column, name in enumerate(header):
            sheet.write_string(0, column, name.encode("utf-8", "replace").decode()[:100])
            for number, row in enumerate(rows, 1):
                value = row.get(name, "x")
                if isinstance(value, date | datetime):
                    value = value.isoformat()
                elif isinstance(value, str):
                    value = value.encode("utf-8", "replace").decode()
                elif isinstance(value, int) and not isinstance(value, bool):
                    value = float(value)
                sheet.write(number, column, value)
    return content.getvalue()


def write_parquet(table: tuple[list[str], list[dict[str, Any]]]) -> bytes:
    """Return a Parquet file; a column whose cells have no common type becomes text."""
    header, rows = table
    columns = []
    for name in header:
        values = [row.get(name, "x") for row in rows]
        try:
            columns.append(pa.array(values))
        except (pa.ArrowException, OverflowError, UnicodeError):
            columns.append(pa.array([str(value).encode("utf-8", "replace").decode() for value in values]))
    content = io.BytesIO()
    names = [name.encode("utf-8", "replace").decode() for name in header]
    pq.write_table(pa.Table.from_arrays(columns, names=names), content)
    return content.getvalue()


@cache
def list_seeds(pattern: str) -> list[bytes]:
    """Return the contents of files of the tree, the smaller ones."""
    files = sorted(find_in_tree(".").glob(pattern))
    return [file.read_bytes() for file in files if file.stat().st_size < 20_000]


GOOD_CSV = write_csv((list(KNOWN), [dict(GOOD_ROW), {**GOOD_ROW, "mission": "UNIFIL"}]), ",", "utf-8")
GOOD_XLSX = write_xlsx((list(KNOWN), [dict(GOOD_ROW), {**GOOD_ROW, "mission": "UNIFIL"}]))
GOOD_PARQUET = write_parquet((list(KNOWN), [dict(GOOD_ROW), {**GOOD_ROW, "mission": "UNIFIL"}]))

csv_files = (
    edit_bytes(st.just(GOOD_CSV))
    | edit_bytes(st.sampled_from(list_seeds("tests/bad_files/*.csv") + list_seeds("metrics/observations/*.csv")))
    | st.builds(write_csv, tables(scalars), st.sampled_from(",;\t|"), st.sampled_from(["utf-8", "cp1252", "utf-16"]))
    | st.binary(max_size=400)
)


def edit_workbook(member: str, chosen: list[Edit]) -> bytes:
    """Return the good workbook with edits in one of its XML files; the archive around it is right."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD_XLSX)) as source, zipfile.ZipFile(content, "w") as target:
        for name in source.namelist():
            text = source.read(name)
            target.writestr(name, reduce(apply_edit, chosen, text) if name == member else text)
    return content.getvalue()


with zipfile.ZipFile(io.BytesIO(GOOD_XLSX)) as archive:
    MEMBERS = archive.namelist()
edited_workbooks = st.builds(edit_workbook, st.sampled_from(MEMBERS), st.lists(edits, max_size=3))
xlsx_files = edited_workbooks | edit_bytes(st.just(GOOD_XLSX), longest=2) | st.builds(write_xlsx, tables(scalars))
parquet_files = edit_bytes(st.just(GOOD_PARQUET), longest=3) | st.builds(write_parquet, tables(scalars))

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


def write_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def change_member(content: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**content, name: value}


def json_bodies(*seeds: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """Return bodies that are a seed with one member replaced, a seed with bytes changed, or any JSON."""
    seed = st.sampled_from(seeds)
    changed = seed.flatmap(
        lambda content: st.builds(change_member, st.just(content), st.sampled_from(sorted(content)) | texts, json_values)
    )
    return changed.map(write_json) | edit_bytes(seed.map(write_json)) | json_values.map(write_json)


def definition_files(directory: Path) -> list[Path]:
    """Return the files of a catalogue directory that are definitions."""
    return sorted([*directory.glob("*.yaml"), *directory.glob("indicators/*.yaml")])
