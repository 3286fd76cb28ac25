"""The newest reviews of submissions, which are asked for again by each page, action and answer of a decision."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.rounds.review import Review

# The submissions of all missions for a cycle.
MAX_REVIEWS = 32


class RecentReviews:
    """Reviews by what they were made from; the least recently used are forgotten."""

    def __init__(self) -> None:
        self._reviews: OrderedDict[Hashable, Review] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, made_from: Hashable, make: Callable[[], Review]) -> Review:
        """Return the review made from the same content, or make it. Raises as `make` does, and remembers no error."""
        with self._lock:
            if made_from in self._reviews:
                self._reviews.move_to_end(made_from)
                return self._reviews[made_from]
        review = make()
        with self._lock:
            self._reviews[made_from] = review
            while len(self._reviews) > MAX_REVIEWS:
                self._reviews.popitem(last=False)
        return review
