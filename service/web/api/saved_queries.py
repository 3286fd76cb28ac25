"""Saved SQL queries in the API."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response
from pydantic import Field

from service.access.roles import Right
from service.access.saved_queries import MAX_NAME_LENGTH, MAX_TEXT_LENGTH, SavedQuery
from service.application import Application
from service.client.protocol import SavedQueryRequest
from service.errors import QueryUnknown
from service.web.api.writing import Answer, Given, make_client, read_body, read_expected, read_parameters, send, writes
from service.web.authorization import current_identity, requires

# The largest row number of SQLite.
MAX_NUMBER = (1 << 63) - 1


class QueryToSave(Given):
    """A query to save."""

    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH, description="Name, once for each owner.")
    text: str = Field(min_length=1, max_length=MAX_TEXT_LENGTH, description="The SQL. It is not checked.")
    is_shared: bool = Field(False, description="Whether everyone who can query sees it.")


class NoParameters(Given):
    """A resource without parameters."""


class OneQuery(Answer):
    """A saved query. Only its owner can change it; its ETag is for If-Match."""

    id: int
    owner: str
    name: str
    text: str
    is_shared: bool
    created_at: str
    changed_at: str
    revision: str


class QueryList(Answer):
    """The own queries, then those that others share, by name."""

    queries: list[OneQuery]


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the routes of saved queries."""
    queries = application.access.saved_queries

    @routes.get("/queries")
    @requires(Right.QUERY)
    def list_queries() -> Response:
        read_parameters(NoParameters)
        return send(QueryList(queries=[_describe(query) for query in queries.list_visible(current_identity().owner)]))

    @routes.get("/queries/<query>")
    @requires(Right.QUERY)
    def get_query(query: str) -> Response:
        read_parameters(NoParameters)
        found = queries.get(_read_number(query), current_identity().owner)
        return send(_describe(found))

    @routes.post("/queries")
    @writes(application, Right.SAVE_QUERIES)
    def save_query() -> Response:
        saved = make_client(application).save_query(SavedQueryRequest(**read_body(QueryToSave).model_dump()))
        return send(_describe(saved), 201)

    @routes.put("/queries/<query>")
    @writes(application, Right.SAVE_QUERIES)
    def change_query(query: str) -> Response:
        given = SavedQueryRequest(**read_body(QueryToSave).model_dump())
        saved = make_client(application).save_query(given, _read_number(query), read_expected())
        return send(_describe(saved))

    @routes.delete("/queries/<query>")
    @writes(application, Right.SAVE_QUERIES)
    def delete_query(query: str) -> Response:
        read_parameters(NoParameters)
        make_client(application).delete_query(_read_number(query), read_expected())
        return send(None)


def _read_number(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text[:20]) <= MAX_NUMBER:
        return int(text[:20])
    raise QueryUnknown(f"there is no saved query {text[:50]!r}")


def _describe(query: SavedQuery) -> OneQuery:
    return OneQuery(**asdict(query), revision=query.revision)
