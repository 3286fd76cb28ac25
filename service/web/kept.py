"""Answers that take long to make and are the same for one read copy: kept until that is replaced."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from flask import Response, request

from service.fairness import FairPlaces
from service.read_copy import ReadCopy
from service.time_limit import left_seconds
from service.web.chunks import make_chunked_response
from service.web.clients import find_client

Answer = TypeVar("Answer")
LONGEST_WAIT_SECONDS = 60.0


class KeptAnswers(Generic[Answer]):
    """Answers by key, made from one read copy; those of a copy that was replaced are forgotten, and the oldest beyond `most`.

    An answer that is made takes one of `turns`; cached ones never wait.
    """

    def __init__(self, most: int, turns: FairPlaces) -> None:
        self._most = most
        self._turns = turns
        self._lock = threading.Lock()
        self._copy: ReadCopy | None = None
        self._answers: dict[tuple[object, ...], Answer] = {}

    def find(self, copy: ReadCopy, key: tuple[object, ...], make: Callable[[], Answer]) -> Answer:
        """Return the answer of this key, made by `make` unless it is at hand."""
        answer = self._look_up(copy, key)
        if answer is None:
            with self._turns.take(find_client(), left_seconds(LONGEST_WAIT_SECONDS)):
                answer = self._look_up(copy, key)
                if answer is None:
                    answer = make()
                    self._keep(copy, key, answer)
        return answer

    def _look_up(self, copy: ReadCopy, key: tuple[object, ...]) -> Answer | None:
        with self._lock:
            return self._answers.get(key) if self._copy is copy else None

    def _keep(self, copy: ReadCopy, key: tuple[object, ...], answer: Answer) -> None:
        with self._lock:
            if self._copy is not copy:
                self._copy, self._answers = copy, {}
            while len(self._answers) >= self._most:
                del self._answers[next(iter(self._answers))]
            self._answers[key] = answer


def answer_bytes(body: bytes, content_type: str) -> Response:
    """Return the bytes as an answer that a browser asks for again, and is told 304 while they are the same."""
    # Without a copy for each client: whoever reads slowly holds the cached bytes that are there anyway.
    response = make_chunked_response([body], content_type)
    response.set_etag(hashlib.sha256(body).hexdigest()[:32])
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response
