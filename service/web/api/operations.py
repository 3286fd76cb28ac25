"""The table of operations of the API beside the resources, from which the OpenAPI document is generated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

from service.access.roles import Right
from service.client.round_messages import Extended, ReviewMessage, RoundState, SubmissionList, WholeSubmission
from service.rounds.transitions import TRANSITIONS, Action
from service.web.api import alerts, audit, events, loads, rounds, saved_queries, thresholds, uploads

CONDITION = "412"
# Names in braces that are numbers.
NUMBERS = ("cycle", "query", "submission")


@dataclass(frozen=True)
class Operation:
    """An operation: its right, the models of body, parameters and answer, and its statuses beside those of every operation.

    `form_field` is the field of an uploaded file. `has_etag`: the answer has an ETag. With `other_answer`, 200 has that model.
    """

    method: str
    path: str
    name: str
    summary: str
    right: Right
    answer: type[BaseModel] | None
    body: type[BaseModel] | None = None
    parameters: type[BaseModel] | None = None
    form_field: str = ""
    statuses: tuple[str, ...] = ("200",)
    problems: Mapping[str, str] = field(default_factory=dict)
    has_labels: bool = False
    has_etag: bool = False
    has_csv: bool = False
    other_answer: type[BaseModel] | None = None

    @property
    def items(self) -> list[str]:
        """The names in braces of the path."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def is_write(self) -> bool:
        """Whether the operation changes something."""
        return self.right not in (Right.READ, Right.QUERY, Right.READ_AUDIT)


_CHANGED = {CONDITION: "It was changed meanwhile: If-Match has another ETag."}
_NO_ROUND = {"404": "Unknown cycle or mission."}
_NO_SUBMISSION = {"404": "Unknown submission."}
_OTHER_PREVIEW = {"409": "The submission would now change other values than in the review that the digest names."}
_ACTIONS = {
    Action.SUBMIT: "Submit a draft or a returned submission",
    Action.VALIDATE: "Validate a submission, as approver of its mission",
    Action.APPROVE: "Approve a validated submission, as approver of all missions",
    Action.PUBLISH: "Publish an approved submission: its values become observations",
    Action.RETURN: "Return a submission to the mission, with a reason",
    Action.WITHDRAW: "Withdraw a submission that is not validated yet",
}
_NO_QUERY = {"404": "There is no such query, or it is another user's."}

