"""Cached answers are bounded by their number and their bytes, and texts are sent compressed."""

from __future__ import annotations

import gzip
from typing import cast

import pytest
from flask import Flask, Response

from service.snapshots.read_copy import ReadCopy, use_copy
from service.system.fairness import FairSlots
from service.web.answer_cache import AnswerCache, answer_compressed, compress


class FakeCopy:
    def __init__(self, number: int) -> None:
        self.number = number


COPY = cast(ReadCopy, FakeCopy(1))
NEWER_COPY = cast(ReadCopy, FakeCopy(2))
TEXT = "<p>Incidents in UNMISS</p>\n" * 500


def find(cache: AnswerCache[bytes], key: str, body: bytes, copy: ReadCopy = COPY) -> bool:
    """Return whether the answer for a key was cached; if not, it is now."""
    made: list[str] = []

    def make() -> bytes:
        made.append(key)
        return body

    with Flask("test").test_request_context():
        assert cache.find(copy, (key,), make) == body
    return not made


def test_the_oldest_answers_are_evicted_beyond_the_limit_of_bytes() -> None:
    cache: AnswerCache[bytes] = AnswerCache(100, FairSlots(1, 1), max_bytes=1000)
    for key in "abcde":
        assert not find(cache, key, b"x" * 250)
    assert not find(cache, "a", b"x" * 250)
    assert find(cache, "e", b"x" * 250)
    # An answer above the limit replaces all others.
    assert not find(cache, "large", b"x" * 2000)
    assert find(cache, "large", b"x" * 2000)
    assert not find(cache, "e", b"x" * 250)
    assert not find(cache, "large", b"x" * 2000)


def test_the_oldest_answers_are_evicted_beyond_the_limit_of_their_number() -> None:
    cache: AnswerCache[bytes] = AnswerCache(2, FairSlots(1, 1))
    for key in "abc":
        assert not find(cache, key, b"x")
    assert find(cache, "c", b"x")
    assert not find(cache, "a", b"x")


def test_a_newer_read_copy_clears_the_cache() -> None:
    cache: AnswerCache[bytes] = AnswerCache(100, FairSlots(1, 1), max_bytes=1000)
    for key in "abcd":
        find(cache, key, b"x" * 250)
    assert not find(cache, "a", b"y" * 250, NEWER_COPY)
    for key in "bcd":
        assert not find(cache, key, b"y" * 250, NEWER_COPY)
    assert find(cache, "a", b"y" * 250, NEWER_COPY)


def request_text(accept: str) -> Response:
    with Flask("test").test_request_context(headers={"Accept-Encoding": accept} if accept else {}):
        response = answer_compressed(compress(TEXT), "text/html; charset=utf-8")
        response.direct_passthrough = False
        response.get_data()
        return response


def test_a_browser_receives_the_compressed_text() -> None:
    answer = request_text("gzip, deflate, br")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < len(TEXT) / 10
    assert gzip.decompress(answer.data).decode() == TEXT


@pytest.mark.parametrize("accept", ["", "br", "gzip;q=0"])
def test_a_client_without_gzip_receives_the_text_itself(accept: str) -> None:
    answer = request_text(accept)
    assert "Content-Encoding" not in answer.headers
    assert answer.data.decode() == TEXT


def test_caches_between_browser_and_service_keep_both_forms_apart() -> None:
    answers = [request_text("gzip"), request_text("")]
    assert all("Accept-Encoding" in answer.headers["Vary"] for answer in answers)
    assert len({answer.headers["ETag"] for answer in answers}) == 2


def test_the_same_text_has_the_same_tag_later() -> None:
    assert compress(TEXT) == compress(TEXT.encode())


def test_answers_from_a_prepared_copy_do_not_replace_those_of_the_shown_one() -> None:
    cache: AnswerCache[bytes] = AnswerCache(100, FairSlots(1, 1), is_prepared=True)
    find(cache, "page", b"old")
    with use_copy(NEWER_COPY):
        assert not find(cache, "page", b"new", NEWER_COPY)
    assert find(cache, "page", b"old")
    assert find(cache, "page", b"new", NEWER_COPY), "shown now"
    # A request that began before: its answer is neither cached nor does it clear the cache.
    assert not find(cache, "page", b"old")
    assert not find(cache, "page", b"old")
    assert find(cache, "page", b"new", NEWER_COPY)
