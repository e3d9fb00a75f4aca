"""The library: every rubric in it is one that we would let somebody else begin with."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from projects.errors import ServiceError
from projects.models import Project
from rubrics.library import Entry, entries, entry_named
from rubrics.models import RubricVersion
from rubrics.rubric_files import rubric_check
from rubrics.selectors import spec_of
from rubrics.services import version_publish
from tests.factories import member
from tests.rubrics.helpers import as_, text

NAMES = [entry.name for entry in entries()]
PROMISED = {
    "factual-accuracy", "instruction-adherence", "response-robustness", "toxicity-and-safety", "faithfulness-to-source",
    "format-and-structure", "helpfulness", "coherence", "tone-and-persona", "tool-use", "multi-turn-consistency",
    "code-quality", "summarisation", "translation",
}  # fmt: skip


def test_the_library_holds_what_was_promised() -> None:
    assert set(NAMES) >= PROMISED


@pytest.mark.parametrize("name", NAMES)
def test_a_rubric_of_the_library_passes_its_own_check(name: str) -> None:
    entry = entry_named(name)
    checked = rubric_check(entry.text, f"{name}.yaml")
    assert checked.spec == entry.rubric
    assert [placed.finding.sentence for placed in checked.findings] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_level_is_described_and_shown_by_an_example(name: str) -> None:
    entry = entry_named(name)
    assert entry.rubric.description
    for criterion in entry.rubric.criteria:
        assert criterion.guidance, criterion.key
        assert criterion.levels or criterion.examples, criterion.key
        for level in criterion.levels:
            assert level.anchor, (criterion.key, level.code)
            assert level.example, (criterion.key, level.code)


@pytest.mark.parametrize("name", NAMES)
def test_a_rubric_says_what_it_is_for_and_how_it_goes_wrong(name: str) -> None:
    entry: Entry = entry_named(name)
    assert all(words.endswith(".") for words in (entry.purpose, entry.not_for, entry.measurement, *entry.pitfalls))
    assert len(entry.pitfalls) >= 2
    assert all("arXiv:" in p.source and p.figure for p in entry.agreement)


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    with pytest.raises(ServiceError, match="It has: code-quality, coherence"):
        entry_named("charm")


def test_a_lead_starts_from_the_library_in_the_browser(lead: Client, project: Project) -> None:
    page = text(lead.get(reverse("rubrics:library", args=[project.slug])))
    assert all(entry.title in page for entry in entries())
    address = reverse("rubrics:library_entry", args=[project.slug, "coherence"])
    page = text(lead.get(address))
    assert "Start from this" in page
    assert "A thread can be told; at some place" in page
    made = lead.post(address)
    version = RubricVersion.objects.get()
    assert made.url == reverse("rubrics:edit", args=[project.slug, "coherence"])
    assert (version.status, [c.key for c in spec_of(version).criteria]) == ("draft", ["flow", "contradiction"])
    assert version_publish(version=version, actor=None).digest
    lead.post(address)
    assert RubricVersion.objects.filter(rubric__slug="coherence-2").exists()


def test_a_viewer_reads_the_library_and_starts_nothing(project: Project) -> None:
    client = as_(member(project, "viewer"))
    address = reverse("rubrics:library_entry", args=[project.slug, "coherence"])
    assert "Start from this" not in text(client.get(address))
    assert client.post(address).status_code == 404
    assert client.get(reverse("rubrics:library_entry", args=[project.slug, "charm"])).status_code == 404
    assert not RubricVersion.objects.exists()
