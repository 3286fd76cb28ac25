"""The page `/sql`: a query editor that sends queries to /api/v1/sql and shows the result as table, chart or file."""

from __future__ import annotations

from flask import Blueprint, abort, request

from service.application import Application
from service.names import suggest_names
from service.queries.examples import read_examples
from service.warehouse.schema import read_schema
from service.web.pages.layout import open_page

FIRST_QUERY = """select mission, value, period_end, page
from latest
where indicator = 'sofa_incidents_new' and value is not null
order by value desc"""
ROW_LIMITS = (100, 1_000, 10_000)


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes. A link opens a query without running it."""
    examples = {example.name: example for example in read_examples()}

    @routes.get("/sql")
    def show_sql() -> str:
        name = request.args.get("example", "")
        if name and name not in examples:
            abort(404, f"Unknown example {name!r}. {suggest_names(name, examples)}")
        with open_page(application) as page:
            assert page.session is not None
            return page.render(
                "sql.html",
                sql=request.args.get("sql") or (examples[name].sql if name else FIRST_QUERY),
                views=read_schema(page.session),
                examples=examples.values(),
                example=name,
                row_limits=ROW_LIMITS,
            )
