"""An access store with a clock that tests set."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.access.access import Access
from service.settings import Settings


class SetClock:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 26, 8, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def access(tmp_path: Path, clock: SetClock) -> Access:
    return Access(Settings(data_dir=tmp_path), clock)
