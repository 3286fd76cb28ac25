"""Comments on the cells of submissions: threads, flags for follow-up, and limits."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from service.access.store import AccessStore
from service.errors import RoundError, RoundUnknown
from service.rounds import comments as module
from service.rounds.comments import Comments, group_by_cell, make_key, needs_follow_up
from service.rounds.submissions import Submissions, SubmittedCell

CYCLE_6 = (date(2024, 5, 1), date(2024, 10, 31))
INCIDENTS = SubmittedCell("sofa_incidents_new", {}, *CYCLE_6)
OUTAGE = SubmittedCell("hospital_outage_days", {"cause": "Personnel"}, *CYCLE_6)


@pytest.fixture
def store(tmp_path: Path) -> AccessStore:
    return AccessStore(tmp_path / "access.sqlite", lambda: datetime(2026, 11, 26, 8, tzinfo=UTC))


@pytest.fixture
def number(store: AccessStore) -> int:
    """A draft of UNMISS with two cells."""
    return Submissions(store).add(6, "UNMISS", "a.csv", b"a", [INCIDENTS, OUTAGE], "ana").submission_id


def test_comments_of_a_cell_are_a_thread_in_their_order(store: AccessStore, number: int) -> None:
    comments = Comments(store)
    comments.add(number, INCIDENTS, "ana", "Counted twice in October.")
    comments.add(number, OUTAGE, "bob", "One hospital or two?")
    last = comments.add(number, INCIDENTS, "bob", "Please correct it.")
    assert (last.by, last.text, last.at) == ("bob", "Please correct it.", datetime(2026, 11, 26, 8, tzinfo=UTC))
    threads = group_by_cell(comments.list_all(number))
    assert [comment.by for comment in threads[make_key("sofa_incidents_new", {}, *CYCLE_6)]] == ["ana", "bob"]
    assert [comment.text for comment in threads[make_key("hospital_outage_days", {"cause": "Personnel"}, *CYCLE_6)]] == [
        "One hospital or two?"
    ]


def test_a_flag_for_follow_up_is_set_and_cleared_with_or_without_words(store: AccessStore, number: int) -> None:
    comments = Comments(store)
    comments.add(number, INCIDENTS, "bob", "", follow_up="set")
    comments.add(number, INCIDENTS, "ana", "See the report of September.")
    assert needs_follow_up(comments.list_all(number))
    comments.add(number, INCIDENTS, "bob", "Agreed.", follow_up="cleared")
    assert not needs_follow_up(comments.list_all(number))
    assert not needs_follow_up([])


@pytest.mark.parametrize("text", ["", "  ", "x" * 2_001])
def test_a_comment_beyond_the_limits_is_refused(store: AccessStore, number: int, text: str) -> None:
    with pytest.raises(RoundError, match="1 to 2,000 characters"):
        Comments(store).add(number, INCIDENTS, "ana", text)


def test_a_submission_has_a_maximum_of_comments(store: AccessStore, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_COMMENTS", 2)
    comments = Comments(store)
    for _ in range(2):
        comments.add(number, INCIDENTS, "ana", "x" * 2_000)
    with pytest.raises(RoundError, match="has 2 comments, the maximum"):
        comments.add(number, OUTAGE, "ana", "One more")


def test_only_cells_of_the_submission_can_be_commented(store: AccessStore, number: int) -> None:
    with pytest.raises(RoundError, match="no value for hospitals from 2024-05-01 to 2024-10-31"):
        Comments(store).add(number, SubmittedCell("hospitals", {}, *CYCLE_6), "ana", "x")
    with pytest.raises(RoundUnknown):
        Comments(store).add(number + 1, INCIDENTS, "ana", "x")


def test_comments_are_never_changed(store: AccessStore, number: int) -> None:
    Comments(store).add(number, INCIDENTS, "ana", "x")
    with sqlite3.connect(store.file) as connection:
        for change in ("update submission_comments set text = 'y'", "delete from submission_comments"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                connection.execute(change)
