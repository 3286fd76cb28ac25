"""The exact bytes of the exposition."""

from __future__ import annotations

import gzip
import math
import zlib

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from metrics.checksum import combine_checksums
from metrics.exposition import Block, Exposition, assemble_exposition
from metrics.families import Family
from service.snapshots import snapshot
from service.snapshots.snapshot import read_blocks

RATIO = Family("a4p_x_ratio", 'Share of "x" \\ y. Unit: ratio.', "ratio")
COUNT = Family("a4p_y", "Things.", "")


def render(samples: list[tuple[str, dict[str, str], float]]) -> Exposition:
    with duckdb.connect() as connection:
        connection.execute("create table samples (metric varchar, labels map(varchar, varchar), value double)")
        for sample in samples:
            connection.execute("insert into samples values (?, ?, ?)", list(sample))
        blocks: dict[str, list[Block]] = {}
        for (metric, *_), block in read_blocks(connection).items():
            blocks.setdefault(metric, []).append(block)
    return assemble_exposition([COUNT, RATIO], blocks)


def test_the_text_format_to_the_byte() -> None:
    exposition = render(
        [
            ("a4p_x_ratio", {"mission": "UNMISS"}, 0.25),
            ("a4p_x_ratio", {"mission": "ALL", "training": 'a"b\\c\nd'}, 1.0),
        ]
    )
    assert b"".join(exposition.text.chunks) == (
        b'# HELP a4p_x_ratio Share of "x" \\\\ y. Unit: ratio.\n'
        b"# TYPE a4p_x_ratio gauge\n"
        b'a4p_x_ratio{mission="ALL",training="a\\"b\\\\c\\nd"} 1\n'
        b'a4p_x_ratio{mission="UNMISS"} 0.25\n'
    )


def test_openmetrics_to_the_byte() -> None:
    exposition = render([("a4p_x_ratio", {"mission": "UNMISS"}, 0.25), ("a4p_y", {"mission": "UNMISS"}, 125.0)])
    assert b"".join(exposition.openmetrics.chunks) == (
        b"# HELP a4p_y Things.\n"
        b"# TYPE a4p_y gauge\n"
        b'a4p_y{mission="UNMISS"} 125\n'
        b'# HELP a4p_x_ratio Share of \\"x\\" \\\\ y. Unit: ratio.\n'
        b"# TYPE a4p_x_ratio gauge\n"
        b"# UNIT a4p_x_ratio ratio\n"
        b'a4p_x_ratio{mission="UNMISS"} 0.25\n'
    )


@pytest.mark.parametrize("count", range(1, 8))
@pytest.mark.parametrize("text", ["plain", 'a"b', "a\\b", "a\nb"])
def test_any_number_of_labels_is_escaped_where_needed(count: int, text: str) -> None:
    labels = {"mission": "UNMISS"} | {f"label_{number}": text for number in range(1, count)}
    exposition = render([("a4p_y", labels, 1.0), ("a4p_y", {"mission": "ALL"}, 2.0), ("a4p_x_ratio", labels, 0.5)])
    read = list(parse_text(b"".join(exposition.text.chunks).decode()))
    assert [sample.labels for family in read for sample in family.samples] == [{"mission": "ALL"}, labels, labels]


@pytest.mark.parametrize("part", [1, 2, 3, 100])
def test_parts_of_any_size_have_every_metric_once(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "PART_SAMPLES", part)
    with duckdb.connect() as connection:
        connection.execute(
            "create table samples as select 'a4p_' || (range % 5) as metric, map {'n': range::varchar} as labels, 1.0 as value "
            "from range(12)"
        )
        blocks = read_blocks(connection)
    assert sorted(blocks) == sorted((f"a4p_{number % 5}", str(number), "") for number in range(12))
    assert sum(block.sample_count for block in blocks.values()) == 12


def test_a_family_without_samples_is_left_out() -> None:
    assert b"a4p_y" not in b"".join(render([("a4p_x_ratio", {"mission": "ALL"}, 1.0)]).text.chunks)


def test_gzip_is_one_member_with_the_tail_in_it() -> None:
    body = render([("a4p_y", {"mission": "UNMISS"}, 125.0)]).text
    tail = b"# own metrics\n"
    compressed = b"".join(body.finish_gzip(tail))
    assert gzip.decompress(compressed) == b"".join(body.finish_plain(tail))
    # A second member would begin with another header.
    assert compressed.count(b"\x1f\x8b\x08") == 1


def test_a_body_can_be_finished_repeatedly() -> None:
    body = render([("a4p_y", {"mission": "UNMISS"}, 125.0)]).text
    for tail in (b"first\n", b"", b"third\n"):
        assert gzip.decompress(b"".join(body.finish_gzip(tail))).endswith(b"125\n" + tail)


label_values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
values = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=200, deadline=None)
@given(label=label_values, value=values)
def test_any_label_value_and_number_survive_a_round_trip(label: str, value: float) -> None:
    exposition = render([("a4p_y", {"mission": "UNMISS", "note": label}, value)])
    families = [
        *parse_text(b"".join(exposition.text.chunks).decode()),
        *parse_openmetrics(b"".join(exposition.openmetrics.chunks).decode() + "# EOF\n"),
    ]
    assert len(families) == 2
    for family in families:
        (sample,) = family.samples
        assert sample.labels == {"mission": "UNMISS", "note": label}
        assert sample.value == value


@pytest.mark.parametrize("value", [0.0, -0.0, 1e15, 2.0**53, 2.0**53 + 2, 1e300, 5e-324, 0.1, -3.5])
def test_numbers_read_back_exactly(value: float) -> None:
    (family,) = parse_text(b"".join(render([("a4p_y", {"mission": "UNMISS"}, value)]).text.chunks).decode())
    assert math.isclose(family.samples[0].value, value, rel_tol=0, abs_tol=0)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_checksums_of_parts_are_combined_to_that_of_the_whole(first: bytes, second: bytes) -> None:
    assert combine_checksums(zlib.crc32(first), zlib.crc32(second), len(second)) == zlib.crc32(first + second)


@pytest.mark.parametrize("series", [1, 3000])
def test_large_blocks_are_compressed_by_themselves_and_their_text_is_not_retained(series: int) -> None:
    exposition = render([("a4p_y", {"mission": name, "n": str(n)}, n) for name in ("UNMISS", "MINUSCA") for n in range(series)])
    block = Block.make(b"".join(b'a4p_y{mission="UNMISS",n="%d"} %d\n' % (n, n) for n in range(series)), series)
    assert bool(block.text) == (series == 1)
    assert bool(block.fragment) == (series > 1)
    for body in (exposition.text, exposition.openmetrics):
        tail = b"# EOF\n"
        whole = gzip.decompress(b"".join(body.finish_gzip(tail)))
        assert whole == b"".join(body.finish_plain(tail))
        assert len(whole) == body.size + len(tail)
        missions = [line.split(b'"')[1] for line in whole.splitlines() if line.startswith(b"a4p_y")]
        assert missions == [b"MINUSCA"] * series + [b"UNMISS"] * series
