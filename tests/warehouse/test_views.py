"""The views of the warehouse: columns, types and comments."""

from __future__ import annotations

import pytest

from service.settings import find_in_tree
from service.warehouse.database import read_sql
from tests.conftest import Read

OBSERVATION = (
    "indicator mission dimensions period_start period_end value status source page note batch_id recorded_at"
)  # fmt: skip
EVENT = "feed event_id kind occurred_on mission attributes state recorded_at batch_id"
VIEWS = {
    "indicators": "indicator title description priority unit better source metric expected_missions",
    "missions": "mission name location has_political_mandate host_agreement status opened_on closed_on latitude longitude",
    "observations": OBSERVATION,
    "observation_revisions": OBSERVATION,
    "latest": OBSERVATION,
    "kpis": "kpi title description unit better priority metric maximum",
    "kpi_changes": "kpi mission dimensions as_of value previous_as_of previous_value change missions missions_used "
    "missions_expected",
    "kpi_values": "kpi mission dimensions as_of value computed_at missions missions_used missions_expected",
    "kpi_latest": "kpi mission dimensions as_of value computed_at missions missions_used missions_expected",
    "reconciliation": "check_name expected computed difference agrees note",
    "completeness": "period indicator missions_expected missions_reported",
    "thresholds": "metric mission dimensions comparison severity limit_value note set_by recorded_at excluded_missions",
    "threshold_history": ("metric mission dimensions comparison severity limit_value replaced_limit note set_by recorded_at"),
    "threshold_breaches": (
        "metric mission dimensions comparison severity limit_value value excess period_start period_end status source page "
        "batch_id unreported_period_end threshold_mission threshold_dimensions note set_by set_at"
    ),
    "alerts": (
        "fingerprint status alert metric mission severity value limit_value labels annotations starts_at ends_at recorded_at"
    ),
    "firing_alerts": (
        "fingerprint alert metric mission severity value limit_value labels annotations starts_at acknowledged_by "
        "acknowledgement acknowledged_at value_now limit_now period_end_now"
    ),
    "silences": (
        "silence_id alert metric mission severity dimensions starts_at ends_at note set_by ended_by alertmanager_id "
        "is_delivered recorded_at"
    ),
    "alert_values": "metric mission dimensions value period_end unreported_period_end limits",
    "job_runs": "run_id job due started ended status row_count error",
    "batches": "batch_id file_name sha256 loaded_by recorded_at row_count new_observations revisions unchanged",
    "priorities": "priority title number cross_cutting",
    "cycles": "cycle period_start period_end due_on",
    "expected_reports": "indicator mission cycle period_start period_end due_on",
    "report_states": "indicator mission cycle period_start period_end due_on state is_reported is_overdue",
    "overdue_reports": "indicator mission cycle period_start period_end due_on state",
    "changes": (
        "indicator mission dimensions period_start period_end value previous_period_end previous_value change "
        "missions_used missions_expected"
    ),
    "snapshot_info": "snapshot_id as_of made_at batch_id series_count",
    "events": EVENT,
    "event_revisions": f"{EVENT} updated_at change",
    "event_loads": (
        "batch_id feed file_name loaded_by recorded_at exported_at row_count new_events changed_events unchanged_events "
        "older_events withdrawn_events duplicate_rows unreadable_rows left_out_rows notes"
    ),
    "event_faults": "batch_id feed file_name file_row fault event_id column_name written problem recorded_at",
    "feeds": "feed title description source licence attribution",
}
TYPES = {
    "dimensions": "MAP(VARCHAR, VARCHAR)",
    "attributes": "MAP(VARCHAR, VARCHAR)",
    "occurred_on": "DATE",
    "period_start": "DATE",
    "period_end": "DATE",
    "as_of": "DATE",
    "value": "DOUBLE",
    "recorded_at": "TIMESTAMP WITH TIME ZONE",
    "computed_at": "TIMESTAMP WITH TIME ZONE",
}


def test_no_table_has_a_key_an_index_or_a_sequence(read: Read) -> None:
    assert read("select table_name, constraint_type from duckdb_constraints() where constraint_type <> 'NOT NULL'") == []
    assert read("select index_name from duckdb_indexes()") == []
    assert read("select sequence_name from duckdb_sequences()") == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_has_exactly_its_columns_each_with_a_comment(read: Read, view: str) -> None:
    columns = read(
        "select column_name, data_type, comment from duckdb_columns() "
        "where table_name = ? and schema_name = 'main' order by column_index",
        view,
    )
    assert " ".join(name for name, _, _ in columns) == VIEWS[view]
    assert {name: kind for name, kind, _ in columns if name in TYPES} == {
        name: kind for name, kind in TYPES.items() if name in VIEWS[view].split()
    }
    assert [name for name, _, comment in columns if not comment] == []


def test_every_view_and_column_says_what_it_is(read: Read) -> None:
    assert read("select view_name from duckdb_views() where not internal and comment is null") == []
    assert read(
        "select table_name, column_name from duckdb_columns() where not internal and schema_name = 'main' and comment is null"
    ) == []  # fmt: skip


def test_columns_of_one_name_have_one_comment_unless_the_view_has_its_own(read: Read) -> None:
    text = read_sql("schema/list_column_comments")
    listed = text[text.index("with sentences") : text.index("select format(")]
    sentences = {
        (view, column): sentence
        for view, column, sentence in read(f"{listed} select view_name, column_name, sentence from sentences")
    }
    comments = {
        (view, column): comment
        for view, column, comment in read(
            "select table_name, column_name, c.comment from duckdb_columns() as c join duckdb_views() as v "
            "on c.schema_oid = v.schema_oid and c.table_oid = v.view_oid where not v.internal and v.schema_name = 'main'"
        )
    }
    assert comments == {
        (view, column): sentences.get((view, column), sentences.get((None, column))) for view, column in comments
    }
    own = {key for key in sentences if key[0] is not None}
    assert own <= set(comments)
    assert {column for _, column in sentences} == {column for _, column in comments}
    assert [key for key in own if sentences[key] == sentences[(None, key[1])]] == []


def test_column_comments_are_written_in_one_file() -> None:
    sql = find_in_tree("sql")
    assert [str(file.relative_to(sql)) for file in sql.rglob("*.sql") if "comment on column" in file.read_text()] == [
        "schema/list_column_comments.sql"
    ]


def test_observations_known_at_has_the_columns_of_observations(read: Read) -> None:
    described = read("describe select * from observations_known_at(now())")
    assert " ".join(row[0] for row in described) == OBSERVATION


def test_events_known_at_has_the_columns_of_events(read: Read) -> None:
    assert " ".join(row[0] for row in read("describe select * from events_known_at(now())")) == EVENT
