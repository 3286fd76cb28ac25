"""Measurements of the benchmarks: results, printing, and child processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.settings import TREE


@dataclass(frozen=True)
class Size:
    """How large the worlds are: a tenth with --quick."""

    scrape_series: int = 100_000
    large_series: int = 1_000_000
    load_series: int = 100_000
    small_load_periods: int = 10
    large_load_periods: int = 100
    threshold_series: int = 170_000

    @classmethod
    def quick(cls) -> Size:
        return cls(10_000, 100_000, 10_000, 10, 100, 17_000)


@dataclass(frozen=True)
class Result:
    """One comparison: `ratio` is ours over the peer's, or the peer's over ours where faster is asked for.

    `target` is None for a result that is only reported, `ratio` None where there is no peer to compare with.
    """

    name: str
    peer: str
    ours: str
    ratio: float | None = None
    target: float | None = None
    is_at_least: bool = False

    @property
    def target_text(self) -> str:
        if self.target is None:
            return ""
        return f"at least {self.target:g} x" if self.is_at_least else f"at most {self.target:g} x"

    @property
    def verdict(self) -> str:
        if self.target is None or self.ratio is None:
            return ""
        is_met = self.ratio >= self.target if self.is_at_least else self.ratio <= self.target
        return "pass" if is_met else "MISS"

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:,.0f} x" if self.ratio >= 100 else f"{self.ratio:.2f} x"
        return self.name, self.peer, self.ours, ratio, self.target_text, self.verdict


HEADER = ("result", "peer", "ours", "ratio", "target", "")

Bench = Callable[[Size, Path], list[Result]]


def log(text: str) -> None:
    """Print a line of progress."""
    print(f"  {text}", flush=True)


def print_table(results: Sequence[Result]) -> None:
    """Print results as a table."""
    rows = [HEADER, *(result.cells() for result in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    for number, row in enumerate(rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths).rstrip())
    sys.stdout.flush()


def format_seconds(seconds: float) -> str:
    """Return a duration as people read it."""
    return f"{seconds * 1000:.2f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def format_megabytes(size_bytes: float) -> str:
    """Return a number of bytes as people read it."""
    return f"{size_bytes / 1e6:,.{0 if size_bytes >= 1e7 else 2}f} MB"


def find_percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def make_environment() -> dict[str, str]:
    """Return an environment in which no setting of whoever runs the bench is seen."""
    retained = {name: value for name, value in os.environ.items() if not name.startswith("A4P_")}
    return {**retained, "A4P_CONFIG": os.devnull}


def start_child(module: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    """Start `python -m tests.bench.<module>`; it writes lines of JSON and reads lines of text."""
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)],
        cwd=TREE,
        env={**make_environment(), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def read_answer(child: subprocess.Popen[str]) -> dict[str, Any]:
    """Return the next line that a child wrote. Raises RuntimeError when it ended instead."""
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"a child ended with {child.wait()}: {child.args!r}")
    return dict(json.loads(line))


def run_child(module: str, *arguments: object) -> dict[str, Any]:
    """Return what a child wrote: its one line."""
    with start_child(module, *arguments) as child:
        return read_answer(child)


def answer(**values: object) -> None:
    """Write a line of JSON to the parent."""
    print(json.dumps(values), flush=True)


def _read_status(key: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


class MemoryWatch:
    """How much resident memory this process took at most since the watch was made, above what it had then."""

    def __init__(self) -> None:
        # 5 resets the peak (man 5 proc).
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._baseline = _read_status("VmRSS")

    def read_peak(self) -> int:
        return _read_status("VmHWM") - self._baseline

    @staticmethod
    def read_whole_peak() -> int:
        """Return the peak of the whole process, bytes."""
        return _read_status("VmHWM")
