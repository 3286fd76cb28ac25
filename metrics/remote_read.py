"""The encoding of Prometheus remote read: decodes requests, and encodes series and samples into responses.

The messages are those of proto/remote_read.proto, compiled by protobuf (`make proto`). The compression is snappy's block
format. Protocol: https://prometheus.io/docs/specs/prw/remote_read_spec/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise

import cramjam
import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from metrics.history import DAY_MS, JOB, JOB_LABEL, History, Integers, Matcher
from metrics.remote_read_grid import Plan, Request
from metrics.remote_read_pb2 import (
    EncodedQueryResult,
    EncodedReadResponse,
    Label,
    LabelMatcher,
    Query,
    ReadHints,
    ReadRequest,
    Sample,
    TimeSeries,
)

# The stale marker of Prometheus (model/value/value.go). It is copied as bits, since a copy as float could change the NaN.
STALE_BITS = np.uint64(0x7FF0000000000002)
OPERATORS = {LabelMatcher.EQ: "=", LabelMatcher.NEQ: "!=", LabelMatcher.RE: "=~", LabelMatcher.NRE: "!~"}
# Series and samples of one part. Other threads can run between two parts.
PART_SERIES = 2_000
PART_SAMPLES = 50_000
# From 1971 to 2109 a timestamp in milliseconds takes six bytes, so that samples are records of one size.
RECORD = np.dtype([("before", "u1", 3), ("value", "<u8"), ("after", "u1", 7)])
FIRST_RECORD_MS, LAST_RECORD_MS = 1 << 35, (1 << 42) - 1
# The end of current values, later than all other instants.
FAR_MS = 400_000 * DAY_MS


# The tag before the length of a result in a response.
RESULT_TAG = EncodedReadResponse(results=[b""]).SerializeToString()[:1]
CHUNK_BYTES = 1 << 20


class MalformedRequest(Exception):
    """A body that is not a remote-read request. The message has the reason."""


def decode_request(body: bytes, limit_bytes: int) -> ReadRequest:
    """Return the request in a body. Raises MalformedRequest, without decompressing more than `limit_bytes`."""
    try:
        size = cramjam.snappy.decompress_raw_len(body) if body else 0
    except cramjam.DecompressionError as error:
        raise MalformedRequest(f"the body is not in snappy's block format: {error}") from None
    if not size:
        raise MalformedRequest("the body is empty")
    if size > limit_bytes:
        raise MalformedRequest(
            f"the body has {size:,} bytes decompressed, more than the {limit_bytes:,} of A4P_REMOTE_READ_REQUEST_BYTES"
        )
    try:
        raw = bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise MalformedRequest(f"the body is not in snappy's block format: {error}") from None
    request = ReadRequest()
    try:
        request.ParseFromString(raw)
    except (DecodeError, UnicodeDecodeError):
        raise MalformedRequest("the body is snappy, but not a protobuf message prometheus.ReadRequest") from None
    accepted = request.accepted_response_types
    if accepted and ReadRequest.SAMPLES not in accepted:
        raise MalformedRequest("no accepted response type is supported; add SAMPLES")
    return request


def read_query(query: Query) -> tuple[list[Matcher], Request]:
    """Return the matchers and the time parameters of a query. Raises MalformedRequest for an unknown matcher type."""
    matchers = []
    for matcher in query.matchers:
        operator = OPERATORS.get(matcher.type)
        if operator is None:
            raise MalformedRequest(f"unknown matcher type {matcher.type} of the label {matcher.name!r}")
        matchers.append(Matcher(matcher.name, operator, matcher.value))  # type: ignore[arg-type]
    has_hints = query.HasField("hints")
    hints = query.hints
    # The hints are more precise if a client sets them.
    is_timed = has_hints and (hints.start_ms or hints.end_ms)
    start, end = (hints.start_ms, hints.end_ms) if is_timed else (query.start_timestamp_ms, query.end_timestamp_ms)
    return matchers, Request(start, end, hints.step_ms, hints.range_ms, hints.func, has_hints)


class ResponseWriter:
    """Builds a compressed response in parts, to save memory and to let other threads run.

    Snappy's block format is the total length, then elements that refer back within their block. So separately compressed
    blocks without their length prefixes can be concatenated to one block.
    """

    def __init__(self) -> None:
        self._blocks: list[memoryview] = []
        self._size = 0

    def write_result(self, parts: Iterable[bytes]) -> None:
        """Add the result of one query, given in parts."""
        place = len(self._blocks)
        size = sum(self._compress(part) for part in parts)
        head = RESULT_TAG + _encode_varint(size)
        self._compress(head)
        # Its length is known only now.
        self._blocks.insert(place, self._blocks.pop())

    def finish(self) -> list[bytes]:
        """Return the compressed response, in chunks of about a megabyte."""
        chunks = []
        waiting: list[bytes | memoryview] = [_encode_varint(self._size)]
        size = 0
        for block in self._blocks:
            waiting.append(block)
            size += len(block)
            if size >= CHUNK_BYTES:
                chunks.append(b"".join(waiting))
                waiting, size = [], 0
        if waiting:
            chunks.append(b"".join(waiting))
        return chunks

    def _compress(self, part: bytes) -> int:
        if part:
            self._blocks.append(memoryview(cramjam.snappy.compress_raw(part))[len(_encode_varint(len(part))) :])
            self._size += len(part)
        return len(part)


def _encode_varint(number: int) -> bytes:
    """Return an unsigned number as protobuf and snappy write it, by way of a message that has a byte before it."""
    return ReadHints(step_ms=number).SerializeToString()[1:] or b"\0"


def encode_series(history: History, selected: Integers, plan: Plan) -> Iterator[tuple[bytes, int, int]]:
    """Yield parts of a query result as (bytes, series, samples); concatenated they are the result of the selected series.

    A part may be empty: new instants are being encoded.
    """
    if not len(selected):
        return
    encoder: _SampleEncoder | None = None
    if plan.kind == "samples":
        encoder = _make_sample_encoder(_list_timestamps(history, selected, plan), plan.grid)
    part = max(1, min(PART_SERIES, PART_SAMPLES // max(1, len(plan.grid))))
    for first in range(0, len(selected), part):
        numbers = selected[first : first + part]
        owners, days, bits, ends = _list_rows(history, numbers, plan)
        if encoder is None:
            non_empty = np.unique(owners[bits != STALE_BITS])
            yield _frame(_list_labels(history, numbers[non_empty]), [b""] * len(non_empty)), len(non_empty), 0
            continue
        counts, indexes, values = _list_samples(owners, days, bits, ends, plan, encoder, len(numbers))
        non_empty = np.flatnonzero(counts)
        for _ in encoder.prepare(indexes):
            yield b"", 0, 0
        yield (
            _frame(_list_labels(history, numbers[non_empty]), encoder.encode(indexes, values, counts[non_empty])),
            len(non_empty),
            len(indexes),
        )


def _list_rows(history: History, numbers: Integers, plan: Plan) -> tuple[Integers, Integers, npt.NDArray[np.uint64], Integers]:
    """Return the rows of some series that are valid in the time of the plan: owner (index in `numbers`), instant, bits, end."""
    counts = history.offsets[numbers + 1] - history.offsets[numbers]
    owners = np.repeat(np.arange(len(numbers)), counts)
    rows = _count_up(history.offsets[numbers], counts)
    starts = history.starts[rows].astype(np.int64)
    ends = np.empty_like(starts)
    ends[:-1] = starts[1:]
    ends[np.cumsum(counts)[counts > 0] - 1] = FAR_MS // history.tick_ms
    values = history.values[rows]
    grows = history.grows[numbers]
    # A row that ended at the start remains if it is a stale marker.
    first, last = plan.start_ms // history.tick_ms, plan.end_ms // history.tick_ms
    in_range = (ends > first) & (starts <= last)
    owners, starts, ends, values = owners[in_range], starts[in_range], ends[in_range], values[in_range]
    if grows.any():
        owners, starts, ends, values = _unfold_days(owners, starts, ends, values, grows, first, last)
    bits = values.view(np.uint64).copy()
    bits[np.isnan(values)] = STALE_BITS
    return owners, starts * history.tick_ms, bits, ends * history.tick_ms


def _unfold_days(
    owners: Integers,
    starts: Integers,
    ends: Integers,
    values: npt.NDArray[np.float64],
    grows: npt.NDArray[np.bool_],
    first_day: int,
    last_day: int,
) -> tuple[Integers, Integers, Integers, npt.NDArray[np.float64]]:
    """Return the rows with those of growing series as one row for each day."""
    is_growing = grows[owners] & ~np.isnan(values)
    begin = np.where(is_growing, np.maximum(starts, first_day), starts)
    # Negative for a query that ends before it starts.
    counts = np.maximum(np.where(is_growing, np.minimum(ends, last_day + 1) - begin, 1), 0)
    further = _count_up(np.zeros(len(counts), np.int64), counts)
    unfolded = np.repeat(begin, counts) + further
    grown = np.where(np.repeat(is_growing, counts), unfolded - np.repeat(starts, counts), 0)
    next_start = np.where(np.repeat(is_growing, counts), unfolded + 1, np.repeat(ends, counts))
    return np.repeat(owners, counts), unfolded, next_start, np.repeat(values, counts) + grown


def _list_samples(
    owners: Integers,
    starts: Integers,
    bits: npt.NDArray[np.uint64],
    ends: Integers,
    plan: Plan,
    encoder: _SampleEncoder,
    series_count: int,
) -> tuple[Integers, Integers, npt.NDArray[np.uint64]]:
    """Return samples per series, and of each sample the index of its timestamp and its bits."""
    is_end = bits == STALE_BITS
    first = np.searchsorted(plan.grid, np.maximum(starts, plan.start_ms))
    on_grid = np.where(is_end, 0, np.searchsorted(plan.grid, np.minimum(ends, plan.end_ms + 1)) - first)
    is_change_sent = (starts >= plan.start_ms) & (starts <= plan.end_ms) & np.where(is_end, plan.ends, plan.changes)
    if len(plan.grid):
        # On the grid already.
        is_change_sent &= is_end | (plan.grid[np.minimum(first, len(plan.grid) - 1)] != starts)
    counts = on_grid + is_change_sent
    further = _count_up(np.zeros(len(counts), np.int64), counts)
    has_change = np.repeat(is_change_sent, counts)
    position = np.repeat(first, counts) + further - has_change
    start_index = np.repeat(np.searchsorted(encoder.timestamps, starts), counts)
    if len(plan.grid):
        indexes = np.where(
            has_change & (further == 0), start_index, encoder.grid_index[np.clip(position, 0, len(plan.grid) - 1)]
        )
    else:
        indexes = start_index
    per_series = np.bincount(owners, weights=counts, minlength=series_count).astype(np.int64)
    return per_series, indexes, np.repeat(bits, counts)


def _count_up(starts: Integers, counts: Integers) -> Integers:
    """Return start, start + 1, ... for each start, with the length of its count."""
    total = int(counts.sum())
    return np.arange(total) + np.repeat(starts - np.cumsum(counts) + counts, counts)


class _SampleEncoder:
    """Encodes samples at any of some instants. `grid_index` has the positions of the grid among them."""

    def __init__(self, timestamps: Integers, grid: Integers) -> None:
        self.timestamps = timestamps
        self.grid_index = np.searchsorted(timestamps, grid)

    def prepare(self, indexes: Integers) -> Iterator[None]:
        """Prepare the encoder for samples at these instants, in steps."""
        yield

    def encode(self, indexes: Integers, bits: npt.NDArray[np.uint64], counts: Integers) -> list[bytes]:
        """Return the samples of each series, encoded as part of a TimeSeries. `counts` has the number for each."""
        values = bits.view(np.float64)
        times = self.timestamps[indexes].tolist()
        bounds = np.concatenate(([0], np.cumsum(counts))).tolist()
        return [
            TimeSeries(
                samples=[Sample(value=values[row], timestamp=times[row]) for row in range(first, last)]
            ).SerializeToString()
            for first, last in pairwise(bounds)
        ]


class _RecordEncoder(_SampleEncoder):
    """Encoded samples of one size: protobuf writes one for each timestamp, and only its value is replaced after that.

    Ten times as fast as an object for each sample. A double is its eight bytes, little end first
    (https://protobuf.dev/programming-guides/encoding/#non-varints).
    """

    def __init__(self, timestamps: Integers, grid: Integers) -> None:
        super().__init__(timestamps, grid)
        self._records = np.zeros(len(timestamps), RECORD)
        self._is_encoded = np.zeros(len(timestamps), np.bool_)

    def prepare(self, indexes: Integers) -> Iterator[None]:
        is_used = np.zeros(len(self.timestamps), np.bool_)
        is_used[indexes] = True
        missing = np.flatnonzero(is_used & ~self._is_encoded)
        for first in range(0, len(missing), PART_SAMPLES):
            new = missing[first : first + PART_SAMPLES]
            message = TimeSeries()
            # Two thirds of the time of a list of Sample.
            add = message.samples.add
            for timestamp in self.timestamps[new].tolist():
                add(value=1, timestamp=timestamp)
            self._records[new] = np.frombuffer(message.SerializeToString(), RECORD)
            self._is_encoded[new] = True
            yield

    def encode(self, indexes: Integers, bits: npt.NDArray[np.uint64], counts: Integers) -> list[bytes]:
        records = self._records[indexes]
        records["value"] = bits
        encoded = records.tobytes()
        bounds = np.concatenate(([0], np.cumsum(counts * RECORD.itemsize))).tolist()
        return [encoded[first:last] for first, last in pairwise(bounds)]


def _list_timestamps(history: History, selected: Integers, plan: Plan) -> Integers:
    """Return every instant (ms, ascending) of possible samples."""
    if not plan.changes and not plan.ends:
        return plan.grid
    first, last = -(-plan.start_ms // history.tick_ms), plan.end_ms // history.tick_ms
    known = history.distinct_starts
    if history.grows[selected].any():
        ticks = np.arange(max(first, int(known[0])), last + 1)
    else:
        ticks = known[np.searchsorted(known, first) : np.searchsorted(known, last, "right")].astype(np.int64)
    return np.union1d(plan.grid, ticks * history.tick_ms)


def _make_sample_encoder(timestamps: Integers, grid: Integers) -> _SampleEncoder:
    if timestamps.size and (timestamps[0] < FIRST_RECORD_MS or timestamps[-1] > LAST_RECORD_MS):
        return _SampleEncoder(timestamps, grid)
    return _RecordEncoder(timestamps, grid)


def _list_labels(history: History, numbers: Integers) -> list[bytes]:
    """Return the encoded labels of series, sorted by name as the protocol requires."""
    columns: list[list[bytes]] = []
    for name in sorted([*history.labels, JOB_LABEL]):
        if name == JOB_LABEL:
            columns.append([_encode_label(JOB_LABEL, JOB)] * len(numbers))
            continue
        codes = history.labels[name].codes[numbers]
        present = np.unique(codes)
        if len(present) == 1 and present[0] == 0:
            continue
        values = history.labels[name].values
        encoded = {code: _encode_label(name, values[code]) if code else b"" for code in present.tolist()}
        columns.append([encoded[code] for code in codes.tolist()])
    return [b"".join(labels) for labels in zip(*columns, strict=True)]


@lru_cache(maxsize=100_000)
def _encode_label(name: str, value: str) -> bytes:
    return TimeSeries(labels=[Label(name=name, value=value)]).SerializeToString()


def _frame(labels: list[bytes], samples: list[bytes]) -> bytes:
    """Return part of a query result: messages of one type that follow one another are one message to protobuf."""
    return EncodedQueryResult(
        timeseries=[label + sample for label, sample in zip(labels, samples, strict=True)]
    ).SerializeToString()
