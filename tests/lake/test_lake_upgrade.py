"""A release with further migrations upgrades a lake; replicas of the previous release write nothing then."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import LakeError, LakeUnavailable
from service.lake import opening
from service.lake import warehouse as warehouse_module
from service.lake.store import list_tables
from service.warehouse import database, migrations, stored_definitions
from tests.conftest import load_value
from tests.lake.conftest import OpenReplica
from tests.lake.test_replicas import digest, get_lake

NEXT = (9999, "9999_next")
NEXT_SQL = """
alter table store.kpis add column remark varchar;

create table store.remarks (batch_id integer not null, remark varchar);

insert into store.remarks select batch_id, file_name from store.batches;
"""


def release_next(patch: pytest.MonkeyPatch) -> None:
    """Make this process the next release, which has one more migration."""
    known = [*migrations.list_migrations(), NEXT]
    read = database.read_sql
    for module in (migrations, opening, warehouse_module, stored_definitions):
        patch.setattr(module, "list_migrations", lambda: known)
    patch.setattr(database, "read_sql", lambda name: NEXT_SQL if name == f"migrations/{NEXT[1]}" else read(name))


@pytest.mark.long
def test_the_first_replica_of_a_release_upgrades_the_lake(open_replica: OpenReplica, tmp_path: Path) -> None:
    first, second = open_replica("a"), open_replica("b")
    load_value(first, tmp_path, 5)
    first.close()
    with pytest.MonkeyPatch.context() as patch:
        release_next(patch)
        upgraded = open_replica("c")
        with upgraded.warehouse.cursor() as cursor:
            assert cursor.execute("select batch_id, remark from store.remarks").fetchall() == [(1, f"{tmp_path}/5.csv")]
        load_value(upgraded, tmp_path, 6)

    # The second is still of the previous release.
    with pytest.raises(LakeError, match="newer version of this service"):
        get_lake(second).pull()
    with pytest.raises(LakeError, match="newer version of this service"):
        load_value(second, tmp_path, 7)
    second.close()
    with pytest.raises(LakeError, match="newer version of this service"):
        open_replica("b")

    with pytest.MonkeyPatch.context() as patch:
        release_next(patch)
        assert digest(open_replica("a")) == digest(open_replica("b")) == digest(upgraded)
        load_value(upgraded, tmp_path, 8)


def test_an_upgrade_does_not_replace_tables_after_a_later_write(open_replica: OpenReplica) -> None:
    lake = get_lake(open_replica())
    with lake.cursor() as cursor:
        columns = list_tables(cursor)["catalogues"]
    upgraded_from, rows = lake.read_state(), lake.store.count(["catalogues"])
    with lake.write() as cursor:
        cursor.execute("insert into store.catalogues values (99, 'one', now())")
    with pytest.raises(LakeUnavailable, match="another replica wrote to the lake at the same time"):
        lake.store.replace_tables({"catalogues": columns}, {}, upgraded_from)
    assert lake.store.count(["catalogues"])["catalogues"] == rows["catalogues"] + 1
