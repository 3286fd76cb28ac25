"""The rounds: each starts work on a data directory, disturbs it at a random moment, and compares what is left."""

from __future__ import annotations

import itertools
import random
import shutil
import signal
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from service.client.remote import RemoteClient, is_running
from service.errors import HandoffError
from service.loading.interrupt import Interrupt
from service.loading.request import LoadRequest
from service.settings import find_in_tree
from service.system.progress import ignore_progress
from tests.small_disk import fill_disk
from tests.torture.damage import Contents, damage_copy, judge, read_contents
from tests.torture.ledger import Ledger
from tests.torture.worker import START_SECONDS, Victim, Work, serve, work, write_file

RELEASE = find_in_tree("tests") / "upgrade" / "release-0.1.tar.xz"
# A new directory after so many rounds, so that starts of small and of grown warehouses are both disturbed.
ROUNDS_PER_DIRECTORY = 40
STEPS = {
    "load": ("load",),
    "snapshot": ("load", "snapshot"),
    "checkpoint": ("load", "load", "checkpoint"),
    "backup": ("load", "backup"),
}


@dataclass
class Torture:
    """The state of a run: its directories, ledgers and counts. `pace` shortens or lengthens the random times."""

    folder: Path
    chance: random.Random
    small_disk: Path | None = None
    pace: float = 1.0
    counts: Counter[str] = field(default_factory=Counter)
    longest_answer_seconds: float = 0.0
    _ledgers: dict[str, tuple[int, Ledger]] = field(default_factory=dict)
    _made: int = 0
    _contents: dict[tuple[int, int, int], Contents] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "files").mkdir()

    def pause(self, longest_seconds: float) -> None:
        """Wait a random time; short times are more frequent."""
        time.sleep(self.pace * longest_seconds * self.chance.random() ** 1.5)

    def copy_release(self, data_dir: Path) -> None:
        """Copy the data directory of the previous release."""
        unpacked = self.folder / "release"
        if not unpacked.exists():
            with tarfile.open(RELEASE) as archive:
                archive.extractall(unpacked, filter="data")
        shutil.copytree(unpacked, data_dir)

    def run(self, kind: str) -> None:
        """Run one round. Raises AssertionError when something was lost or is not refused."""
        ROUNDS[kind](self)
        self.counts[kind] += 1

    def find_ledger(self, purpose: str, parent: Path | None = None, limit: int = ROUNDS_PER_DIRECTORY) -> Ledger:
        """Return the ledger of the directory in use for a purpose; after `limit` rounds that of a new one."""
        rounds, ledger = self._ledgers.get(purpose, (limit, None))
        if ledger is None or rounds >= limit:
            if ledger is not None:
                shutil.rmtree(ledger.settings.data_dir.parent, ignore_errors=True)
            self._made += 1
            directory = (parent or self.folder) / f"{purpose}-{self._made}"
            directory.mkdir()
            rounds, ledger = 0, Ledger(directory / "data")
        self._ledgers[purpose] = rounds + 1, ledger
        return ledger

    def read_contents(self, file: Path) -> Contents:
        """Return the contents of a read copy; of one that was not replaced, those that were read before."""
        state = file.stat()
        key = (state.st_ino, state.st_mtime_ns, state.st_size)
        if key not in self._contents:
            self._contents[key] = read_contents(file)
        return self._contents[key]

    def drop(self, purpose: str) -> None:
        """Have the next round of a purpose use a new directory."""
        _, ledger = self._ledgers.pop(purpose)
        shutil.rmtree(ledger.settings.data_dir.parent)

    def start(self, ledger: Ledger, steps: tuple[str, ...]) -> Victim:
        return Victim(
            work, Work(ledger.settings.data_dir, self.folder / "files", ledger.next_number, bool(ledger.answered), steps)
        )

    def end(self, victim: Victim, ledger: Ledger, kills: bool = True) -> list[tuple[str, object]]:
        """Kill a process, record what it reported, and check that its children end too."""
        children = psutil.Process(victim.process.pid).children(recursive=True) if victim.process.is_alive() else []
        messages = victim.end(kills)
        _, alive = psutil.wait_procs(children, timeout=10)
        assert not alive, f"child processes outlive the service: {alive}"
        before = len(ledger.answered)
        ledger.record(messages)
        self.counts["answered loads"] += len(ledger.answered) - before
        return messages


def disturb_work(torture: Torture, steps: tuple[str, ...]) -> None:
    """Kill a process while it loads, makes snapshots and publishes them, checkpoints or backs up."""
    ledger = torture.find_ledger("work")
    victim = torture.start(ledger, steps)
    victim.wait_for("open")
    torture.pause(0.7)
    torture.end(victim, ledger)
    ledger.check()


def disturb_service(torture: Torture) -> None:
    """Kill `a4p serve` while two clients load through its socket, each load with its snapshot and publishing."""
    ledger = torture.find_ledger("work")
    data_dir = ledger.settings.data_dir
    victim = Victim(serve, data_dir)
    is_over = threading.Event()
    is_answered = threading.Event()
    numbers = itertools.count(ledger.next_number)

    def load() -> None:
        while not is_over.wait(0.05):
            # A client has no answer once the service was killed.
            with suppress(HandoffError, OSError):
                if not is_running(data_dir):
                    continue
                number = next(numbers)
                file = write_file(torture.folder / "files", number)
                ledger.begun.add(number)
                RemoteClient(data_dir).load(LoadRequest(files=(file,), loaded_by="torture"), ignore_progress, Interrupt())
                ledger.answered.add(number)
                is_answered.set()

    clients = [threading.Thread(target=load) for _ in range(2)]
    before = len(ledger.answered)
    for client in clients:
        client.start()
    try:
        assert is_answered.wait(START_SECONDS), f"no load was answered: {victim.messages}"
        torture.pause(3.0)
    finally:
        messages = torture.end(victim, ledger)
        is_over.set()
        for client in clients:
            client.join()
    torture.counts["answered loads"] += len(ledger.answered) - before
    assert not messages, f"the service ended by itself: {messages}"
    ledger.check()


