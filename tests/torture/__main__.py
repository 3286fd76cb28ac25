"""Run the rounds, print progress and a summary: `TORTURE_ROUNDS` of them, in the order that `TORTURE_SEED` gives."""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import psutil

from tests.small_disk import MountRefused, mount_disk
from tests.torture.rounds import Torture, plan_rounds

ROUNDS = 1000
PROGRESS_SECONDS = 10.0


def run(rounds: int, seed: int, folder: Path) -> list[str]:
    """Run the rounds; return the faults found."""
    faults: list[str] = []
    with ExitStack() as stack:
        disk = None
        try:
            disk = stack.enter_context(mount_disk(folder / "disk", "size=48m"))
        except MountRefused as error:
            if os.environ.get("CI") == "true":
                raise
            print(f"rounds with a full disk are left out: {error}")
        chance = random.Random(seed)
        torture = Torture(folder, chance, disk)
        started = reported = time.monotonic()
        kinds = plan_rounds(rounds, chance, disk is not None)
        for number, kind in enumerate(kinds, 1):
            try:
                torture.run(kind)
            except Exception as error:
                faults.append(f"round {number} ({kind}): {type(error).__name__}: {error}")
                print(faults[-1], flush=True)
            if time.monotonic() - reported > PROGRESS_SECONDS or number == len(kinds):
                reported = time.monotonic()
                print(f"{number:,} of {len(kinds):,} rounds, {reported - started:.0f} s, {len(faults)} faults", flush=True)
        for name, count in sorted(torture.counts.items()):
            print(f"{count:8,} {name}")
        seconds = time.monotonic() - started
        print(f"{seconds:8.0f} seconds, {seconds / len(kinds):.2f} a round; {count_processor_seconds():.0f} of processor time")
        print(f"{torture.longest_answer_seconds:8.2f} seconds to the first answer after SIGCONT, at most")
    return faults


def count_processor_seconds() -> float:
    """Return the processor time of this process and of those that the fork server started."""
    servers = psutil.Process().children()
    own = sum(psutil.Process().cpu_times()[:2])
    return float(own + sum(server.cpu_times().children_user + server.cpu_times().children_system for server in servers))


def main() -> None:
    seed = int(os.environ.get("TORTURE_SEED") or random.SystemRandom().randrange(1_000_000))
    rounds = int(os.environ.get("TORTURE_ROUNDS") or ROUNDS)
    print(f"{rounds:,} rounds, TORTURE_SEED={seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="a4p-torture-") as folder:
        faults = run(rounds, seed, Path(folder))
    print(f"{len(faults)} faults" if faults else "every answered load is there")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
