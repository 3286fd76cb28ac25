"""The page `/sql`: a query editor that sends queries to /api/v1/sql, and saved queries, own and shared ones."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, Response, abort, request

from metrics.languages import gettext
from service.access.roles import Right
from service.access.saved_queries import MAX_NAME_LENGTH, SavedQuery
from service.application import Application
from service.client.local import ApplicationClient
from service.client.protocol import SavedQueryRequest
from service.errors import AccessError, AccessUnavailable, ChangedMeanwhile, QueryUnknown
from service.names import suggest_names
from service.queries.examples import read_examples
from service.warehouse.schema import read_schema
from service.web.authorization import current_identity, requires
from service.web.pages.layout import open_page
from service.web.pages.private import answer_private, explain_missing_right, go_to, link_to_sign_in

FIRST_QUERY = """select mission, value, period_end, page
from latest
where indicator = 'sofa_incidents_new' and value is not null
order by value desc"""
ROW_LIMITS = (100, 1_000, 10_000)


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the page to the routes. A link opens a query without running it."""
    examples = {example.name: example for example in read_examples()}
    queries = application.access.saved_queries

    @routes.get("/sql")
    def show_sql() -> Response:
        return show()

    @routes.post("/sql")
    @requires(Right.SAVE_QUERIES)
    def change_queries() -> Response:
        form = request.form
        client = ApplicationClient(application, True, current_identity())
        action, number, expected = form.get("action", ""), _read_number(form.get("saved", "")), form.get("revision") or None
        try:
            if action == "delete" and number is not None:
                client.delete_query(number, expected)
                return go_to("/sql#saved", gettext("The query is deleted."))
            if action not in ("save", "save as new"):
                raise AccessError(f"action: unknown action {action!r}")
            saved = client.save_query(
                SavedQueryRequest(name=form.get("name", ""), text=form.get("text", ""), is_shared="is_shared" in form),
                number if action == "save" else None,
                expected if action == "save" else None,
            )
        except ChangedMeanwhile as error:
            return show(409, f"{error}.")
        except AccessError as error:
            return show(400, f"{error}.")
        return go_to(f"/sql?saved={saved.id}", gettext("The query %(name)s is saved.", name=repr(saved.name)))

    def show(status: int = 200, error_text: str = "") -> Response:
        identity = current_identity()
        values = request.values
        name = request.args.get("example", "")
        if name and name not in examples:
            abort(404, f"Unknown example {name!r}. {suggest_names(name, examples)}")
        may_save = identity.may(Right.SAVE_QUERIES)
        # Shared queries are for all who may query, also without signing in.
        visible: list[SavedQuery] = []
        # Readers without an identity are answered also while the database of users cannot be opened.
        with suppress(AccessUnavailable):
            visible = queries.list_visible(identity.owner) if application.access.store.exists() else []
        saved = find_saved(values.get("saved", ""), identity.owner)
        text = values.get("sql") or values.get("text")
        with open_page(application) as page:
            assert page.session is not None
            body = page.render(
                "sql.html",
                sql=text or (saved.text if saved else examples[name].sql if name else FIRST_QUERY),
                views=read_schema(page.session),
                examples=examples.values(),
                example=name,
                row_limits=ROW_LIMITS,
                queries=visible,
                saved=saved,
                owner=identity.owner,
                is_own=saved is not None and saved.owner == identity.owner,
                name=values.get("name", saved.name if saved else ""),
                is_shared=values.get("is_shared", saved.is_shared if saved else False),
                max_name_length=MAX_NAME_LENGTH,
                may_save=may_save,
                refusal=explain_missing_right(identity, Right.SAVE_QUERIES),
                sign_in_link=link_to_sign_in() if identity.is_anonymous else "",
                error_text=error_text,
            )
        return answer_private(body, status)

    def find_saved(text: str, owner: str) -> SavedQuery | None:
        number = _read_number(text)
        if number is None:
            return None
        try:
            return queries.get(number, owner)
        except QueryUnknown as error:
            abort(404, f"{str(error).capitalize()}, or it is not shared.")


def _read_number(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        abort(400, f"saved: {text!r} is not the number of a query.")
    return int(text)
