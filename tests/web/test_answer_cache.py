"""Cached answers are bounded by their number and their bytes."""

from __future__ import annotations

from typing import cast

from flask import Flask

from service.snapshots.read_copy import ReadCopy
from service.system.fairness import FairSlots
from service.web.answer_cache import AnswerCache

COPY = cast(ReadCopy, object())
NEWER_COPY = cast(ReadCopy, object())


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
