"""The thread that became idle last takes the next request; all threads work when there are as many requests."""

import threading

import pytest

from service.web.dispatcher import LastIdleFirst

THREADS = 8


class Request:
    """A request that records its thread, and waits until it may end."""

    def __init__(self, may_end: threading.Event | None = None) -> None:
        self.may_end = may_end
        self.thread = ""
        self.started, self.answered = threading.Event(), threading.Event()

    def service(self) -> None:
        self.thread = threading.current_thread().name
        self.started.set()
        if self.may_end is not None:
            self.may_end.wait(30)
        self.answered.set()

    def cancel(self) -> None:
        self.answered.set()


@pytest.fixture
def dispatcher():
    made = LastIdleFirst(THREADS)
    yield made
    made.shutdown()
    assert not made.threads


def wait_until_idle(dispatcher: LastIdleFirst) -> None:
    # Idle is not enough: a thread that was woken for a request which another thread took runs once more before it waits.
    for _ in range(3000):
        with dispatcher.lock:
            if len(dispatcher.queue_cv._waiting) == THREADS:
                return
        threading.Event().wait(0.01)
    raise AssertionError("threads are still busy")


def answer(dispatcher: LastIdleFirst) -> str:
    wait_until_idle(dispatcher)
    request = Request()
    dispatcher.add_task(request)
    assert request.answered.wait(30)
    return request.thread


def test_requests_one_after_another_use_one_thread(dispatcher):
    assert len({answer(dispatcher) for _ in range(3 * THREADS)}) == 1


def test_as_many_requests_as_threads_are_answered_at_the_same_time(dispatcher):
    may_end = threading.Event()
    requests = [Request(may_end) for _ in range(THREADS)]
    for request in requests:
        dispatcher.add_task(request)
    assert all(request.started.wait(30) for request in requests)
    may_end.set()
    assert all(request.answered.wait(30) for request in requests)
    assert len({request.thread for request in requests}) == THREADS


def test_requests_beyond_the_threads_wait_and_are_answered(dispatcher):
    may_end = threading.Event()
    requests = [Request(may_end) for _ in range(5 * THREADS)]
    for request in requests:
        dispatcher.add_task(request)
    may_end.set()
    assert all(request.answered.wait(30) for request in requests)


def test_after_many_requests_at_once_one_thread_answers_again(dispatcher):
    may_end = threading.Event()
    may_end.set()
    requests = [Request(may_end) for _ in range(THREADS)]
    for request in requests:
        dispatcher.add_task(request)
    assert all(request.answered.wait(30) for request in requests)
    assert len({answer(dispatcher) for _ in range(THREADS)}) == 1
