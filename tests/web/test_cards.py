"""Labels of table cells, from which the stylesheet draws cards on phones."""

from __future__ import annotations

from service.web.pages.cards import label_cells

HEAD = "<thead><tr><th>Mission</th><th>Value</th><th>The <b>period</b></th><th>Note</th></tr></thead>"


def test_cells_of_a_wide_table_have_the_heading_of_their_column() -> None:
    row = '<tr><th scope="row">UNMISS</th><td class="number">5</td><td>cycle 5</td><td> </td></tr>'
    assert label_cells(f"<p>a</p><table>{HEAD}<tbody>{row}</tbody></table>") == (
        f'<p>a</p><table class="cards">{HEAD}<tbody><tr><th scope="row">UNMISS</th><td class="number" data-label="Value">5</td>'
        '<td data-label="The period">cycle 5</td><td></td></tr></tbody></table>'
    )


def test_a_cell_over_several_columns_has_no_label_and_moves_the_next_one() -> None:
    row = '<tr><td colspan="2">none</td><td>1</td><td>2</td></tr>'
    labelled = label_cells(f'<table class="compact">{HEAD}<tbody>{row}</tbody></table>')
    assert '<table class="cards compact">' in labelled
    assert '<td colspan="2">none</td><td data-label="The period">1</td><td data-label="Note">2</td>' in labelled


def test_tables_that_fit_a_phone_or_have_no_headings_are_unchanged() -> None:
    narrow = "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>"
    bare = "<table><tbody><tr><td>1</td></tr></tbody></table>"
    assert label_cells(narrow + bare) == narrow + bare
