"""The set-up of a round, and what may be added to one that runs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy, gettext_noop

from annotation import conduct
from annotation.lanes import Requirements
from annotation.models import Round, Seat
from annotation.pairing import PAIRINGS_IN_WORDS, Pairs
from annotation.ranked_sets import MOST, Sets
from annotation.sampling import Sample
from annotation.services.eligibility import requirements_of
from annotation.services.renewing import MEAN, STRENGTH, Narrow, narrow_of
from annotation.services.round_checks import MOST_SETS
from annotation.services.round_tasks import pairs_of, sample_of, sets_of
from annotation.strategies import STRATEGIES
from projects import selectors
from projects.models import Project, System
from rubrics.models import Guideline, RubricVersion
from rubrics.selectors import spec_of

MAX_MINUTES = 10_080  # a week
ALLOCATION_TITLES = {
    "proportional": gettext_noop("In proportion to its size"),
    "equal": gettext_noop("As many of each"),
}
# What a design means, for the lead who chooses it: what is judged, and what the report may say.
DESIGNS_IN_WORDS = {
    "census": (gettext_noop("All of them"), gettext_noop("every item is judged, and the report is about these items")),
    "random": (
        gettext_noop("A random sample"),
        gettext_noop("every item has the same chance, and the report speaks for all of them"),
    ),
    "stratified": (
        gettext_noop("A sample of each group"),
        gettext_noop(
            "no group is left out by bad luck, and small groups can be drawn more heavily; each item’s chance is kept"
        ),
    ),
    "weighted": (
        gettext_noop("A sample by weight"),
        gettext_noop(
            "items with a larger number, such as how often they are asked, are likelier to be drawn; each item’s "
            "chance is kept"
        ),
    ),
}


def _choice(title: str, *words: str) -> SafeString:
    """A choice by its name, and below it what it means."""
    said = " ".join(map(gettext, words))
    said = f"{said[0].upper()}{said[1:]}"
    return format_html('{}<span class="sub">{}</span>', gettext(title), said if said.endswith(".") else f"{said}.")


_choice_later = lazy(_choice, SafeString)


class VersionField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        mark = "" if obj.status == RubricVersion.Status.PUBLISHED else f" ({obj.get_status_display().lower()})"
        words = {"name": obj.rubric.name, "number": obj.number}
        return gettext("%(name)s, version %(number)s") % words + mark


class GuidelineField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name}, version {obj.number}"


class SystemField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.label)


class SystemsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.label)


class RoundForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=200,
        help_text=gettext_lazy("For leads, such as: final round, 2.5 against 2.4."),
    )
    title = forms.CharField(
        label=gettext_lazy("Title raters see"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("It must name no system. Left empty, raters see the name."),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("Raters"),
        choices=[
            ("score", gettext_lazy("Score one output at a time")),
            ("compare", gettext_lazy("Compare two outputs of the same item")),
            ("rank", gettext_lazy("Rank several outputs of the same item")),
        ],
        widget=forms.RadioSelect,
        initial="score",
    )
    rubric_version = VersionField(label=gettext_lazy("Rubric"), queryset=RubricVersion.objects.none(), empty_label=None)
    systems = SystemsField(
        label=gettext_lazy("Systems"),
        queryset=System.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one system, or two to compare or rank.")},
    )
    tag = forms.ChoiceField(label=gettext_lazy("Items"), required=False)
    design = forms.ChoiceField(
        label=gettext_lazy("How many of these items"),
        required=False,
        choices=[(key, _choice_later(title, words)) for key, (title, words) in DESIGNS_IN_WORDS.items()],
        widget=forms.RadioSelect,
        initial="census",
    )
    size = forms.IntegerField(
        label=gettext_lazy("Items to draw"),
        required=False,
        min_value=1,
        max_value=100_000_000,
        help_text=gettext_lazy("For a sample."),
    )
    strata = forms.CharField(
        label=gettext_lazy("Groups of items"),
        required=False,
        max_length=100,
        help_text=gettext_lazy(
            "For a sample of each group, and for the order by tag: language, or what the tags begin "
            "with. With topic, items with topic:refunds are one group. An item with several such "
            "tags is in the first by alphabet."
        ),
    )
    allocation = forms.ChoiceField(
        label=gettext_lazy("Drawn of each group"),
        required=False,
        choices=[(key, gettext_lazy(title)) for key, title in ALLOCATION_TITLES.items()],
        initial="proportional",
    )
    weight = forms.CharField(
        label=gettext_lazy("Weight"),
        required=False,
        max_length=100,
        help_text=gettext_lazy(
            "For a sample by weight: the column of your file, kept as metadata of the item, that "
            "holds a number above 0."
        ),
    )
    overlap = forms.IntegerField(
        label=gettext_lazy("Raters for each task"),
        min_value=1,
        max_value=100,
        initial=2,
        help_text=gettext_lazy("Two or more, so that agreement can be measured."),
    )
    strategy = forms.ChoiceField(
        label=gettext_lazy("Order of tasks"),
        choices=[(s.key, _choice_later(s.title, s.rater, s.report)) for s in STRATEGIES.values()],
        widget=forms.RadioSelect,
        initial="balanced",
    )
    pairs = forms.ChoiceField(
        label=gettext_lazy("Which pairs, where two are compared"),
        required=False,
        choices=[(key, _choice_later(title, words)) for key, (title, words) in PAIRINGS_IN_WORDS.items()],
        widget=forms.RadioSelect,
        initial="all",
    )
    baseline = SystemField(
        label=gettext_lazy("Baseline"),
        queryset=System.objects.none(),
        required=False,
        empty_label=gettext_lazy("None"),
        help_text=gettext_lazy("For “Against a baseline”."),
    )
    pairs_per_item = forms.IntegerField(
        label=gettext_lazy("Pairs of each item"),
        required=False,
        min_value=1,
        max_value=1000,
        help_text=gettext_lazy(
            "For some pairs in balance. Left empty: as many as give each system one place in an item."
        ),
    )
    set_size = forms.IntegerField(
        label=gettext_lazy("Outputs ranked at a time"),
        required=False,
        min_value=2,
        max_value=MOST,
        help_text=format_lazy(gettext_lazy("Left empty: all systems, or {n} of them where there are more."), n=MOST),
    )
    sets_per_item = forms.IntegerField(
        label=gettext_lazy("Sets of each item"),
        required=False,
        min_value=1,
        max_value=MOST_SETS,
        help_text=gettext_lazy(
            "Where not all systems are ranked at a time. Over all items each two come together "
            "equally often, as near as possible."
        ),
    )
    narrow = forms.CharField(
        label=gettext_lazy("Criterion to be sure of"),
        required=False,
        max_length=60,
        help_text=gettext_lazy(
            "For “Most uncertain first”: the key of the criterion whose intervals are to get narrow. "
            "Left empty: the first of the rubric."
        ),
    )
    show_reference = forms.BooleanField(
        required=False,
        label=gettext_lazy("Show raters the reference answer"),
        help_text=gettext_lazy("Where an item has one. It makes judging quicker, and answers that differ look worse."),
    )
    one_task_per_item = forms.BooleanField(
        label=gettext_lazy("One task of an item per rater"),
        required=False,
        help_text=gettext_lazy("Nobody sees two answers to one prompt."),
    )
    groups = forms.CharField(
        label=gettext_lazy("Groups of raters"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy(
            "One a line, with how many of its raters each task gets: expert 2. Who has that "
            "qualification (see People) is in the group, and takes its places only, or those for "
            "anybody. Raters do not see groups."
        ),
    )
    qualification = forms.CharField(
        label=gettext_lazy("Only raters with the qualification"),
        required=False,
        max_length=30,
        help_text=gettext_lazy("Left empty: all raters."),
    )
    match_language = forms.BooleanField(
        label=gettext_lazy("Only items in a language the rater reads"),
        required=False,
        help_text=gettext_lazy("Languages are noted under People. An item without a language is for everybody."),
    )
    tag_rules = forms.CharField(
        label=gettext_lazy("Items with a tag, for whom"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy(
            "One a line: domain:medicine = medicine. Only raters with that qualification get items with the tag."
        ),
    )
    guideline = GuidelineField(
        label=gettext_lazy("Guidelines"),
        queryset=Guideline.objects.none(),
        required=False,
        empty_label=gettext_lazy("No guidelines"),
    )
    lease_minutes = forms.IntegerField(
        label=gettext_lazy("A task is held for (minutes)"),
        min_value=1,
        max_value=MAX_MINUTES,
        initial=30,
        help_text=gettext_lazy("After that without a sign of life it goes to somebody else. The draft is kept."),
    )
    cap_per_rater = forms.IntegerField(
        label=gettext_lazy("At most for one rater (tasks)"), required=False, min_value=1, max_value=1_000_000
    )
    planned_seconds = forms.IntegerField(
        label=gettext_lazy("Expected time for a judgment (seconds)"), min_value=1, max_value=36_000, initial=45
    )

    gold_rate = forms.FloatField(
        label=gettext_lazy("Gold tasks (% of a rater's tasks)"),
        required=False,
        min_value=0,
        max_value=50,
        help_text=gettext_lazy("Tasks whose answer you know, mixed in unnoticed. They come from a file: import_gold."),
    )
    gold_pause_below = forms.FloatField(
        label=gettext_lazy("Pause a rater below (% of gold right)"),
        required=False,
        min_value=1,
        max_value=100,
        help_text=gettext_lazy("Once five gold tasks are judged. You can let the rater go on."),
    )
    repeat_rate = forms.FloatField(
        label=gettext_lazy("Repeats (% of a rater's tasks)"),
        required=False,
        min_value=0,
        max_value=50,
        help_text=gettext_lazy(
            "A task the rater judged before, to see whether they judge alike. It is not counted twice."
        ),
    )

    ask_confidence = forms.BooleanField(
        required=False,
        label=gettext_lazy("Ask how sure the rater is"),
        help_text=gettext_lazy(
            "One question more with each judgment, from a guess to certain. It is exported, not counted."
        ),
    )
    warn = forms.BooleanField(
        required=False,
        initial=True,
        label=gettext_lazy("Ask once before a judgment is sent in no time, or with a long answer unread"),
        help_text=gettext_lazy("The rater can send it all the same. That it was asked is recorded."),
    )
    break_minutes = forms.IntegerField(
        label=gettext_lazy("Suggest a break after (minutes of work)"),
        required=False,
        min_value=5,
        max_value=480,
        help_text=gettext_lazy("Left empty: never. Five minutes away count as a break."),
    )
    raters_see_own_figures = forms.BooleanField(
        required=False,
        label=gettext_lazy("Raters see how often they agree with the others"),
        help_text=gettext_lazy("Once the round is closed, and only over everything they judged: never for one task."),
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unused = (RubricVersion.Status.DRAFT, RubricVersion.Status.ARCHIVED)
        versions = RubricVersion.objects.exclude(status__in=unused).select_related("rubric")
        own = versions.filter(rubric__project=project) | versions.filter(rubric__project=None)
        # "published" comes before "superseded".
        self._field("rubric_version").queryset = own.order_by("status", "rubric__name", "-number")
        self._field("systems").queryset = System.objects.filter(project=project).order_by("name", "version")
        self._field("baseline").queryset = self._field("systems").queryset
        self._field("guideline").queryset = Guideline.objects.filter(project=project).order_by("name", "-number")
        tags = [(tag, gettext("With the tag %(tag)s") % {"tag": tag}) for tag in selectors.tags(project)]
        self._field("tag").choices = [("", gettext("All items of these systems")), *tags]

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
            "sample": self._sample(),
            "pairs": self._pairs(),
            "sets": Sets(given["set_size"], given["sets_per_item"]) if given["mode"] == Round.Mode.RANK else None,
            "baseline": given["baseline"],
            "requirements": Requirements(
                groups=tuple(given["groups"]),
                qualification=given["qualification"].strip(),
                language=given["match_language"],
                tags=given["tag_rules"],
            ),
            "narrow": Narrow(given["narrow"].strip(), STRENGTH if given["pairs"] == "adaptive" else MEAN)
            if given["narrow"].strip()
            else None,
        }

    def clean_groups(self) -> list[tuple[str, int]]:
        found = []
        for line in filter(None, map(str.strip, self.cleaned_data["groups"].splitlines())):
            name, _, n = line.rpartition(" ")
            if not name.strip() or not n.isascii() or not n.isdigit() or len(n) > 3:
                raise forms.ValidationError(
                    gettext("“%(line)s” is not a group and a number. Accepted: expert 2.") % {"line": line[:60]}
                )
            found.append((name.strip(), int(n)))
        return found

    def clean_tag_rules(self) -> dict[str, str]:
        found = {}
        for line in filter(None, map(str.strip, self.cleaned_data["tag_rules"].splitlines())):
            tag, sign, name = line.rpartition("=")
            if not sign or not tag.strip() or not name.strip():
                raise forms.ValidationError(
                    gettext("“%(line)s” is not a tag and a qualification. Accepted: domain:medicine = medicine.")
                    % {"line": line[:60]}
                )
            found[tag.strip()] = name.strip()
        return found

    def _pairs(self) -> Pairs | None:
        given = self.cleaned_data
        if given["mode"] != Round.Mode.COMPARE:
            return None
        chosen = given["pairs"] or ("baseline" if given["baseline"] else "all")
        return Pairs(chosen, given["pairs_per_item"] if chosen == "balanced" else None)

    def _sample(self) -> Sample:
        given = self.cleaned_data
        return Sample(
            design=given["design"] or "census",
            tag=given["tag"],
            size=given["size"],
            strata=given["strata"].strip(),
            allocation=given["allocation"] or "proportional",
            weight=given["weight"].strip(),
        )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        design, size = given.get("design"), given.get("size")
        if design == "census" and size:
            self.add_error("size", gettext("All items are judged, so leave this empty; or choose one of the samples."))
        if design in ("random", "stratified", "weighted") and not size and "size" not in self.errors:
            self.add_error("size", gettext("Say how many items are drawn."))
        return given

    @staticmethod
    def _options(given: dict[str, Any]) -> dict[str, Any]:
        gold = {"gold": {"pause_below": given["gold_pause_below"] / 100}} if given["gold_pause_below"] else {}
        return gold | conduct.options(
            ask_confidence=given["ask_confidence"], warn=given["warn"], break_minutes=given["break_minutes"]
        )


_AS_THEY_ARE = (
    "title", "mode", "rubric_version", "overlap", "strategy", "guideline", "show_reference", "one_task_per_item",
    "cap_per_rater", "planned_seconds", "raters_see_own_figures", "baseline",
)  # fmt: skip


def settings_of(round: Round) -> dict[str, Any]:
    """What the form holds to plan another round like this one. The seed is drawn anew."""
    sample, gold, pairs, asked = (
        sample_of(round), round.options.get("gold", {}), pairs_of(round), requirements_of(round)
    )  # fmt: skip
    return {
        **{name: getattr(round, name) for name in _AS_THEY_ARE},
        "name": f"{round.name[:190]}, again",
        "systems": [each.system_id for each in round.round_systems.all()],
        **{name: getattr(sample, name) for name in ("design", "tag", "size", "strata", "allocation", "weight")},
        "pairs": pairs.design,
        "pairs_per_item": pairs.per_item,
        "set_size": sets_of(round).size,
        "sets_per_item": sets_of(round).per_item,
        "narrow": narrow_of(round).criterion,
        "groups": "\n".join(f"{name} {n}" for name, n in asked.groups),
        "qualification": asked.qualification,
        "match_language": asked.language,
        "tag_rules": "\n".join(f"{tag} = {name}" for tag, name in asked.tags.items()),
        "lease_minutes": max(1, round.lease_seconds // 60),
        "gold_rate": round.gold_rate * 100 or None,
        "repeat_rate": round.repeat_rate * 100 or None,
        "gold_pause_below": gold["pause_below"] * 100 if "pause_below" in gold else None,
        "ask_confidence": conduct.asks_confidence(round),
        "warn": conduct.warns(round),
        "break_minutes": conduct.break_minutes(round) or None,
    }


class ExtendForm(forms.Form):
    overlap = forms.IntegerField(label=gettext_lazy("Raters for each task"), min_value=1, max_value=100)

    def __init__(self, data: QueryDict | None = None, *, round: Round) -> None:
        super().__init__(data, initial={"overlap": min(round.overlap + 1, 100)})


class ExclusionForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("The report repeats it, so name no person."),
        error_messages={"required": gettext_lazy("Say why this rater's work is left out.")},
    )


class PlaceForm(forms.Form):
    """What one rater gets of a round."""

    cap = forms.IntegerField(
        label=gettext_lazy("At most (tasks)"),
        required=False,
        min_value=1,
        max_value=1_000_000,
        help_text=gettext_lazy("For this rater alone. Left empty: as many as the round says."),
    )
    group = forms.ChoiceField(
        label=gettext_lazy("Group"),
        help_text=gettext_lazy("Whose places this rater takes: one of the groups to which the rater belongs."),
    )

    def __init__(self, data: QueryDict | None = None, *, seat: Seat, groups: list[str]) -> None:
        super().__init__(data, initial={"cap": seat.cap, "group": seat.group})
        if len(groups) > 1:
            self.fields["group"].choices = [(name, name) for name in groups]  # type: ignore[attr-defined]
        else:
            del self.fields["group"]


class LeakTermsForm(forms.Form):
    """The lead's own words; which of them can be looked for is the service's to say."""

    terms = forms.CharField(
        label=gettext_lazy("Words to look for as well"),
        required=False,
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy(
            "One a line: names of teams, projects, prompts. Case does not matter, nor what stands between parts."
        ),
    )


class SuccessorForm(forms.Form):
    """Which criteria of the newer version are rated again, on the tasks of an earlier round."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200, help_text=gettext_lazy("For leads."))
    title = forms.CharField(
        label=gettext_lazy("Title raters see"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Left empty, the one of the earlier round."),
    )
    criteria = forms.MultipleChoiceField(
        label=gettext_lazy("Rate again"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one criterion to rate again.")},
    )
    overlap = forms.IntegerField(label=gettext_lazy("Raters for each task"), min_value=1, max_value=100)

    def __init__(self, *args: Any, round: Round, offer: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "name": f"{round.name}, version {offer.version.number}"[:200],
            "criteria": offer.to_rate,
            "overlap": round.overlap,
        }
        super().__init__(*args, **kwargs)
        choices = [(c.key, c.question) for c in spec_of(offer.version).criteria]
        self.fields["criteria"].choices = choices  # type: ignore[attr-defined]
