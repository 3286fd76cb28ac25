"""Kills, pauses and damages at random moments: 12 rounds here, 100 in `.ci/run`, 1,000 in `make torture`."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.small_disk import MountRefused, mount_disk
from tests.torture.rounds import Torture, plan_rounds

ROUNDS = int(os.environ.get("TORTURE_ROUNDS") or 12)
# Another order in each run; a failure names the seed.
SEED = int(os.environ.get("TORTURE_SEED") or random.SystemRandom().randrange(1_000_000))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    try:
        with mount_disk(tmp_path / "disk", "size=48m") as disk:
            yield disk
    except MountRefused as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.mark.timeout(600)
def test_no_reported_load_is_lost_by_kills_pauses_and_damaged_blocks(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    torture = Torture(tmp_path, chance, pace=0.5)
    for number, kind in enumerate(plan_rounds(ROUNDS, chance, has_disk=False), 1):
        try:
            torture.run(kind)
        except Exception as error:
            raise AssertionError(f"TORTURE_SEED={SEED}, round {number} ({kind}): {error}") from error
    assert torture.counts["answered loads"] > ROUNDS // 10
    if ROUNDS >= 100:  # of a few damages all may be in unused bytes
        assert sum(torture.counts[f"damaged blocks: {outcome}"] for outcome in ("refused", "found")) > 0


def test_no_reported_load_is_lost_on_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    torture = Torture(tmp_path, random.Random(SEED), small_disk)
    for _ in range(3):
        torture.run("full disk")
