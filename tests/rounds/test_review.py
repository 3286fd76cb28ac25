"""Findings and comments of a submission: what blocks it, and how it is explained."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from metrics.languages import Language, use_language
from service.application import Application
from service.errors import NotAllowed, RoundError
from service.rounds.submissions import SubmittedCell
from service.rounds.transitions import Action, State
from tests.conftest import load_value
from tests.rounds.conftest import CYCLE_6, WriteFile
from tests.rounds.test_submissions import ActAs, take

DAYS = {"cause": "Equipment"}
CELL = SubmittedCell("sofa_incidents_new", {}, date(2024, 5, 1), date(2024, 10, 31))
HIGH = (
    f"crime_cases_reported,UNMISS,,{CYCLE_6},3,A,UNMISS return,",
    f"crime_cases_investigated,UNMISS,,{CYCLE_6},5,A,UNMISS return,",
)
# Hospitals are required together with those that report and those that have interruptions.
MEDIUM = f"hospitals,UNMISS,,{CYCLE_6},6,A,UNMISS return,"


def test_a_finding_of_severity_high_blocks_the_submission(act_as: ActAs, write_file: WriteFile) -> None:
    report = act_as("mary").add_draft(6, "UNMISS", write_file(*HIGH), "unmiss.csv")
    assert report.review is not None
    assert "high" in [finding.severity for finding in report.review.preview.findings]
    with pytest.raises(RoundError, match=r"submission 1 has findings of severity high: \d+. First: high: row \d"):
        take(act_as("mary"), report, Action.SUBMIT)


def test_a_finding_of_severity_medium_needs_a_note_or_a_comment(act_as: ActAs, write_file: WriteFile) -> None:
    mary = act_as("mary")
    report = mary.add_draft(6, "UNMISS", write_file(MEDIUM), "unmiss.csv")
    assert report.review is not None
    (finding,) = report.review.list_uncommented(report.comments)
    assert finding.rule == "required_together"
    with pytest.raises(RoundError, match=r"submission 1 has findings without a comment: 1\. First: medium: row 2"):
        take(mary, report, Action.SUBMIT)
    commented = mary.comment(1, mary.find_cell(1, "hospitals", {}), "The others follow next week")
    assert [comment.text for comment in commented.comments] == ["The others follow next week"]
    assert take(mary, commented, Action.SUBMIT).submission.state == State.SUBMITTED
    noted = mary.add_draft(6, "UNMISS", write_file(f"{MEDIUM}The others follow"), "unmiss.csv")
    assert take(mary, noted, Action.SUBMIT).submission.state == State.SUBMITTED


def test_both_sides_comment_and_nobody_else(act_as: ActAs, write_file: WriteFile) -> None:
    mary, paul = act_as("mary"), act_as("paul")
    report = mary.add_draft(6, "UNMISS", write_file(), "unmiss.csv")
    with pytest.raises(NotAllowed):
        paul.comment(1, CELL, "A draft is not visible to me")
    take(mary, report, Action.SUBMIT)
    paul.comment(1, CELL, "Is this the number of October?", "set")
    thread = mary.comment(1, CELL, "Yes", "cleared").comments
    assert [(comment.by, comment.follow_up) for comment in thread] == [("paul", "set"), ("mary", "cleared")]
    for name in ("lena", "rita"):
        with pytest.raises(NotAllowed):
            act_as(name).comment(1, CELL, "Hello")
    with pytest.raises(RoundError, match=r"has no value of hospitals"):
        paul.find_cell(1, "hospitals", {})


def test_comments_end_when_nobody_has_to_act(act_as: ActAs, write_file: WriteFile) -> None:
    mary = act_as("mary")
    take(mary, mary.add_draft(6, "UNMISS", write_file(), "unmiss.csv"), Action.WITHDRAW)
    with pytest.raises(RoundError, match="submission 1 is withdrawn; comments end"):
        mary.comment(1, CELL, "Too late")


def test_a_review_is_made_again_when_values_or_the_date_changed(
    service: Application, act_as: ActAs, write_file: WriteFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mary = act_as("mary")
    number = mary.add_draft(6, "UNMISS", write_file(), "unmiss.csv").submission.submission_id
    previews = []
    preview = service.loads.preview
    monkeypatch.setattr(service.loads, "preview", lambda *given: previews.append(given) or preview(*given))

    def read_previous() -> object:
        review = mary.report(number).review
        assert review is not None
        return review.batch.changes[0].previous_value

    assert read_previous() is None
    mary.comment(number, mary.find_cell(number, "sofa_incidents_new", {}), "a comment changes no value")
    assert read_previous() is None
    assert len(previews) == 1
    load_value(service, tmp_path, 77)
    assert read_previous() == 77
    assert len(previews) == 2
    with use_language(Language("fr")):
        read_previous()
    assert len(previews) == 3
    tomorrow = service.clock() + timedelta(days=1)
    monkeypatch.setattr(service, "clock", lambda: tomorrow)
    read_previous()
    assert len(previews) == 4
