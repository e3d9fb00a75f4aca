"""Forms of the designer. A criterion's form is read by the same strict schema as a file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from django import forms
from django.http import QueryDict
from django.utils.text import slugify

from projects.located import Path, Source
from rubrics.condition_form import ConditionForm
from rubrics.criteria import CRITERIA
from rubrics.criteria.base import as_number
from rubrics.criteria.preference import TIES
from rubrics.drafts import free_key
from rubrics.editor_rows import MAX_ROWS, ExampleRow, LevelRow, example_rows, level_rows, lines
from rubrics.models import Criterion
from rubrics.schema import MAX_LABEL, MAX_VALUE, criterion_from
from rubrics.specs import CriterionSpec

TYPES = [(key, kind.title) for key, kind in CRITERIA.items()]
TIE_WORDS = dict(zip(TIES, ("Tie", "Both good", "Both bad"), strict=True))
SCOPE_WORDS = {"task": "The whole task", "output": "Each output", "turn": "Each turn of an output"}


class FieldRefused(Exception):
    """What the schema refused, and the path of it."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path, self.message = path, message


class FormSource(Source):
    """Values of a form: what is wrong is shown at the field, so no line or column is said."""

    def __init__(self) -> None:
        super().__init__("The form", None, {})

    def fail(self, path: Path, message: str) -> NoReturn:
        raise FieldRefused(path, message)


class TextArea(forms.CharField):
    def __init__(self, *, rows: int = 2, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": rows, "dir": "auto"}), **kwargs)

    def clean(self, value: Any) -> str:
        return lines(super().clean(value))


class NewRubricForm(forms.Form):
    name = forms.CharField(label="Name", max_length=200, help_text="Such as: support answer quality.")
    description = TextArea(label="What it is for", required=False, max_length=5000)
    question = forms.CharField(
        label="The first question", max_length=500, help_text="What raters answer, such as: is every claim true?"
    )
    type = forms.ChoiceField(label="Answer", choices=TYPES, help_text="You can change it and add more questions next.")


class AboutForm(forms.Form):
    name = forms.CharField(label="Name", max_length=200)
    description = TextArea(label="What it is for", required=False, max_length=5000)
    notes = TextArea(label="What changed in this version and why", required=False, max_length=5000)


class YamlForm(forms.Form):
    text = forms.CharField(
        label="Rubric as YAML",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "class": "mono", "dir": "ltr"}),
    )


class GuidelineForm(forms.Form):
    text = TextArea(
        label="Guidelines",
        rows=16,
        max_length=200_000,
        help_text="Markdown: headings with #, lists with -, tables, code. Raters open it with the key g.",
    )


