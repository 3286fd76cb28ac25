"""Slots are shared fairly between clients: no client waits for all requests of another."""

from __future__ import annotations

import threading
import time

import pytest

from service.errors import NoFreeSlot
from service.system.fairness import FairSlots
from tests.service_process import wait_for


def occupy(slots: FairSlots, client: str, until: threading.Event, order: list[str]) -> threading.Thread:
    """Take a place in a thread, until the event or, once it is set, for a moment."""

    def work() -> None:
        with slots.take(client, 10):
            order.append(client)
            until.wait(10)
            time.sleep(0.01)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_an_idle_client_precedes_the_many_requests_of_another() -> None:
    slots, go_on, order = FairSlots(slots=1, waiting=50), threading.Event(), []
    threads = [occupy(slots, "heavy", go_on, order)]
    wait_for(lambda: order == ["heavy"])
    threads += [occupy(slots, "heavy", go_on, order) for _ in range(20)]
    wait_for(lambda: len(slots._tickets) == 20)
    threads.append(occupy(slots, "honest", go_on, order))
    wait_for(lambda: len(slots._tickets) == 21)
    go_on.set()
    for thread in threads:
        thread.join()
    assert order.index("honest") == 1
    assert len(order) == 22


def test_a_client_with_few_requests_precedes_clients_that_always_wait() -> None:
    now = [0.0]
    slots, go_on, order = FairSlots(slots=1, waiting=50, read_monotonic=lambda: now[0]), threading.Event(), []
    with slots.take("honest", 10):
        now[0] += 1
    threads = [occupy(slots, "heavy", go_on, order)]
    wait_for(lambda: order == ["heavy"])
    # Each of them did less than the honest client, as each waits for all the others.
    threads += [occupy(slots, f"heavy {number}", go_on, order) for number in range(20)]
    wait_for(lambda: len(slots._tickets) == 20)
    now[0] += 9
    threads.append(occupy(slots, "honest", go_on, order))
    wait_for(lambda: len(slots._tickets) == 21)
    go_on.set()
    for thread in threads:
        thread.join()
    assert order.index("honest") == 1


def test_one_client_never_has_every_slot() -> None:
    slots, go_on, order = FairSlots(slots=3, waiting=50), threading.Event(), []
    threads = [occupy(slots, "heavy", go_on, order) for _ in range(5)]
    wait_for(lambda: len(order) == 2)
    with slots.take("honest", 10):
        pass
    go_on.set()
    for thread in threads:
        thread.join()


def test_a_client_with_too_many_waiting_requests_is_rejected_and_others_wait() -> None:
    slots, go_on, order = FairSlots(slots=1, waiting=4, waiting_per_client=2), threading.Event(), []
    threads = [occupy(slots, "heavy", go_on, order)]
    wait_for(lambda: len(order) == 1)
    threads += [occupy(slots, "heavy", go_on, order) for _ in range(2)]
    wait_for(lambda: len(slots._tickets) == 2)
    with pytest.raises(NoFreeSlot, match="of this client") as refused, slots.take("heavy", 1):
        pass
    assert refused.value.is_full
    with pytest.raises(NoFreeSlot, match="no slot became free") as late, slots.take("honest", 0.05):
        pass
    assert not late.value.is_full
    go_on.set()
    for thread in threads:
        thread.join()


def test_work_counts_less_as_time_passes() -> None:
    now = [1000.0]
    slots = FairSlots(slots=1, waiting=5, read_monotonic=lambda: now[0])
    with slots.take("early", 1):
        now[0] += 60
    now[0] += 300
    with slots.take("late", 1):
        now[0] += 1
    assert slots._measure("early", now[0]) < slots._measure("late", now[0])
    now[0] += 3600
    with slots.take("other", 1):
        pass
    assert set(slots._usage) <= {"other"}


def test_a_slot_is_released_when_the_work_fails() -> None:
    slots = FairSlots(slots=1, waiting=0)
    with pytest.raises(RuntimeError), slots.take("client", 1):
        raise RuntimeError
    with slots.take("client", 1):
        pass


def test_quick_requests_run_after_each_other_and_a_slow_one_does_not_block_them() -> None:
    now = [0.0]
    slots = FairSlots(slots=2, waiting=5, quick_slots=1, slow_seconds=0.5, read_monotonic=lambda: now[0])
    with slots.take("ana", 0):
        now[0] = 0.4
        with pytest.raises(NoFreeSlot), slots.take("ben", 0):
            pass
        now[0] = 0.6
        # Then both slots are taken.
        with slots.take("ben", 0), pytest.raises(NoFreeSlot), slots.take("eva", 0):
            pass
    with slots.take("eva", 0):
        pass
