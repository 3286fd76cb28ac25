"""A cache of answers that are expensive to compute, valid until the read copy is replaced."""

from __future__ import annotations

import gzip
import hashlib
import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from flask import Response, current_app, request

from service.snapshots.read_copy import ReadCopy, find_copy
from service.system.fairness import FairSlots
from service.system.time_limit import left_seconds
from service.web.chunks import make_chunked_response
from service.web.clients import find_client
from service.web.recent_pages import RecentPages

Answer = TypeVar("Answer")
MAX_WAIT_SECONDS = 60.0
# Of one cache: several times the pages of all indicators. Without it, requests for pages of many instants could fill 100 MB.
MAX_CACHED_BYTES = 4 << 20
# A page of 400 kB takes 4 ms and becomes 40 kB; the highest level takes 6 ms for 1 % less.
COMPRESSION_LEVEL = 6
# The RecentPages of an application, among its extensions.
RECENT_PAGES = "recent_pages"


class _Answers(Generic[Answer]):
    """The answers of one copy by key, which do not keep the copy open."""

    def __init__(self, copy: ReadCopy) -> None:
        self.copy = weakref.ref(copy)
        self.number = copy.number
        self.by_key: dict[tuple[object, ...], Answer] = {}
        self.size = 0


class AnswerCache(Generic[Answer]):
    """Answers of one read copy by key. A new read copy clears the cache.

    Beyond `max_answers`, and beyond `max_bytes` for answers that are bytes, the oldest answers are evicted.
    Computing an answer takes one of `slots`. Cache hits never wait.

    With `is_prepared`, answers to recent requests are made from a new copy before it is shown, beside those of the shown copy.
    """

    def __init__(
        self, max_answers: int, slots: FairSlots, max_bytes: int = MAX_CACHED_BYTES, is_prepared: bool = False
    ) -> None:
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._slots = slots
        self._is_prepared = is_prepared
        self._lock = threading.Lock()
        self._shown: _Answers[Answer] | None = None
        self._prepared: _Answers[Answer] | None = None

    def find(self, copy: ReadCopy, key: tuple[object, ...], make: Callable[[], Answer]) -> Answer:
        """Return the answer for this key, computed by `make` if it is not cached."""
        answer = self._look_up(copy, key)
        if answer is None:
            with self._slots.take(find_client(), left_seconds(MAX_WAIT_SECONDS)):
                answer = self._look_up(copy, key)
                if answer is None:
                    answer = make()
                    self._store(copy, key, answer)
        recent = current_app.extensions.get(RECENT_PAGES)
        if self._is_prepared and isinstance(recent, RecentPages) and find_copy() is None:
            recent.record()
        return answer

    def _look_up(self, copy: ReadCopy, key: tuple[object, ...]) -> Answer | None:
        with self._lock:
            answers = self._select(copy)
            return answers.by_key.get(key) if answers else None

    def _store(self, copy: ReadCopy, key: tuple[object, ...], answer: Answer) -> None:
        with self._lock:
            if answers := self._select(copy):
                answers.by_key[key] = answer
                answers.size += _measure(answer)
                while len(answers.by_key) > 1 and (len(answers.by_key) > self._max_answers or answers.size > self._max_bytes):
                    answers.size -= _measure(answers.by_key.pop(next(iter(answers.by_key))))

    def _select(self, copy: ReadCopy) -> _Answers[Answer] | None:
        """Return the answers of a copy, none if it is older than the shown one: a request that began before."""
        if find_copy() is copy:
            if self._prepared is None or self._prepared.copy() is not copy:
                self._prepared = _Answers(copy)
            return self._prepared
        if self._shown is None or self._shown.number < copy.number:
            is_prepared = self._prepared is not None and self._prepared.copy() is copy
            self._shown, self._prepared = self._prepared if is_prepared else _Answers(copy), None
        return self._shown if self._shown and self._shown.copy() is copy else None


def _measure(answer: object) -> int:
    return len(answer) if isinstance(answer, bytes) else 0


def answer_bytes(body: bytes, content_type: str) -> Response:
    """Return a response with an ETag, or 304 if the browser has the same bytes."""
    # No copy for each client: slow clients share the cached bytes.
    response = make_chunked_response([body], content_type)
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response


def compress(text: str | bytes) -> bytes:
    """Return a text, such as a page or an SVG, compressed with gzip. The same text gives the same bytes."""
    return gzip.compress(text.encode() if isinstance(text, str) else text, COMPRESSION_LEVEL, mtime=0)


def answer_compressed(body: bytes, content_type: str) -> Response:
    """Return a response with a body of `compress`, decompressed for a client that does not accept gzip.

    The text must be the same for all readers: the length of a compressed text can reveal secrets in it.
    """
    is_accepted = request.accept_encodings["gzip"] > 0
    response = answer_bytes(body if is_accepted else gzip.decompress(body), content_type)
    response.headers.add("Vary", "Accept-Encoding")
    if is_accepted:
        response.headers["Content-Encoding"] = "gzip"
    return response
