"""Strategies of remote read: queries with any matchers, instants and hints, and bodies that are damaged requests."""

from __future__ import annotations

from hypothesis import strategies as st

from metrics.remote_read_pb2 import LabelMatcher, Query, ReadHints, ReadRequest
from tests.fuzz.inputs import edit_bytes
from tests.fuzz.inputs import texts as any_texts
from tests.history.remote_read_client import DAY, compress, milliseconds

instants = st.integers(-(2**63), 2**63 - 1) | st.integers(milliseconds("1890-01-01"), milliseconds("2200-01-01"))
durations = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 1000, DAY])
texts = any_texts.map(lambda text: text.encode("utf-8", "replace").decode()) | st.sampled_from(
    ["__name__", "job", "mission", "a4p-history", "a4p_.*", "UNMISS", "UN.+", ".*", "(", "[", "\\", "a\x00b", "(?i)x"]
)
# Types 4 and 77 do not exist.
matchers = st.builds(LabelMatcher, name=texts, type=st.sampled_from([0, 1, 2, 3, 4, 77]), value=texts)
hints = st.builds(
    ReadHints,
    start_ms=instants,
    end_ms=instants,
    step_ms=durations,
    range_ms=durations,
    func=texts | st.sampled_from(["series", "max_over_time", "sum"]),
)
queries = st.builds(
    Query,
    start_timestamp_ms=instants,
    end_timestamp_ms=instants,
    matchers=st.lists(matchers, max_size=4),
    hints=st.none() | hints,
)
messages = st.lists(queries, max_size=3).map(lambda several: ReadRequest(queries=several).SerializeToString())
bodies = (
    st.binary(max_size=200)
    | st.binary(max_size=200).map(compress)
    | edit_bytes(messages).map(compress)
    | edit_bytes(messages.map(compress))
)