def disturb_start(torture: Torture) -> None:
    """Kill a process while it opens a directory: a new one every other time, and one whose process was killed."""
    ledger = torture.find_ledger("start" if torture.chance.random() < 0.5 else "work", limit=3)
    victim = torture.start(ledger, ("load",))
    torture.pause(1.0)
    torture.end(victim, ledger)
    ledger.check()


def disturb_migration(torture: Torture) -> None:
    """Kill the first start on a directory of the previous release, again and again until one gets through."""
    ledger = torture.find_ledger("migrate", limit=8)
    if not ledger.settings.data_dir.exists():
        torture.copy_release(ledger.settings.data_dir)
        ledger.remember_base()
    victim = torture.start(ledger, ("load",))
    torture.pause(0.7)
    messages = torture.end(victim, ledger)
    ledger.check()
    if any(kind == "open" for kind, _ in messages):
        torture.drop("migrate")


def disturb_by_pause(torture: Torture) -> None:
    """Stop a process with SIGSTOP and continue it; loads go on being answered. Then kill it."""
    ledger = torture.find_ledger("work")
    victim = torture.start(ledger, STEPS["snapshot"])
    victim.wait_for("open")
    torture.pause(0.4)
    victim.signal(signal.SIGSTOP)
    torture.pause(0.4)
    victim.signal(signal.SIGCONT)
    continued = time.monotonic()
    while victim.pipe.poll():
        victim.messages.append(victim.pipe.recv())
    victim.wait_for("answered")
    torture.longest_answer_seconds = max(torture.longest_answer_seconds, time.monotonic() - continued)
    torture.end(victim, ledger)
    ledger.check()


def disturb_by_full_disk(torture: Torture) -> None:
    """Fill the disk of a process that loads, make space again, see it answer loads again, and kill it."""
    assert torture.small_disk is not None
    ledger = torture.find_ledger("disk", torture.small_disk, limit=10)
    victim = torture.start(ledger, STEPS["checkpoint"])
    victim.wait_for("open")
    torture.pause(0.4)
    filler = fill_disk(torture.small_disk, torture.chance.choice([0, 0, 4096, 100_000, 300_000, 1_000_000]))
    torture.pause(0.8)
    if torture.chance.random() < 0.5:
        # Space returns while it runs.
        filler.unlink()
        while victim.pipe.poll():
            victim.messages.append(victim.pipe.recv())
        victim.wait_for("answered")
    messages = torture.end(victim, ledger)
    torture.counts["refused for want of space"] += sum(kind == "refused" for kind, _ in messages)
    filler.unlink(missing_ok=True)
    ledger.check()


def disturb_blocks(torture: Torture) -> None:
    """Change bytes of the warehouse or the log that a killed process left, or of the read copy, which has no log."""
    ledger = torture.find_ledger("work")
    read_copy = ledger.settings.read_copy_file
    if not read_copy.exists():
        victim = torture.start(ledger, STEPS["snapshot"])
        victim.wait_for("answered")
        victim.wait_for("answered")
        torture.end(victim, ledger)
    file = torture.chance.choice([ledger.settings.warehouse_file, read_copy])
    log_file = file.with_name(file.name + ".wal")
    has_log = log_file.exists() and log_file.stat().st_size > 0
    folder = torture.folder / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    damaged, what = damage_copy(file, folder, has_log and torture.chance.random() < 0.5, torture.chance)
    contents = torture.read_contents(file) if file == read_copy else read_contents(file)
    judged = Victim(judge, damaged, contents).end(kills=False)
    outcome = judged[-1][1] if judged else None
    name = outcome.outcome if outcome is not None else "ended the process"  # type: ignore[attr-defined]
    torture.counts[f"damaged blocks: {name}"] += 1
    assert name != "served wrong", f"{what}: {outcome}"


ROUNDS: dict[str, Callable[[Torture], None]] = {
    **{kind: (lambda torture, steps=steps: disturb_work(torture, steps)) for kind, steps in STEPS.items()},
    "service": disturb_service,
    "start": disturb_start,
    "migrate": disturb_migration,
    "pause": disturb_by_pause,
    "full disk": disturb_by_full_disk,
    "blocks": disturb_blocks,
}
# Of a hundred rounds so many are of each kind. Kills of a start and of a migration cost a fifth of the others.
SHARES = {
    "load": 15,
    "snapshot": 13,
    "checkpoint": 7,
    "backup": 5,
    "service": 6,
    "start": 20,
    "migrate": 14,
    "pause": 4,
    "full disk": 6,
    "blocks": 10,
}


def plan_rounds(count: int, chance: random.Random, has_disk: bool) -> list[str]:
    """Return the kinds of `count` rounds in a random order, each kind by its share and at least once."""
    shares = {kind: share for kind, share in SHARES.items() if has_disk or kind != "full disk"}
    total = sum(shares.values())
    kinds = [kind for kind, share in shares.items() for _ in range(max(1, round(count * share / total)))]
    kinds += chance.choices(list(shares), list(shares.values()), k=max(0, count - len(kinds)))
    chance.shuffle(kinds)
    return kinds
