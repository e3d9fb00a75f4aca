"""Items, their outputs, automated scores: what the pages show, to whom, at what cost."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from projects import selectors
from projects.models import (
    AutomatedScore,
    ImportBatch,
    Item,
    ItemRevision,
    ItemTag,
    Metric,
    Output,
    OutputRevision,
    Project,
)
from tests.factories import item_factory, member, output_factory, project_factory, system_factory, user_factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return user_factory("Alice")


@pytest.fixture
def project(alice: User) -> Project:
    return project_factory("Support", lead=alice)


@pytest.fixture
def lead(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def fill(project: Project, items: int, systems: int = 2) -> None:
    chosen = [system_factory(project) for _ in range(systems)]
    metric, _ = Metric.objects.get_or_create(project=project, key="faithfulness")
    for _ in range(items):
        item = item_factory(project)
        ItemTag.objects.create(item=item, tag="topic:refunds")
        for system in chosen:
            output = output_factory(item, system)
            AutomatedScore.objects.create(metric=metric, key=f"{output.pk}", output=output, number=0.5)


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as caught:
        assert client.get(url).status_code == 200
    return len(caught)


def text(client: Client, name: str, project: Project, *args: object, **query: str) -> str:
    answer = client.get(reverse(f"projects:{name}", args=[project.slug, *args]), query)
    assert answer.status_code == 200
    return answer.content.decode()


# --- The list ------------------------------------------------------------------------------------------
def test_an_empty_project_teaches(project: Project, lead: Client) -> None:
    page = text(lead, "items", project)
    assert "No items yet" in page
    assert reverse("projects:import", args=[project.slug]) in page


def test_a_viewer_is_not_told_to_import(project: Project) -> None:
    client = Client()
    client.force_login(member(project, "viewer"))
    assert reverse("projects:import", args=[project.slug]) not in text(client, "items", project)


def test_items_are_found_by_id_and_by_tag(project: Project, lead: Client) -> None:
    tagged = item_factory(project, "refund-1")
    ItemTag.objects.create(item=tagged, tag="topic:refunds")
    item_factory(project, "refund-2")
    item_factory(project, "greeting")
    by_id = text(lead, "items", project, q="REFUND")
    assert "refund-1" in by_id
    assert "refund-2" in by_id
    assert "greeting" not in by_id
    by_tag = text(lead, "items", project, tag="topic:refunds")
    assert "refund-1" in by_tag
    assert "refund-2" not in by_tag
    assert "No item has this" in text(lead, "items", project, q="refund", tag="no-such-tag")


def test_another_project_s_items_never_show(project: Project, lead: Client) -> None:
    other = project_factory("Elsewhere", lead=user_factory("Charlie"))
    secret = item_factory(other, "secret-item")
    ItemTag.objects.create(item=secret, tag="secret-tag")
    item_factory(project, "mine")
    page = text(lead, "items", project)
    assert "mine" in page
    assert "secret" not in page
    assert "secret" not in text(lead, "items", project, tag="secret-tag").replace('value="secret-tag"', "")
    foreign = lead.get(reverse("projects:item", args=[project.slug, secret.pk]))
    missing = lead.get(reverse("projects:item", args=[project.slug, 10**9]))
    assert (foreign.status_code, foreign.content) == (404, missing.content)


def test_pages_of_fifty_keep_the_filter(project: Project, lead: Client) -> None:
    for n in range(51):
        item_factory(project, f"item-{n:02}")
    first = text(lead, "items", project, q="item")
    assert "item-49" in first
    assert "item-50" not in first
    assert "?q=item&amp;page=2" in first
    assert "item-50" in text(lead, "items", project, q="item", page="2")
    assert "item-50" in text(lead, "items", project, page="nonsense") or "item-00" in text(lead, "items", project)


@pytest.mark.parametrize("name", ["items", "metrics"])
def test_lists_cost_the_same_at_two_sizes(project: Project, lead: Client, name: str) -> None:
    url = reverse(f"projects:{name}", args=[project.slug])
    fill(project, 2)
    few = queries(lead, url)
    fill(project, 20)
    assert queries(lead, url) == few
    # session, user, role, project (policy); role and counts (side nav); tags, count, rows, two prefetches
    assert few <= 12


# --- One item --------------------------------------------------------------------------------------------
def test_an_item_costs_the_same_with_many_outputs(project: Project, lead: Client) -> None:
    fill(project, 1, systems=2)
    item = Item.objects.get()
    url = reverse("projects:item", args=[project.slug, item.pk])
    few = queries(lead, url)
    for _ in range(10):
        output_factory(item, system_factory(project))
    assert queries(lead, url) == few


def test_the_page_shows_what_each_system_answered_and_took(project: Project, lead: Client) -> None:
    item = item_factory(project, "refund-1", "How long do refunds take?")
    output = output_factory(item, system_factory(project, "assistant", "2.5"), "Five days.")
    Output.objects.filter(pk=output.pk).update(latency_ms=1240, cost=0.0031, currency="USD", tokens_out=7)
    metric = Metric.objects.create(project=project, key="faithfulness")
    AutomatedScore.objects.create(metric=metric, key="1", output=output, number=0.75, explanation="All supported.")
    AutomatedScore.objects.create(metric=metric, key="2", output=output, missing_reason="The judge timed out.")
    page = text(lead, "item", project, item.pk)
    for words in (
        *("How long do refunds take?", "assistant@2.5", "Five days.", "1.2 s", "0.0031 USD"),
        *("0.750", "All supported.", "Missing", "The judge timed out."),
    ):
        assert words in page


def test_a_pair_is_told_from_the_side_of_the_output(project: Project, lead: Client) -> None:
    item = item_factory(project)
    output, other = (output_factory(item, system_factory(project, name), name) for name in ("amber", "basalt"))
    metric = Metric.objects.create(project=project, key="judge", kind="preference", scale_min=0, scale_max=1)
    pair: dict[str, Any] = {"metric": metric, "output": output, "output_b": other}
    AutomatedScore.objects.create(key="1", **pair, number=0.0000630276, position="b_first", turn=2)
    AutomatedScore.objects.create(key="2", **pair, label="b", position="a_first")
    page = text(lead, "item", project, item.pk)
    assert '0.00006303<span class="sub">0: this output, 1: the other</span>' in page
    assert "against basalt, shown first" in page
    assert "turn 2" in page
    assert "against basalt, shown second" in page
    assert ">the other</td>" in page


def test_hostile_text_is_shown_as_text(project: Project, lead: Client) -> None:
    script = "<script>alert(1)</script>"
    item = item_factory(project, script)
    # Without stored HTML the page renders the text itself, as safely as the import does.
    ItemRevision.objects.create(
        item=item, revision=2, current=False, messages=[], digest="0" * 64, reason=script, html=script
    )
    output = output_factory(item, system_factory(project, script))
    output.revisions.update(current=False)
    OutputRevision.objects.create(output=output, revision=2, text=script, digest="1" * 64)
    metric = Metric.objects.create(project=project, key=script)
    AutomatedScore.objects.create(metric=metric, key="1", output=output, label=script, explanation=script)
    page = text(lead, "item", project, item.pk) + text(lead, "items", project) + text(lead, "metrics", project)
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page


def test_revisions_are_told(project: Project, lead: Client) -> None:
    output = output_factory(item_factory(project), system_factory(project), "First words.")
    output.revisions.update(current=False)
    OutputRevision.objects.create(
        output=output, revision=2, kind="redaction", text="[redacted]", digest="2" * 64, reason="A real name."
    )
    page = text(lead, "item", project, output.item_id)
    assert "[redacted]" in page
    assert "First words." not in page


def test_an_excerpt_is_the_last_thing_the_user_said() -> None:
    said = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Where is\nmy refund?"}]},
        {"role": "assistant", "content": "Soon."},
    ]
    assert selectors.excerpt(said) == "Where is my refund?"
    asked = [{"role": "user", "content": "Write a poem."}, {"role": "user", "content": "Shorter."}]
    assert selectors.excerpt([*said, *asked]) == "Write a poem."
    assert selectors.excerpt([{"role": "user", "content": "x" * 500}]).endswith("…")
    assert selectors.excerpt([]) == ""
    assert selectors.excerpt([{"role": "user"}]) == ""


# --- Automated scores ----------------------------------------------------------------------------------
def test_a_mean_comes_with_its_n_and_missing_is_never_zero(project: Project, lead: Client) -> None:
    system = system_factory(project)
    metric = Metric.objects.create(project=project, key="faithfulness")
    for n, value in enumerate([1.0, 0.5, None]):
        output = output_factory(item_factory(project), system)
        missing = "" if value is not None else "failed"
        AutomatedScore.objects.create(metric=metric, key=str(n), output=output, number=value, missing_reason=missing)
    output_factory(item_factory(project), system)
    (row,) = selectors.metric_rows(project)
    assert (row.n, row.missing, row.mean, row.unscored) == (2, 1, 0.75, 1)
    assert "n = 2" in text(lead, "metrics", project)


def test_what_people_answered_in_a_tool_is_no_automated_score(project: Project, lead: Client) -> None:
    metric = Metric.objects.create(project=project, key="helpful (human)", source="human")
    output = output_factory(item_factory(project), system_factory(project))
    AutomatedScore.objects.create(metric=metric, key="1", output=output, number=4)
    assert selectors.metric_rows(project) == []
    page = text(lead, "metrics", project)
    assert "People gave 1 answer in the imported files" in page
    assert "helpful (human)" not in page


def test_labels_have_no_mean(project: Project) -> None:
    metric = Metric.objects.create(project=project, key="tone", kind="label")
    output = output_factory(item_factory(project), system_factory(project))
    AutomatedScore.objects.create(metric=metric, key="1", output=output, label="warm")
    (row,) = selectors.metric_rows(project)
    assert (row.n, row.mean) == (1, None)


def test_a_lead_says_what_a_metric_means(project: Project, lead: Client) -> None:
    metric = Metric.objects.create(project=project, key="faithfulness")
    url = reverse("projects:metric", args=[project.slug, metric.pk])
    lead.post(url, {"direction": "higher", "criterion_key": "correct"})
    metric.refresh_from_db()
    assert (metric.direction, metric.criterion_key) == ("higher", "correct")
    assert "field-error" in lead.post(url, {"direction": "sideways", "criterion_key": ""}).content.decode()
    metric.refresh_from_db()
    assert metric.direction == "higher"


@pytest.mark.parametrize("role", ["reviewer", "viewer", "rater"])
def test_others_may_not_change_a_metric(project: Project, role: str) -> None:
    metric = Metric.objects.create(project=project, key="faithfulness")
    client = Client()
    client.force_login(member(project, role))
    url = reverse("projects:metric", args=[project.slug, metric.pk])
    assert client.post(url, {"direction": "higher"}).status_code == client.get(url).status_code == 404


def test_another_project_s_metric_looks_missing(project: Project, lead: Client) -> None:
    other = Metric.objects.create(project=project_factory(lead=user_factory()), key="faithfulness")
    foreign = lead.get(reverse("projects:metric", args=[project.slug, other.pk]))
    missing = lead.get(reverse("projects:metric", args=[project.slug, 10**9]))
    assert (foreign.status_code, foreign.content) == (404, missing.content)


# --- Tags of several items --------------------------------------------------------------------------------
def tagged(project: Project, tag: str) -> list[str]:
    return list(
        Item.objects.filter(project=project, tags__tag=tag).order_by("pk").values_list("external_id", flat=True)
    )


def test_tags_are_put_on_and_taken_off_the_items_chosen_or_all_that_were_found(lead: Client, project: Project) -> None:
    one, two, three = (item_factory(project, name) for name in ("a-1", "a-2", "b-1"))
    foreign = item_factory(project_factory())
    url = reverse("projects:items_tag", args=[project.slug])

    def send(**fields: Any) -> str:
        return lead.post(url, {"name": "hard", "act": "tag", **fields}, follow=True).content.decode()

    assert "put on 2 items" in send(items=[one.pk, two.pk, foreign.pk, "nonsense", "9" * 30])
    assert "put on 0 items" in send(items=[one.pk])
    assert tagged(project, "hard") == ["a-1", "a-2"]
    assert not foreign.tags.exists()
    assert "put on 1 item." in send(all="on", q="b-", name="  b   side ")
    assert tagged(project, "b side") == ["b-1"]
    assert "taken off 1 item." in send(all="on", tag="hard", q="a-1", act="untag")
    assert tagged(project, "hard") == ["a-2"]
    assert "Choose at least one item." in send()
    assert "Name the tag" in send(items=[three.pk], name=" ")
    assert "at most 150 characters; this one has 151" in send(items=[three.pk], name="x" * 151)
    assert tagged(project, "hard") == ["a-2"]
    page = lead.get(reverse("projects:items", args=[project.slug]), {"tag": "hard"}).content.decode()
    assert f"{reverse('annotation:round_new', args=[project.slug])}?tag=hard" in page
    form = lead.get(reverse("annotation:round_new", args=[project.slug]), {"tag": "hard"}).context["form"]
    assert form["tag"].value() == "hard"


def found(client: Client, project: Project, **query: Any) -> set[str]:
    answer = client.get(reverse("projects:items", args=[project.slug]), query)
    return {item.external_id for item, _ in answer.context["listed"]}


def test_items_are_found_by_what_answered_where_from_and_how_it_scored(lead: Client, project: Project) -> None:
    amber, basalt = system_factory(project, "amber"), system_factory(project, "basalt")
    batch = ImportBatch.objects.create(project=project, file_name="a.csv", file_digest="0" * 64, state="done")
    metric = Metric.objects.create(project=project, key="faithfulness")
    for name, system, score in (("low", amber, 0.2), ("high", amber, 0.9), ("other", basalt, 0.9)):
        item = item_factory(project, name)
        output = output_factory(item, system)
        AutomatedScore.objects.create(metric=metric, key=name, output=output, number=score)
    Item.objects.filter(external_id="low").update(language="de", batch=batch)
    missing = output_factory(item_factory(project, "bare"), amber)
    AutomatedScore.objects.create(metric=metric, key="bare", output=missing, missing_reason="The judge timed out.")
    assert found(lead, project, system=amber.pk) == {"low", "high", "bare"}
    assert found(lead, project, language="de") == found(lead, project, batch=batch.pk) == {"low"}
    assert found(lead, project, metric=metric.pk) == {"low", "high", "other"}, "a missing score is none"
    assert found(lead, project, metric=metric.pk, above="0.9") == {"high", "other"}
    assert found(lead, project, metric=metric.pk, above="0.1", below="0.5") == {"low"}
    assert found(lead, project, metric=metric.pk, above="0.5", system=basalt.pk) == {"other"}
    assert found(lead, project, metric=metric.pk, system=10**9) == set()
    page = text(lead, "items", project, above="0.5")
    assert "Choose whose score it is." in page
    assert "Enter a number" in text(lead, "items", project, metric=str(metric.pk), above="much", more="1")


def test_more_filters_cost_the_same_at_two_sizes(project: Project, lead: Client) -> None:
    fill(project, 2)
    address = reverse("projects:items", args=[project.slug])
    metric = Metric.objects.get()
    few = queries(lead, f"{address}?metric={metric.pk}&above=0.1")
    fill(project, 20)
    assert queries(lead, f"{address}?metric={metric.pk}&above=0.1") == few


def test_a_tag_on_more_than_a_page_is_asked_about_with_the_exact_number(lead: Client, project: Project) -> None:
    items = [item_factory(project, f"many-{n}") for n in range(51)]
    item_factory(project, "few")
    ItemTag.objects.create(item=items[0], tag="hard")
    url = reverse("projects:items_tag", args=[project.slug])
    sent = {"name": "hard", "act": "tag", "all": "on", "q": "many"}
    page = lead.post(url, sent).content.decode()
    assert "51 items were found" in page
    assert "50 of them do" in page
    assert tagged(project, "hard") == ["many-0"]
    assert "put on 50 items" in lead.post(url, sent | {"sure": "on"}, follow=True).content.decode()
    assert "51 of them have" in lead.post(url, sent | {"act": "untag"}).content.decode()
    assert len(tagged(project, "hard")) == 51


def test_items_are_found_by_words_and_by_the_length_of_an_answer(lead: Client, project: Project) -> None:
    amber, basalt = system_factory(project, "amber"), system_factory(project, "basalt")
    asked = item_factory(project, "asked", "What is a “Quillet”?")
    answered = item_factory(project, "answered")
    for item, system, words in ((asked, amber, "No."), (answered, amber, "A quillet."), (answered, basalt, "x" * 40)):
        output_factory(item, system, words)
    assert found(lead, project, text="quillet") == {"asked", "answered"}
    assert found(lead, project, text="quillet", system=basalt.pk) == set()
    assert found(lead, project, text="“Quillet") == {"asked"}
    assert found(lead, project, text="role") == set()
    assert found(lead, project, longer="10") == {"answered"}
    assert found(lead, project, longer="4", shorter="39") == {"answered"}
    assert found(lead, project, longer="11", shorter="39") == set()
    assert found(lead, project, shorter="3") == {"asked"}