class CriterionForm(forms.Form):
    """Everything of a criterion but its rows of levels and examples. It has the fields its type needs."""

    question = forms.CharField(label="Question", max_length=500)
    key = forms.SlugField(
        label="Key",
        required=False,
        max_length=60,
        help_text="Its name in files and reports. Left empty, it is made from the question.",
    )
    guidance = TextArea(label="Guidance", required=False, max_length=5000)
    type = forms.ChoiceField(label="Answer", choices=TYPES)
    level_of_measurement = forms.ChoiceField(label="Level of measurement")
    scope = forms.ChoiceField(label="Asked about")
    required = forms.BooleanField(label="Required", required=False)
    cannot_judge = forms.BooleanField(label="Offer “cannot judge”", required=False)
    weight = forms.FloatField(
        label="Weight", min_value=0, max_value=1000, help_text="For a weighted total. 0 leaves it out."
    )
    points = forms.TypedChoiceField(label="Points", coerce=int, choices=[(n, f"{n} points") for n in range(2, 8)])
    ties = forms.MultipleChoiceField(
        label="Ties", choices=TIE_WORDS.items(), required=False, widget=forms.CheckboxSelectMultiple
    )
    min = forms.FloatField(label="Smallest", required=False)
    max = forms.FloatField(label="Largest", required=False)
    unit = forms.CharField(label="Unit", required=False, max_length=30)
    allow_ties = forms.BooleanField(label="Answers may share a place", required=False)
    categories = TextArea(label="Categories, one a line", rows=4, required=False, max_length=5000)
    severities = TextArea(
        label="Severities, one a line",
        rows=3,
        required=False,
        max_length=5000,
        help_text="With the points that each mark costs: major = 5.",
    )
    at_most = forms.IntegerField(label="At most", required=False, min_value=1, help_text="Left empty: all that hold.")

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = CRITERIA[kind]
        measurements = [(m, Criterion.Measurement(m).label) for m in self.kind.measurements]
        self.fields["level_of_measurement"] = forms.ChoiceField(label="Level of measurement", choices=measurements)
        asked = [(s, SCOPE_WORDS[s]) for s in self.kind.scopes]
        self.fields["scope"] = forms.ChoiceField(label="Asked about", choices=asked)
        absent = {"points", "ties", "min", "max", "unit", "at_most", "allow_ties", "categories", "severities"} - set(
            self.kind.config_keys
        )
        if len(self.kind.scopes) == 1:
            absent.add("scope")
        if self.kind.in_words:
            absent |= {"cannot_judge", "level_of_measurement"}
        for name in absent:
            del self.fields[name]

    def clean_categories(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data["categories"].splitlines() if line.strip()]

    def clean_severities(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for line in filter(None, map(str.strip, self.cleaned_data["severities"].splitlines())):
            name, sign, points = line.rpartition("=")
            number = as_number(points.strip()) if sign else None
            if number is None:
                raise forms.ValidationError(f"“{line[:60]}” is not a severity with its points. Accepted: major = 5.")
            found[name.strip()] = int(number) if number == int(number) else number
        return found


def new_criterion(kind: str, question: str = "", taken: Collection[str] = ()) -> CriterionSpec:
    spec = CriterionSpec(
        key=key_from(question, taken) if question else "",
        type=kind,
        question=question,
        level_of_measurement=CRITERIA[kind].default_measurement,
        required=not CRITERIA[kind].in_words,
        levels=CRITERIA[kind].starting,
    )
    return CRITERIA[kind].normalise(spec)


def key_from(question: str, taken: Collection[str]) -> str:
    """“Is every claim true?” → is-every-claim-true, and a number behind it where that is taken."""
    return free_key(slugify(question)[:50].strip("-_") or "criterion", taken)


@dataclass
class Editor:
    """The one criterion that is open in the designer, as stored or as somebody typed it."""

    form: CriterionForm
    kind: str
    condition: ConditionForm
    original: str = ""
    levels: list[LevelRow] = field(default_factory=list)
    examples: list[ExampleRow] = field(default_factory=list)
    levels_error: str = ""
    focus: str = ""  # the field that was just asked for, such as “level:3”

    @property
    def is_new(self) -> bool:
        return not self.original

    @property
    def is_untouched(self) -> bool:
        """A new criterion that nobody has written a question for."""
        return self.is_new and not (self.form.data.get("question") or "").strip()

    @property
    def fixed_levels(self) -> bool:
        return CRITERIA[self.kind].fixed_levels

    @property
    def has_levels(self) -> bool:
        return bool(CRITERIA[self.kind].levels_title)

    @classmethod
    def of_spec(cls, spec: CriterionSpec, others: Sequence[CriterionSpec] = ()) -> Editor:
        initial = {
            **written_lists(spec),
            "question": spec.question,
            "key": spec.key,
            "guidance": spec.guidance,
            "type": spec.type,
            "level_of_measurement": spec.level_of_measurement,
            "scope": spec.scope,
            "required": spec.required,
            "cannot_judge": spec.allow_cannot_judge,
            "weight": f"{spec.weight:g}",
        }
        return cls(
            form=CriterionForm(kind=spec.type, initial=initial),
            kind=spec.type,
            condition=ConditionForm(None, others, spec.shown_if),
            original=spec.key,
            levels=[LevelRow(x.code, x.label, x.anchor, x.example) for x in spec.levels],
            examples=[ExampleRow(e["text"], e.get("why", ""), e.get("positive", True)) for e in spec.examples],
        )

    @classmethod
    def of_post(cls, data: QueryDict, stored: Sequence[CriterionSpec] = ()) -> Editor | None:
        """What was sent; None when no criterion was open. `stored`: the criteria of the draft."""
        if "question" not in data:
            return None
        kind = data.get("type", "")
        kind = kind if kind in CRITERIA else "scale"
        original = data.get("original", "")
        own = next((c for c in stored if original and c.key == original), None)
        editor = cls(
            form=CriterionForm(_for_kind(data, kind), kind=kind),
            kind=kind,
            condition=ConditionForm(data, [c for c in stored if c is not own], own.shown_if if own else None),
            original=original,
            levels=level_rows(data),
            examples=example_rows(data),
        )
        editor._fit_levels()
        return editor

    def _fit_levels(self) -> None:
        """The rows that the chosen type has: two fixed ones, or at least the starting ones. A type without
        levels keeps the rows out of sight, for whoever changes back."""
        if self.fixed_levels:
            said = {row.value: row for row in self.levels}
            self.levels = [LevelRow("no", "No"), LevelRow("yes", "Yes")]
            for row in self.levels:
                row.anchor = said[row.value].anchor if row.value in said else ""
                row.example = said[row.value].example if row.value in said else ""
        elif self.has_levels and not self.levels:
            self.levels = [LevelRow(x.code, x.label) for x in CRITERIA[self.kind].starting]

    def act(self, action: str, argument: str) -> bool:
        """Change the rows shown, without saving. False: not an act of this form."""
        index = int(argument) if argument.isdigit() else -1
        if action == "level_add":
            if len(self.levels) < MAX_ROWS:
                at, value = CRITERIA[self.kind].new_level([row.value for row in self.levels])
                self.levels.insert(at, LevelRow(value))
                self.focus = f"level:{at + 1}"
        elif action == "level_remove":
            self.levels = [row for n, row in enumerate(self.levels) if n != index]
        elif action in ("level_up", "level_down"):
            self._move_level(index, -1 if action == "level_up" else 1)
        elif action == "example_add":
            if len(self.examples) < MAX_ROWS:
                self.examples.append(ExampleRow())
                self.focus = f"example:{len(self.examples)}"
        elif action == "example_remove":
            self.examples = [row for n, row in enumerate(self.examples) if n != index]
        else:
            if action == "retype":
                self.put_focus("type")
            return action == "retype"
        return True

    def put_focus(self, name: str) -> None:
        """The field that has the cursor when the page comes."""
        self.form.fields[name].widget.attrs["autofocus"] = True

    def _move_level(self, index: int, step: int) -> None:
        """Numbers of a scale keep their places, since they must rise; what they say is exchanged."""
        other = index + step
        if not (0 <= index < len(self.levels) and 0 <= other < len(self.levels)):
            return
        a, b = self.levels[index], self.levels[other]
        self.levels[index], self.levels[other] = b, a
        if self.numbered:
            a.value, b.value = b.value, a.value
        self.focus = f"level:{other + 1}"

    @property
    def focused_level(self) -> int:
        """Which row of levels, counted from one, has the cursor when the page comes; 0: none."""
        return _row_of(self.focus, "level")

    @property
    def focused_example(self) -> int:
        return _row_of(self.focus, "example")

    @property
    def numbered(self) -> bool:
        return CRITERIA[self.kind].numbered_levels

    @property
    def levels_title(self) -> str:
        return CRITERIA[self.kind].levels_title

    @property
    def level_word(self) -> str:
        return CRITERIA[self.kind].level_word

    def read(self, others: Sequence[CriterionSpec], stored: CriterionSpec | None) -> CriterionSpec | None:
        """The checked criterion, or None with a sentence at every field that is wrong."""
        ok = self.form.is_valid()
        ok = self.condition.is_right() and ok
        ok = self._rows_are_whole() and ok
        if not ok:
            return None
        taken = {c.key for c in others}
        raw = self._raw(taken)
        if raw["key"] in taken:
            self.form.add_error("key", f"Another criterion has the key “{raw['key']}”. Keys must differ.")
            return None
        try:
            spec = criterion_from(FormSource(), raw, ())
        except FieldRefused as refusal:
            self._place(refusal)
            return None
        # What a file may say and this form does not ask.
        whole = stored and stored.type == spec.type and CRITERIA[spec.type].in_words
        config = stored.config if stored and whole else spec.config
        return replace(spec, shown_if=self.condition.read(), config=config)

    def _raw(self, taken: Collection[str]) -> dict[str, Any]:
        """The form as the schema reads it from a file."""
        given = self.form.cleaned_data
        raw = {name: value for name, value in given.items() if value not in (None, "")}
        raw["key"] = given["key"] or key_from(given["question"], taken)
        for bound in ("min", "max"):
            if bound in raw and raw[bound] == int(raw[bound]):
                raw[bound] = int(raw[bound])  # 5, as a file says it, not 5.0
        raw["examples"] = [
            {"text": row.text, "why": row.why, "positive": row.positive} for row in self.examples if row.text or row.why
        ]
        raw["levels"] = [
            {"value": row.value, "label": row.label, "anchor": row.anchor, "example": row.example}
            for row in self.levels
            if self.has_levels and not row.is_blank
        ]
        return raw

    def _rows_are_whole(self) -> bool:
        """Each row that says something has what it needs, and nothing is too long to be kept."""
        for row in self.levels:
            if row.is_blank or not self.has_levels:
                continue
            if not row.value:
                row.error = "Give this level a value: a number such as 3, or a short word."
            elif len(row.value) > MAX_VALUE or len(row.label) > MAX_LABEL:
                row.error = f"A value has at most {MAX_VALUE} characters, and a label {MAX_LABEL}."
        for example in self.examples:
            if example.why and not example.text:
                example.error = "Write the example itself as well, or remove the row."
        return not any(row.error for row in self.rows)

    def _place(self, refusal: FieldRefused) -> None:
        name = str(refusal.path[0]) if refusal.path else ""
        if name == "levels":
            shown = [row for row in self.levels if not row.is_blank]
            index = refusal.path[1] if len(refusal.path) > 1 else None
            if isinstance(index, int) and index < len(shown):
                shown[index].error = refusal.message
            else:
                self.levels_error = refusal.message
        else:
            self.form.add_error(name if name in self.form.fields else None, refusal.message)

    @property
    def rows(self) -> list[LevelRow | ExampleRow]:
        return [*self.levels, *self.examples]

    @property
    def problem(self) -> str:
        """The first thing that is wrong, for the preview."""
        errors = [*self.form.errors.values(), *self.condition.errors.values()]
        said = [str(message) for messages in errors for message in messages]
        said += [self.levels_error, *(row.error for row in self.rows)]
        return next(filter(None, said), "")


def written_lists(spec: CriterionSpec) -> dict[str, Any]:
    """The settings of a type as fields hold them: lists of names a line each."""
    config = dict(spec.config)
    if isinstance(config.get("categories"), list):
        config["categories"] = "\n".join(config["categories"])
    if isinstance(config.get("severities"), dict):
        config["severities"] = "\n".join(
            f"{name} = {points:g}" for name, points in CRITERIA[spec.type].severities(spec)
        )
    return config


def _row_of(focus: str, kind: str) -> int:
    name, _, number = focus.partition(":")
    return int(number) if name == kind and number.isdigit() else 0


def _for_kind(data: QueryDict, kind: str) -> QueryDict:
    """After a change of type, fields that the form did not have yet take the type's own defaults."""
    data = data.copy()
    if data.get("level_of_measurement") not in CRITERIA[kind].measurements:
        data["level_of_measurement"] = CRITERIA[kind].default_measurement
    data.setdefault("scope", "task")
    data.setdefault("weight", "1")
    if not any(key in data or f"{key}_asked" in data for key in CRITERIA[kind].config_keys):
        for key, value in written_lists(new_criterion(kind)).items():
            _put(data, key, value)
    return data


def _put(data: QueryDict, key: str, value: Any) -> None:
    """A setting as a browser sends it: a box that is not ticked sends nothing."""
    if isinstance(value, list):
        data.setlist(key, value)
    elif value is True:
        data[key] = "on"
    elif value not in (None, False):
        data[key] = str(value)
