"""What a browser does in tests of pages: sign in, and send the forms of a page."""

from __future__ import annotations

import html
import re

from flask.testing import FlaskClient

PASSWORD = "correct horse battery"


def find_fields(text: str, action: str, button: str = "") -> dict[str, list[str]]:
    """Return the fields of the form of a page that is sent to a path by POST, with their values."""
    for form in re.findall(r'<form method="post" action="([^"]+)"[^>]*>(.*?)</form>', text, re.S):
        if html.unescape(form[0]) != action or button not in form[1]:
            continue
        fields: dict[str, list[str]] = {}
        for tag in re.findall(r"<input[^>]*>", form[1]):
            given = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            is_off = given.get("type") in ("checkbox", "radio") and " checked" not in tag
            if "name" in given and not is_off:
                fields.setdefault(given["name"], []).append(html.unescape(given.get("value", "")))
        for name, content in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', form[1], re.S):
            fields.setdefault(name, []).append(html.unescape(content))
        for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form[1], re.S):
            chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(r'<option value="([^"]*)"', options)
            fields.setdefault(name, []).append(html.unescape(chosen[1]) if chosen else "")
        return fields
    raise AssertionError(f"the page has no form for {action} with {button!r}")


def sign_in(client: FlaskClient, name: str, path: str = "/sign-in") -> str:
    """Sign in and return the address that the service leads to."""
    fields = find_fields(client.get(path).text, "/sign-in")
    answer = client.post("/sign-in", data={**fields, "name": name, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return str(answer.location)
