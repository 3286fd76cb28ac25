"""A submission from its file to published values: states, rights, digests and locks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from service.application import Application
from service.client.rounds import RoundsClient, SubmissionReport
from service.errors import LoadError, NotAllowed, PreviewOutdated, RoundError, RoundUnknown
from service.loading.request import LoadRequest
from service.rounds.transitions import Action, State
from tests.rounds.conftest import CYCLE_6, WriteFile

ActAs = Callable[[str], RoundsClient]
VALUE = (
    "select value from observations "
    "where indicator = 'sofa_incidents_new' and mission = 'UNMISS' and period_start = '2024-05-01'"
)


def read_values(service: Application) -> list[float]:
    with service.warehouse.cursor() as cursor:
        return [value for (value,) in cursor.execute(VALUE).fetchall()]


def take(client: RoundsClient, report: SubmissionReport, action: Action, reason: str | None = None) -> SubmissionReport:
    digest = report.review.digest if report.review else None
    changed, _ = client.act(report.submission.submission_id, action, digest, reason)
    return changed


@pytest.fixture
def draft(act_as: ActAs, write_file: WriteFile) -> SubmissionReport:
    return act_as("mary").add_draft(6, "UNMISS", write_file(), "unmiss.csv")


def test_a_submission_passes_every_state_and_only_then_is_the_value_an_observation(
    service: Application, act_as: ActAs, draft: SubmissionReport
) -> None:
    report = draft
    for user, action, state in (
        ("mary", Action.SUBMIT, State.SUBMITTED),
        ("paul", Action.VALIDATE, State.VALIDATED),
        ("ruth", Action.APPROVE, State.APPROVED),
    ):
        report = take(act_as(user), report, action)
        assert report.submission.state == state
        assert read_values(service) == []
    report = take(act_as("ruth"), report, Action.PUBLISH)
    assert report.submission.state == State.PUBLISHED
    assert read_values(service) == [140]
    with service.warehouse.cursor() as cursor:
        (batch,) = cursor.execute("select file_name, loaded_by from batches order by batch_id desc limit 1").fetchall()
    assert batch == (f"submission {report.submission.submission_id}: unmiss.csv", "ruth")
    assert [event.state for event in report.events] == ["draft", "submitted", "validated", "approved", "published"]
    assert [event.by for event in report.events] == ["mary", "mary", "paul", "ruth", "ruth"]


def test_every_change_is_in_the_audit(service: Application, act_as: ActAs, draft: SubmissionReport) -> None:
    submitted = take(act_as("mary"), draft, Action.SUBMIT)
    with pytest.raises(NotAllowed):
        take(act_as("paul"), submitted, Action.WITHDRAW)
    take(act_as("paul"), submitted, Action.RETURN, "the value is far above the last one")
    with sqlite3.connect(service.settings.access_file) as connection:
        rows = connection.execute("select actor, action, result, reason from audit order by rowid").fetchall()
    assert rows == [
        ("mary", "upload submission", "done", None),
        ("mary", "submit submission", "done", None),
        ("paul", "withdraw submission", "refused", None),
        ("paul", "return submission", "done", "the value is far above the last one"),
    ]


@pytest.mark.parametrize(
    ("user", "action", "message"),
    [
        ("lena", Action.SUBMIT, "lena (contributor of UNIFIL) must not submit for UNMISS"),
        ("rita", Action.SUBMIT, "rita (reader) must not submit for UNMISS"),
        ("paul", Action.SUBMIT, "paul must not read submission 1: it is a draft"),
    ],
)
def test_only_a_contributor_of_the_mission_submits(
    act_as: ActAs, draft: SubmissionReport, user: str, action: Action, message: str
) -> None:
    with pytest.raises(NotAllowed) as refused:
        take(act_as(user), draft, action)
    assert str(refused.value).startswith(message)


def test_an_approver_of_the_mission_neither_approves_nor_publishes(act_as: ActAs, draft: SubmissionReport) -> None:
    submitted = take(act_as("mary"), draft, Action.SUBMIT)
    validated = take(act_as("paul"), submitted, Action.VALIDATE)
    with pytest.raises(NotAllowed, match="must not approve for every mission"):
        take(act_as("paul"), validated, Action.APPROVE)
    approved = take(act_as("ruth"), validated, Action.APPROVE)
    with pytest.raises(NotAllowed, match="for every mission"):
        take(act_as("paul"), approved, Action.PUBLISH)
    with pytest.raises(NotAllowed, match="for every mission"):
        take(act_as("paul"), approved, Action.RETURN, "a lower level does not undo an approval")
    with pytest.raises(RoundError, match="is approved; withdraw is possible when it is draft or returned or submitted"):
        take(act_as("mary"), approved, Action.WITHDRAW)


def test_nobody_decides_on_their_own_submission(act_as: ActAs, write_file: WriteFile) -> None:
    adam = act_as("adam")
    report = take(adam, adam.add_draft(6, "UNMISS", write_file(), "unmiss.csv"), Action.SUBMIT)
    with pytest.raises(NotAllowed, match="adam made submission 1; another approver has to validate it"):
        take(adam, report, Action.VALIDATE)
    assert [str(action) for action in report.actions] == ["withdraw"]
    assert take(act_as("ruth"), report, Action.VALIDATE).submission.state == State.VALIDATED


def test_a_decision_is_about_the_preview_that_was_seen(
    service: Application, act_as: ActAs, draft: SubmissionReport, write_file: WriteFile
) -> None:
    submitted = take(act_as("mary"), draft, Action.SUBMIT)
    with pytest.raises(RoundError, match="name the digest of the preview"):
        act_as("paul").act(1, Action.VALIDATE)
    # An administrator loads another value of the same cell meanwhile.
    service.loads.load(LoadRequest(files=(write_file(value=90, name="direct.csv"),), loaded_by="adam"))
    with pytest.raises(PreviewOutdated, match="read the new preview and decide again"):
        take(act_as("paul"), submitted, Action.VALIDATE)
    current = act_as("paul").report(1)
    assert current.review is not None
    assert [(change.previous_value, change.value) for change in current.review.batch.changes] == [(90, 140)]
    assert take(act_as("paul"), current, Action.VALIDATE).submission.state == State.VALIDATED


def test_a_returned_submission_is_corrected_by_another_file_and_the_old_one_withdrawn(
    act_as: ActAs, draft: SubmissionReport, write_file: WriteFile
) -> None:
    submitted = take(act_as("mary"), draft, Action.SUBMIT)
    with pytest.raises(RoundError, match="reason: say what the mission has to change"):
        take(act_as("paul"), submitted, Action.RETURN)
    returned = take(act_as("paul"), submitted, Action.RETURN, "one incident was counted twice")
    assert (returned.submission.state, returned.submission.reason) == (State.RETURNED, "one incident was counted twice")
    corrected = act_as("mary").add_draft(6, "UNMISS", write_file(value=139), "unmiss.csv")
    assert corrected.submission.submission_id == 2
    assert take(act_as("mary"), returned, Action.WITHDRAW).submission.state == State.WITHDRAWN


def test_the_same_file_again_is_the_same_draft(act_as: ActAs, draft: SubmissionReport, write_file: WriteFile) -> None:
    again = act_as("mary").add_draft(6, "UNMISS", write_file(), "again.csv")
    assert again.submission == draft.submission


def test_a_correction_after_publication_is_a_new_submission_and_a_revision(
    service: Application, act_as: ActAs, draft: SubmissionReport, write_file: WriteFile
) -> None:
    for value in (140, 138):
        report = act_as("mary").add_draft(6, "UNMISS", write_file(value=value), "unmiss.csv")
        for user, action in (
            ("mary", Action.SUBMIT), ("paul", Action.VALIDATE), ("ruth", Action.APPROVE), ("ruth", Action.PUBLISH),
        ):  # fmt: skip
            report = take(act_as(user), report, action)
    assert read_values(service) == [138]
    with service.warehouse.cursor() as cursor:
        revisions = cursor.execute(VALUE.replace("observations", "observation_revisions") + " order by batch_id").fetchall()
    assert revisions == [(140.0,), (138.0,)]


def test_a_publication_that_was_interrupted_after_its_commit_is_completed(
    service: Application, act_as: ActAs, draft: SubmissionReport
) -> None:
    report = draft
    for user, action in (("mary", Action.SUBMIT), ("paul", Action.VALIDATE), ("ruth", Action.APPROVE)):
        report = take(act_as(user), report, action)
    change_state = service.submissions.change_state
    service.submissions.change_state = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        take(act_as("ruth"), report, Action.PUBLISH)
    service.submissions.change_state = change_state  # type: ignore[method-assign]
    assert read_values(service) == [140]
    again = act_as("ruth").report(1)
    assert again.submission.state == State.APPROVED
    assert take(act_as("ruth"), again, Action.PUBLISH).submission.state == State.PUBLISHED
    with service.warehouse.cursor() as cursor:
        (count,) = cursor.execute("select count(*) from batches where file_name like 'submission%'").fetchone() or (0,)
    assert count == 1


def test_rows_of_other_missions_and_cycles_are_errors_of_the_file(act_as: ActAs, write_file: WriteFile) -> None:
    file = write_file(
        f"sofa_incidents_new,UNIFIL,,{CYCLE_6},40,A,UNIFIL return,",
        "sofa_incidents_new,UNMISS,,2023-11-01,2024-04-30,130,A,UNMISS return,",
    )
    with pytest.raises(LoadError) as refused:
        act_as("mary").add_draft(6, "UNMISS", file, "unmiss.csv")
    assert [(row.row, row.column, row.problem) for row in refused.value.rows] == [
        (2, "mission", "is not the mission of this submission"),
        (3, "period_end", "is not in cycle 6, 2024-05-01 to 2024-10-31"),
    ]


def test_a_draft_is_seen_by_the_mission_only_and_a_submission_also_by_its_approvers(
    act_as: ActAs, draft: SubmissionReport
) -> None:
    assert [found.submission_id for found in act_as("mary").find(6)] == [1]
    assert act_as("paul").find(6) == act_as("lena").find(6) == act_as("rita").find(6) == []
    with pytest.raises(NotAllowed):
        act_as("paul").report(1)
    take(act_as("mary"), draft, Action.SUBMIT)
    assert [found.submission_id for found in act_as("paul").find(6)] == [1]
    assert act_as("lena").find(6) == act_as("rita").find(6) == []


def test_submissions_are_not_in_the_warehouse_and_not_in_the_read_copy(
    service: Application, act_as: ActAs, write_file: WriteFile
) -> None:
    act_as("mary").add_draft(6, "UNMISS", write_file(value=987654321), "secret-name.csv")
    service.refresh(with_history=False)
    for file in (service.settings.warehouse_file, service.settings.read_copy_file):
        assert b"secret-name" not in file.read_bytes()
    with service.warehouse.cursor() as cursor:
        assert cursor.execute("select count(*) from observation_revisions where value = 987654321").fetchone() == (0,)


def test_a_closed_round_needs_an_exception(
    definitions: object, service: Application, act_as: ActAs, write_file: WriteFile
) -> None:
    cycles = service.definitions.catalogue.cycles
    object.__setattr__(cycles, "expiry_days", 90)
    try:
        today = service.clock().date()
        with pytest.raises(RoundError, match="the round of cycle 6 closed on 2025-01-29; an approver of all missions can"):
            act_as("mary").add_draft(6, "UNMISS", write_file(), "unmiss.csv")
        with pytest.raises(NotAllowed):
            act_as("paul").extend(6, "UNMISS", today, "the mission moved its office")
        act_as("ruth").extend(6, "UNMISS", today - timedelta(days=1), "the mission moved its office")
        with pytest.raises(RoundError, match="closed"):
            act_as("mary").add_draft(6, "UNMISS", write_file(), "unmiss.csv")
        act_as("ruth").extend(6, "UNMISS", today, "the mission moved its office")
        assert act_as("mary").add_draft(6, "UNMISS", write_file(), "unmiss.csv").submission.state == State.DRAFT
    finally:
        object.__setattr__(cycles, "expiry_days", 0)


def test_events_are_append_only(service: Application, draft: SubmissionReport) -> None:
    with sqlite3.connect(service.settings.access_file) as connection:
        for statement in ("update submission_events set state = 'published'", "delete from submission_events"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                connection.execute(statement)


def test_an_unknown_submission_is_an_error(act_as: ActAs) -> None:
    with pytest.raises(RoundUnknown, match="unknown submission 77"):
        act_as("ruth").report(77)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(act_as: ActAs, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("wb") as stream:
        stream.truncate(11 << 20)
    with pytest.raises(RoundError, match=r"large\.csv has 11,534,336 bytes; a submission has at most 10,485,760"):
        act_as("mary").add_draft(6, "UNMISS", file, "large.csv")


def test_a_round_shows_the_state_of_each_mission(service: Application, act_as: ActAs, draft: SubmissionReport) -> None:
    def state(mission: str) -> tuple[str, int]:
        (found,) = [entry for entry in service.rounds.list_missions(6) if entry.mission == mission]
        return found.state, found.overdue_days

    late = (service.clock().date() - date(2024, 12, 30)).days
    assert state("UNMISS") == ("overdue", late)
    take(act_as("mary"), draft, Action.SUBMIT)
    assert state("UNMISS") == ("submitted", late)
    assert state("UNIFIL") == ("overdue", late)
    (unmiss,) = [entry for entry in service.rounds.list_missions(6) if entry.mission == "UNMISS"]
    states = {report.indicator: report.state for report in unmiss.reports}
    assert states["sofa_incidents_new"] == "submitted"
    assert set(states.values()) == {"submitted", "overdue"}
    assert unmiss.next_actor == "approver of UNMISS: validate or return"
