"""Receiver of Alertmanager notifications, authenticated by the token of the data directory."""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, jsonify, request
from pydantic import ValidationError

from service.alerting.alerts import Notification, read_token, record_notification
from service.application import Application
from service.web.authorization import public
from service.web.problems import Refused, refuse_invalid

# A group of a thousand alerts with their annotations has about one megabyte.
MAX_BYTES = 8 << 20


def make_alerts_blueprint(application: Application) -> Blueprint:
    """Return the route that records notifications. It always requires its own token."""
    routes = Blueprint("alerts", __name__)
    expected = f"Bearer {read_token(application.settings)}".encode()

    @routes.post("/api/v1/alerts")
    @public
    def receive() -> Response:
        given = request.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, expected):
            raise Refused(401, "Send the token of the file alerts-token as a bearer token.", {"WWW-Authenticate": "Bearer"})
        if (request.content_length or 0) > MAX_BYTES:
            raise Refused(413, f"The notification exceeds the maximum of {MAX_BYTES:,} bytes.")
        body = request.stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise Refused(413, f"The notification exceeds the maximum of {MAX_BYTES:,} bytes.")
        try:
            notification = Notification.model_validate_json(body)
        except ValidationError as error:
            raise refuse_invalid(error) from None
        recorded = record_notification(application.warehouse, notification, application.clock())
        return jsonify({"received": len(notification.alerts), "recorded": recorded})

    return routes
