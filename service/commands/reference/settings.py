"""The reference of settings, docs/settings.md, rendered from `Settings`."""

from __future__ import annotations

from pydantic import SecretStr

from service.settings import Settings

INTRODUCTION = """\
# Settings

Set each one in the environment, as the option of the same name where a command has it (`a4p serve --port 9000`), or in a TOML
file: `a4p.toml` in the working directory, or the file named by `A4P_CONFIG`. In the file, names are in lower case and without
`A4P_`. An option takes precedence over the environment, and the environment over the file.

An invalid value stops the command with the name of the setting and the reason.

| setting | default | description |
|---|---|---|
"""


def render_settings_reference() -> str:
    """Return docs/settings.md: one table row per field of `Settings`."""
    return INTRODUCTION + "".join(
        f"| `A4P_{name.upper()}` | {_write_default(name)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )


def _write_default(name: str) -> str:
    field = Settings.model_fields[name]
    if isinstance(field.json_schema_extra, dict):
        return str(field.json_schema_extra["shown_default"])
    if field.default in (None, (), "", SecretStr("")):
        return ""
    return f"{field.default:,}" if isinstance(field.default, int) and field.default >= 10_000 else f"`{field.default}`"