OPERATIONS = (
    Operation(
        "get", "thresholds/current", "get_threshold", "One current threshold, with the ETag for If-Match", Right.READ,
        thresholds.OneThreshold, parameters=thresholds.ThresholdKey, has_labels=True, has_etag=True,
        problems={"404": "There is no such threshold."},
    ),
    Operation(
        "post", "thresholds", "set_threshold", "Set a threshold; 200 if it replaces another limit", Right.SET_THRESHOLDS,
        thresholds.ChangedThreshold, body=thresholds.ThresholdToSet, statuses=("200", "201"), problems=_CHANGED, has_etag=True,
    ),
    Operation(
        "delete", "thresholds", "remove_threshold", "Remove a threshold; its history remains", Right.SET_THRESHOLDS,
        thresholds.ChangedThreshold, parameters=thresholds.ThresholdToRemove, has_labels=True, problems=_CHANGED,
    ),
    Operation(
        "post", "thresholds/backtest", "back_test_threshold", "Back-test a threshold on the history; changes nothing",
        Right.READ, thresholds.BackTestAnswer, body=thresholds.ThresholdToTest,
    ),
    Operation(
        "post", "alerts/acknowledgements", "acknowledge_alerts", "Acknowledge firing alerts", Right.ACKNOWLEDGE,
        alerts.Acknowledged, body=alerts.Acknowledgement, statuses=("201",),
    ),
    Operation(
        "post", "silences", "set_silence", "Silence alerts until an end", Right.SILENCE, alerts.ChangedSilence,
        body=alerts.SilenceToSet, statuses=("201",),
    ),
    Operation(
        "delete", "silences/{silence}", "end_silence", "End a silence", Right.SILENCE, alerts.ChangedSilence,
        parameters=alerts.EndReason, problems={"404": "There is no such silence."},
    ),
    Operation(
        "post", "loads", "load_file", "Load a file (CSV, XLSX, Parquet or SDMX-CSV) of observations, or preview it", Right.LOAD,
        loads.LoadAnswer, parameters=loads.LoadQuery, form_field=uploads.FIELD, statuses=("200", "201"),
    ),
    Operation(
        "post", "events", "load_events", "Load an export (CSV) of a feed of events, or preview it", Right.LOAD,
        events.EventsAnswer, parameters=events.EventsLoadQuery, form_field=uploads.FIELD, statuses=("200", "201"),
    ),
    Operation(
        "get", "rounds/{cycle}", "get_round", "The state of every mission in the round of a cycle", Right.READ, RoundState,
        parameters=rounds.NoParameters, problems=_NO_ROUND,
    ),
    Operation(
        "post", "rounds/{cycle}/{mission}/submissions", "upload_submission",
        "Upload a file of a mission as a draft, or review what it would change", Right.SUBMIT, WholeSubmission,
        parameters=rounds.UploadQuery, form_field=uploads.FIELD, statuses=("200", "201"), problems=_NO_ROUND,
        other_answer=ReviewMessage,
    ),
    Operation(
        "post", "rounds/{cycle}/{mission}/extension", "extend_round", "Let a mission submit for a closed round until a day",
        Right.APPROVE, Extended, body=rounds.Extension, statuses=("201",), problems=_NO_ROUND,
    ),
    Operation(
        "get", "submissions", "list_submissions", "The submissions that the caller may see", Right.READ, SubmissionList,
        parameters=rounds.SubmissionsQuery,
    ),
    Operation(
        "get", "submissions/{submission}", "get_submission", "A submission, its review and its history", Right.READ,
        WholeSubmission, parameters=rounds.NoParameters, problems=_NO_SUBMISSION,
    ),
    Operation(
        "post", "submissions/{submission}/comments", "comment_on_submission",
        "Comment on a cell of a submission, as contributor or approver of its mission", Right.COMMENT, WholeSubmission,
        body=rounds.NewComment, statuses=("201",), problems=_NO_SUBMISSION,
    ),
    *(
        Operation(
            "post", f"submissions/{{submission}}/{action}", f"{action}_submission", summary, TRANSITIONS[action].right,
            WholeSubmission, body=rounds.Decision,
            problems={**_NO_SUBMISSION, **(_OTHER_PREVIEW if TRANSITIONS[action].names_digest else {})},
        )
        for action, summary in _ACTIONS.items()
    ),
    Operation(
        "get", "queries", "list_queries", "The own saved queries and those that others share", Right.QUERY,
        saved_queries.QueryList, parameters=saved_queries.NoParameters,
    ),
    Operation(
        "post", "queries", "save_query", "Save a query", Right.SAVE_QUERIES, saved_queries.OneQuery,
        body=saved_queries.QueryToSave, statuses=("201",), has_etag=True,
    ),
    Operation(
        "get", "queries/{query}", "get_query", "One saved query, with the ETag for If-Match", Right.QUERY,
        saved_queries.OneQuery, parameters=saved_queries.NoParameters, problems=_NO_QUERY, has_etag=True,
    ),
    Operation(
        "put", "queries/{query}", "change_query", "Replace an own query", Right.SAVE_QUERIES, saved_queries.OneQuery,
        body=saved_queries.QueryToSave, problems={**_NO_QUERY, **_CHANGED}, has_etag=True,
    ),
    Operation(
        "delete", "queries/{query}", "delete_query", "Delete an own query", Right.SAVE_QUERIES, None,
        parameters=saved_queries.NoParameters, statuses=("204",), problems={**_NO_QUERY, **_CHANGED},
    ),
    Operation(
        "get", "audit", "list_audit", "The audit, newest first", Right.READ_AUDIT, audit.AuditPage,
        parameters=audit.AuditQuery, has_csv=True,
    ),
)  # fmt: skip
