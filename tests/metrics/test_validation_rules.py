"""Headers of validation rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from metrics.catalogue import CatalogueError
from metrics.validation_rules import read_rules

HEADER = "-- title: A\n-- severity: low        missing_values: never_skip\n-- description: B\n-- action: C\n"


def test_a_rule_has_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "a_rule.sql").write_text(f"{HEADER}select 1\n")
    (rule,) = read_rules(tmp_path)
    assert (rule.rule, rule.severity, rule.missing_values, rule.query) == ("a_rule", "low", "never_skip", "select 1")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (HEADER.replace("low", "severe") + "select 1", "a_rule.sql:2: severity: Input should be 'high', 'medium' or 'low'"),
        (HEADER.replace("-- action: C\n", "") + "select 1", "the key 'action' is missing in the header; add '-- action: ...'"),
        (HEADER + "-- owner: D\nselect 1", "a_rule.sql:5: the key 'owner' is unknown"),
        (HEADER, "the query below the header is missing"),
    ],
)
def test_a_wrong_header_is_an_error_with_its_line(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "a_rule.sql").write_text(text)
    with pytest.raises(CatalogueError) as caught:
        read_rules(tmp_path)
    assert fault in str(caught.value)
