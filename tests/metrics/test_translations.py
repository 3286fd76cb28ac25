"""Translations are complete: of every message of the code, and of every text of the shipped catalogue."""

from __future__ import annotations

import re
from configparser import RawConfigParser

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from metrics.languages import NAMES, SOURCE, TRANSLATIONS
from service.commands.generate import list_compiled
from service.queries.examples import read_examples
from service.settings import TREE
from service.warehouse.definitions import Definitions

LANGUAGES = [code for code in NAMES if code != SOURCE]
KEYWORDS = {**DEFAULT_KEYWORDS, "mark_message": None}
PLACE = re.compile(r"%\((\w+)\)s|\{(\w+)\}")
TAG = re.compile(r"<[^>]+>")
TAG_OR_PLACE = re.compile(r"%\(\w+\)s|\{\w+\}|<[^>]+>")
# The French site of the United Nations has the page in French.
ADDRESSES = ("https://peacekeeping.un.org/en/", "https://peacekeeping.un.org/fr/")
Key = tuple[str | None, str | tuple[str, ...]]


def extract_messages() -> dict[Key, Message]:
    """Return the messages of the code and of templates, by context and text."""
    with (TREE / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    catalog = Catalog()
    for _, _, message, _, context in extract_from_dir(TREE, methods, options, KEYWORDS):
        catalog.add(message, context=context)
    return index(catalog)


def index(catalog: Catalog) -> dict[Key, Message]:
    """Return the messages of a catalogue by context and text."""
    messages = [message for message in catalog if message.id]
    return {
        (message.context, message.id if isinstance(message.id, str) else tuple(message.id)): message for message in messages
    }


def read_language(code: str) -> dict[Key, Message]:
    with (TRANSLATIONS / code / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return index(read_po(file, locale=code))


def list_texts(message: Message) -> list[tuple[str, str]]:
    """Return each form of a message with its translation."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    assert isinstance(message.string, list | tuple)
    return list(zip(message.id, message.string, strict=True))


def list_english(definitions: Definitions) -> list[str]:
    """Return the parts of English texts with at least three words that no French text has."""
    pairs = [pair for message in read_language("fr").values() for pair in list_texts(message)]
    pairs += definitions.texts["fr"].items()
    parts = {part.strip(" .:;,·") for text, _ in pairs for part in TAG_OR_PLACE.split(text)}
    whole = " ".join(translation for _, translation in pairs)
    return sorted(part for part in parts if len(re.findall(r"[A-Za-z]{2,}", part)) >= 3 and part not in whole)


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_message_is_translated_and_no_other(code: str) -> None:
    found, translated = extract_messages(), read_language(code)
    assert sorted(map(str, found.keys() - translated.keys())) == [], "run 'make messages' and translate them"
    assert sorted(map(str, translated.keys() - found.keys())) == [], "run 'make messages', which removes them"
    assert [message.id for message in translated.values() if message.fuzzy] == []
    empty = [text for message in translated.values() for text, translation in list_texts(message) if not translation.strip()]
    assert empty == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_have_the_places_and_tags_of_their_messages(code: str) -> None:
    for message in read_language(code).values():
        for text, translation in list_texts(message):
            assert set(PLACE.findall(translation)) == set(PLACE.findall(text)), text
            tags = [tag.replace(*reversed(ADDRESSES)) for tag in TAG.findall(translation)]
            assert sorted(tags) == sorted(TAG.findall(text)), text
            assert translation.endswith(".") == text.endswith("."), text


def test_compiled_messages_agree_with_their_sources() -> None:
    compiled = list_compiled()
    assert {file.parent.parent.name for file in compiled} == set(LANGUAGES)
    for file, content in compiled.items():
        assert file.read_bytes() == content, "run 'make generate'"


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_of_the_shipped_catalogue_is_translated(definitions: Definitions, code: str) -> None:
    catalogue = definitions.catalogue
    indicators = [entry for _, entry in catalogue.indicators]
    texts: set[str | None] = {kind for kpi in definitions.kpis for kind in (kpi.title, kpi.short_title, kpi.description)}
    for priority in catalogue.priorities:
        texts |= {priority.title, priority.description}
    for mission in catalogue.missions:
        texts |= {mission.name, mission.location}
    for indicator in indicators:
        texts |= {indicator.title, indicator.short_title, indicator.description, indicator.source}
        texts |= {value for values in indicator.dimensions.values() for value in values}
    for feed in definitions.feeds:
        texts |= {feed.title, feed.description, feed.source, feed.licence, feed.attribution}
        texts |= {value for entry in (feed.kind, feed.state) if entry for value in entry.stored_values or ()}
    for term in definitions.glossary:
        texts |= {term.term, term.name, term.text}
    texts |= {threshold.note for threshold in definitions.thresholds} | {example.title for example in read_examples()}
    assert sorted(text for text in texts if text and text not in definitions.texts[code]) == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_catalogue_has_no_translation_of_a_text_that_is_gone(definitions: Definitions, code: str) -> None:
    used = {value for _, entry in definitions.catalogue.indicators for values in entry.dimensions.values() for value in values}
    used |= {entry.source for _, entry in definitions.catalogue.indicators}
    used |= {threshold.note or "" for threshold in definitions.thresholds} | {example.title for example in read_examples()}
    for feed in definitions.feeds:
        used |= {feed.source, feed.licence, feed.attribution}
        used |= {value for entry in (feed.kind, feed.state) if entry for value in entry.stored_values or ()}
    assert [term.text for term in definitions.catalogue.terms if term.text not in used] == []


def test_the_configuration_of_extraction_covers_all_templates() -> None:
    parser = RawConfigParser()
    parser.read_string((TREE / "babel.cfg").read_text(encoding="utf-8"))
    assert parser.sections() == ["python: metrics/**.py", "python: service/**.py", "jinja2: service/**/templates/**.html"]
    folders = {file.parent.relative_to(TREE) for file in TREE.glob("service/**/*.html")}
    assert all("templates" in folder.parts for folder in folders)
