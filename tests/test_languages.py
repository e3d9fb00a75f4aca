"""Pages in the reader's language: which, whose choice, and that no text lacks its translation."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import polib  # type: ignore[import-untyped]
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from projects.rendering import render_output, render_prompt
from projects.shown_words import in_readers_words
from tests.factories import CORRECT, member, round_factory, user_factory
from tools import messages, unmarked

GERMAN = {"HTTP_ACCEPT_LANGUAGE": "de-AT,de;q=0.9,en;q=0.5"}


@pytest.mark.parametrize("path", messages.catalogues(), ids=lambda path: path.parts[-3])
def test_every_text_has_its_translation(path: Path) -> None:
    assert messages.problems(path) == []


def test_what_is_wrong_with_a_catalogue_is_said(tmp_path: Path) -> None:
    [source] = messages.catalogues()
    path = tmp_path / "django.po"
    for kept in (source, source.with_suffix(".mo")):
        shutil.copy(kept, tmp_path)
    catalogue = polib.pofile(str(path))
    catalogue.find("Stay").msgstr = ""
    catalogue.find("Copy").flags.append("fuzzy")
    catalogue.find("Join %(project)s").msgstr = "An %(projekt)s teilnehmen"
    catalogue.remove(catalogue.find("Log out?"))
    catalogue.append(polib.POEntry(msgid="Said nowhere", msgstr="Nirgends"))
    catalogue.save()
    found = " ".join(messages.problems(path))
    for words in ("“Stay” has no", "“Copy” is marked fuzzy", "“Join %(project)s” has other", "“Log out?” is not in it"):
        assert words in found
    assert "“Said nowhere” is said nowhere" in found
    messages.update(path)
    assert polib.pofile(str(path)).find("Join %(project)s").msgstr == "An %(projekt)s teilnehmen"  # kept, and told of


def test_a_catalogue_that_is_not_compiled_is_told_of(tmp_path: Path) -> None:
    shutil.copy(messages.catalogues()[0], tmp_path)
    assert messages.problems(tmp_path / "django.po") == ["It is not compiled. Run: python -m tools.messages"]


@pytest.mark.django_db
def test_the_browser_decides_until_somebody_chooses() -> None:
    client = Client()
    address = reverse("account_login")
    page = client.get(address, **GERMAN).content.decode()
    assert '<html lang="de">' in page
    assert "Es gibt" not in page
    assert "Sie können sich hier nicht selbst" in page
    words = re.search(r'<script id="words" type="application/json">(.*?)</script>', page)
    assert words
    assert json.loads(words[1])["Copied"] == "Kopiert"
    assert '<html lang="en">' in client.get(address).content.decode()
    assert client.get(address, **GERMAN)["Content-Language"] == "de"

    chosen = client.post(reverse("language"), {"language": "en", "next": address})
    assert (chosen.status_code, chosen["Location"]) == (302, address)
    page = client.get(address, **GERMAN).content.decode()
    assert '<html lang="en">' in page
    assert 'id="words"' not in page
    client.post(reverse("language"), {"language": "de"})
    assert '<html lang="de">' in client.get(address).content.decode()
    client.post(reverse("language"), {"language": "xx"})  # no language of ours: nothing changes
    assert '<html lang="de">' in client.get(address).content.decode()


@pytest.mark.django_db
def test_a_choice_leads_nowhere_else() -> None:
    chosen = Client().post(reverse("language"), {"language": "de", "next": "https://elsewhere.example/"})
    assert chosen["Location"] == "/"


@pytest.mark.django_db
def test_a_page_that_is_not_translated_is_english_throughout(client: Client) -> None:
    project = round_factory().project
    client.force_login(member(project, "lead"))
    page = client.get(reverse("analytics:reports", args=[project.slug]), **GERMAN).content.decode()
    assert '<html lang="en">' in page
    assert "Skip to content" in page
    assert "Log out" in page


def test_languages_are_those_that_have_a_catalogue() -> None:
    assert {code for code, _ in settings.LANGUAGES} == {"en", *(path.parts[-3] for path in messages.catalogues())}


@pytest.mark.django_db
def test_a_task_is_in_the_language_of_its_rater_whoever_came_before() -> None:
    """What is kept of drawn pages is kept by language."""
    round = round_factory(items=4, overlap=2, criteria=[CORRECT])
    address = reverse("annotation:rate", args=[round.public_id])
    pages = []
    for headers in (GERMAN, {}, GERMAN):
        client = Client()
        client.force_login(member(round.project, "rater"))
        pages.append(client.get(address, HTTP_X_RATE="1", **headers).content.decode())
    for page in (pages[0], pages[2]):
        assert "Abgeben <kbd>" in page
        assert "Ich kann mich nicht entscheiden" in page
        assert "Submit <kbd>" not in page
    assert "Submit <kbd>" in pages[1]
    assert "I cannot decide" in pages[1]


@pytest.mark.django_db
def test_a_refusal_is_in_the_language_of_its_rater() -> None:
    round = round_factory(items=2, criteria=[CORRECT])
    client = Client()
    client.force_login(member(round.project, "rater"))
    page = client.get(reverse("annotation:rate", args=[round.public_id]), **GERMAN).content.decode()
    [task], [key] = (re.findall(rf'name="{name}" value="([^"]+)"', page)[:1] for name in ("task", "key"))
    sent = client.post(
        reverse("annotation:submit", args=[round.public_id]), {"task": task, "key": key}, HTTP_X_RATE="1", **GERMAN
    )
    assert sent.status_code == 422
    assert "1 Frage braucht zuerst eine Antwort." in sent.content.decode()


def test_a_reader_leaves_no_language_behind() -> None:
    assert "Anmelden" in Client(**GERMAN).get(reverse("account_login")).content.decode()
    assert translation.get_language() == settings.LANGUAGE_CODE


@pytest.mark.django_db
def test_what_is_missing_is_said_in_the_readers_language_and_the_same_of_every_address() -> None:
    """An address that was never one, and one that is hidden, whose page is not translated."""
    project = round_factory().project
    pages = {}
    for headers in (GERMAN, {}):
        for address in ("/nothing-here", reverse("analytics:reports", args=[project.slug]), "/rate/none/"):
            client = Client()
            client.force_login(user_factory())
            answer = client.get(address, **headers)
            assert (answer.status_code, answer["Content-Language"]) == (404, "de" if headers else "en")
            pages.setdefault(bool(headers), set()).add(answer.content.decode())
    [german], [english] = pages[True], pages[False]
    assert '<html lang="de">' in german
    assert "Unter dieser Adresse gibt es nichts" in german
    assert '<html lang="en">' in english
    assert "There is nothing at this address" in english


def test_a_form_without_its_token_is_refused_in_the_readers_language() -> None:
    answer = Client(enforce_csrf_checks=True).post(reverse("account_login"), **GERMAN)
    assert answer.status_code == 403
    assert "Dieses Formular war zu lange offen" in answer.content.decode()
    assert translation.get_language() == settings.LANGUAGE_CODE


MESSAGES = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": "Two."},
    {"role": "narrator", "content": "Three."},
    {"role": "user", "content": "<dt>Result</dt> **User**"},
    {"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "look", "arguments": '{"a": 1}'}}]},
    {"role": "tool", "tool_call_id": "1", "content": "Result"},
]


def test_our_words_in_shown_texts_are_the_readers_and_theirs_stay() -> None:
    html = render_prompt(MESSAGES, ["# Sources\n\nUser"], ["Tool"]) + render_output('{"a": 1}') + render_output("")
    assert in_readers_words(html) == html
    with translation.override("de"):
        said = in_readers_words(html)
    ours = ("Nutzer", "Systemnachricht", "3 frühere Beiträge", "Werkzeug", "Argumente", "Ergebnis", "zurückgegeben")
    for words in ours:
        assert f' lang="de">{words}<' in said
    assert ' data-who="Source" lang="de">Quelle<' in said
    assert ' lang="de">Gültiges JSON.<' in said
    assert ' lang="de">Dieser Text ist leer.<' in said
    for theirs in ("&lt;dt&gt;Result&lt;/dt&gt;", "<strong>User</strong>", ">1 · Sources<", "<p>Tool</p>"):
        assert theirs in said
    assert re.sub(r' (?:data-who|lang)="[^"]*"', "", said).count("<") == html.count("<")
    assert 'class="turn-who">' not in said


def test_text_that_nothing_marks_is_found() -> None:
    page = """{% load i18n %}<h1>{% translate "Marked" %}</h1><p title="{{ x }} held">{{ n }} more</p><kbd>Enter</kbd>
    {% blocktranslate %}Whole{% endblocktranslate %}{{ a|default:"none" }}{# said #}{{ b|default:_("well") }}"""
    assert sorted(unmarked.words_in(page)) == ["none", "⟨⟩ held", "⟨⟩ more"]


def test_sentences_of_refusals_and_fields_that_nothing_marks_are_found(tmp_path: Path) -> None:
    path = tmp_path / "code.py"
    path.write_text(
        'raise ServiceError(f"No {x} here.")\nraise ServiceError(gettext("Marked."))\n'
        'messages.success(request, "Done" if x else _("Not"))\nforms.CharField(label="Name", initial="none")\n'
    )
    assert list(unmarked.spoken(path)) == [(1, "No  here."), (3, "Done"), (4, "Name")]
