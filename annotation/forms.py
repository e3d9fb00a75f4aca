"""The set-up of a round, and what may be added to one that runs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from annotation import conduct
from annotation.models import Round
from annotation.selection import TITLES
from annotation.services.round_tasks import Sample
from projects import selectors
from projects.models import Project, System
from rubrics.models import Guideline, RubricVersion

MAX_MINUTES = 10_080  # a week


class VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        mark = "" if obj.status == RubricVersion.Status.PUBLISHED else f" ({obj.get_status_display().lower()})"
        return f"{obj.rubric.name}, version {obj.number}{mark}"


class GuidelineField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name}, version {obj.number}"


class SystemsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.label)


class RoundForm(forms.Form):
    name = forms.CharField(label="Name", max_length=200, help_text="For leads, such as: final round, 2.5 against 2.4.")
    title = forms.CharField(
        label="Title raters see",
        max_length=200,
        required=False,
        help_text="It must name no system. Left empty, raters see the name.",
    )
    mode = forms.ChoiceField(
        label="Raters",
        choices=[("score", "Score one output at a time"), ("compare", "Compare two outputs of the same item")],
        widget=forms.RadioSelect,
        initial="score",
    )
    rubric_version = VersionField(label="Rubric", queryset=RubricVersion.objects.none(), empty_label=None)
    systems = SystemsField(
        label="Systems",
        queryset=System.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one system, or two to compare."},
    )
    tag = forms.ChoiceField(label="Items", required=False)
    size = forms.IntegerField(
        label="Draw at random",
        required=False,
        min_value=1,
        max_value=100_000_000,
        help_text="How many of these items. Left empty: all of them. The draw is recorded, and results are "
        "weighted by it.",
    )
    overlap = forms.IntegerField(
        label="Raters for each task",
        min_value=1,
        max_value=100,
        initial=2,
        help_text="Two or more, so that agreement can be measured.",
    )
    strategy = forms.ChoiceField(label="Order", choices=TITLES.items(), initial="balanced")
    show_reference = forms.BooleanField(
        required=False,
        label="Show raters the reference answer",
        help_text="Where an item has one. It makes judging quicker, and answers that differ look worse.",
    )
    one_task_per_item = forms.BooleanField(
        label="One task of an item per rater", required=False, help_text="Nobody sees two answers to one prompt."
    )
    guideline = GuidelineField(
        label="Guidelines", queryset=Guideline.objects.none(), required=False, empty_label="No guidelines"
    )
    lease_minutes = forms.IntegerField(
        label="A task is held for (minutes)",
        min_value=1,
        max_value=MAX_MINUTES,
        initial=30,
        help_text="After that without a sign of life it goes to somebody else. The draft is kept.",
    )
    cap_per_rater = forms.IntegerField(
        label="At most for one rater (tasks)", required=False, min_value=1, max_value=1_000_000
    )
    planned_seconds = forms.IntegerField(
        label="Expected time for a judgment (seconds)", min_value=1, max_value=36_000, initial=45
    )

    gold_rate = forms.FloatField(
        label="Gold tasks (% of a rater's tasks)",
        required=False,
        min_value=0,
        max_value=50,
        help_text="Tasks whose answer you know, mixed in unnoticed. They come from a file: import_gold.",
    )
    gold_pause_below = forms.FloatField(
        label="Pause a rater below (% of gold right)",
        required=False,
        min_value=1,
        max_value=100,
        help_text="Once five gold tasks are judged. You can let the rater go on.",
    )
    repeat_rate = forms.FloatField(
        label="Repeats (% of a rater's tasks)",
        required=False,
        min_value=0,
        max_value=50,
        help_text="A task the rater judged before, to see whether they judge alike. It is not counted twice.",
    )

    ask_confidence = forms.BooleanField(
        required=False,
        label="Ask how sure the rater is",
        help_text="One question more with each judgment, from a guess to certain. It is exported, not counted.",
    )
    warn = forms.BooleanField(
        required=False,
        initial=True,
        label="Ask once before a judgment is sent in no time, or with a long answer unread",
        help_text="The rater can send it all the same. That it was asked is recorded.",
    )
    break_minutes = forms.IntegerField(
        label="Suggest a break after (minutes of work)",
        required=False,
        min_value=5,
        max_value=480,
        help_text="Left empty: never. Five minutes away count as a break.",
    )
    raters_see_own_figures = forms.BooleanField(
        required=False,
        label="Raters see how often they agree with the others",
        help_text="Once the round is closed, and only over everything they judged: never for one task.",
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        versions = RubricVersion.objects.exclude(status=RubricVersion.Status.DRAFT).select_related("rubric")
        own = versions.filter(rubric__project=project) | versions.filter(rubric__project=None)
        # "published" comes before "superseded".
        self._field("rubric_version").queryset = own.order_by("status", "rubric__name", "-number")
        self._field("systems").queryset = System.objects.filter(project=project).order_by("name", "version")
        self._field("guideline").queryset = Guideline.objects.filter(project=project).order_by("name", "-number")
        tags = [(tag, f"With the tag {tag}") for tag in selectors.tags(project)]
        self._field("tag").choices = [("", "All items of these systems"), *tags]

    def _field(self, name: str) -> Any:
        return self.fields[name]

    def settings(self) -> dict[str, Any]:
        """The arguments of `round_create`."""
        given = dict(self.cleaned_data)
        return {
            **{k: given[k] for k in ("name", "title", "mode", "rubric_version", "overlap", "strategy", "guideline")},
            **{k: given[k] for k in ("one_task_per_item", "show_reference", "cap_per_rater", "planned_seconds")},
            "raters_see_own_figures": given["raters_see_own_figures"],
            "systems": list(given["systems"]),
            "lease_seconds": given["lease_minutes"] * 60,
            "gold_rate": (given["gold_rate"] or 0) / 100,
            "repeat_rate": (given["repeat_rate"] or 0) / 100,
            "options": self._options(given),
            "sample": Sample(tag=given["tag"], size=given["size"]),
        }

    @staticmethod
    def _options(given: dict[str, Any]) -> dict[str, Any]:
        gold = {"gold": {"pause_below": given["gold_pause_below"] / 100}} if given["gold_pause_below"] else {}
        return gold | conduct.options(
            ask_confidence=given["ask_confidence"], warn=given["warn"], break_minutes=given["break_minutes"]
        )


def settings_of(round: Round) -> dict[str, Any]:
    """What the form holds to plan another round like this one. The seed is drawn anew."""
    sample, gold = round.options.get("sample", {}), round.options.get("gold", {})
    same = (
        "title",
        "mode",
        "rubric_version",
        "overlap",
        "strategy",
        "show_reference",
        "one_task_per_item",
        "guideline",
    )
    return {
        **{
            name: getattr(round, name) for name in (*same, "cap_per_rater", "planned_seconds", "raters_see_own_figures")
        },
        "name": f"{round.name[:190]}, again",
        "systems": [each.system_id for each in round.round_systems.all()],
        "tag": sample.get("tag", ""),
        "size": sample.get("size"),
        "lease_minutes": max(1, round.lease_seconds // 60),
        "gold_rate": round.gold_rate * 100 or None,
        "repeat_rate": round.repeat_rate * 100 or None,
        "gold_pause_below": gold["pause_below"] * 100 if "pause_below" in gold else None,
        "ask_confidence": conduct.asks_confidence(round),
        "warn": conduct.warns(round),
        "break_minutes": conduct.break_minutes(round) or None,
    }


class ExtendForm(forms.Form):
    overlap = forms.IntegerField(label="Raters for each task", min_value=1, max_value=100)

    def __init__(self, data: QueryDict | None = None, *, round: Round) -> None:
        super().__init__(data, initial={"overlap": min(round.overlap + 1, 100)})


class ExclusionForm(forms.Form):
    reason = forms.CharField(
        label="Why",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The report repeats it, so name no person.",
        error_messages={"required": "Say why this rater's work is left out."},
    )


class LeakTermsForm(forms.Form):
    """The lead's own words; which of them can be looked for is the service's to say."""

    terms = forms.CharField(
        label="Words to look for as well",
        required=False,
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="One a line: names of teams, projects, prompts. Case does not matter, nor what stands between parts.",
    )
