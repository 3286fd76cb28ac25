"""The process that draws charts for the service."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from metrics.comparisons import Bar, draw_comparison
from metrics.vega import run_engine
from service.charts.process import DrawingProcess
from service.errors import DrawingError

SPEC = draw_comparison([Bar("UNMISS", 125), Bar("UNDOF", 0)], "count", "New incidents × two").spec


@pytest.fixture
def drawing() -> Iterator[DrawingProcess]:
    process = DrawingProcess()
    yield process
    process.close()


def test_it_draws_the_same_chart_as_this_process(drawing: DrawingProcess) -> None:
    assert drawing.draw(SPEC) == run_engine(SPEC)
    assert drawing._process is not None
    assert drawing._process.pid != os.getpid()


def test_it_restarts_after_it_ended(drawing: DrawingProcess) -> None:
    drawing.draw(SPEC)
    assert drawing._process is not None
    os.kill(drawing._process.pid, signal.SIGKILL)
    drawing._process.wait()
    assert drawing.draw(SPEC) == run_engine(SPEC)


def test_an_invalid_chart_is_an_error_and_the_next_is_drawn(drawing: DrawingProcess) -> None:
    with pytest.raises(DrawingError, match="could not be drawn"):
        drawing.draw('{"mark": 1}')
    assert drawing.draw(SPEC).startswith("<svg")


def test_a_chart_that_takes_too_long_is_cancelled() -> None:
    hasty = DrawingProcess(seconds=0.01)
    with pytest.raises(DrawingError, match=r"not drawn within 0\.01 s; retry later"):
        hasty.draw(SPEC)
    assert hasty._process is None
