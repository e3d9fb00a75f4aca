from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from projects.errors import ServiceError
from projects.models import Metric, Role

ROLE_HINT = gettext_lazy("Leads do everything. Reviewers read, judge and settle. Raters judge blind. Viewers read.")


def add_service_error(form: forms.Form, error: ServiceError) -> None:
    """A refusal of the service beside the field it is about, or above the form."""
    form.add_error(error.field if error.field in form.fields else None, error.message)


class ProjectForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    description = forms.CharField(
        label=gettext_lazy("The question it is to answer"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Such as: is assistant 2.5 good enough to replace 2.4 for billing questions?"),
    )


class RoleForm(forms.Form):
    """The role; and what the person can judge, with commas between. A field that was not sent changes nothing."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)
    qualifications = forms.CharField(label=gettext_lazy("Qualifications"), required=False, max_length=1000)
    languages = forms.CharField(label=gettext_lazy("Languages"), required=False, max_length=500)


class InviteForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        required=False,
        help_text=gettext_lazy(
            "With it, only this person can use the link. Without it, the first who opens the link can."
        ),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.RATER, help_text=ROLE_HINT)


class InviteListForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("E-mail addresses"),
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 10, "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One on each line, or with commas between; “Name <name@example.org>” works too, and so does a table whose "
            "first line names a column email. Its columns languages (de, en) and qualifications are noted."
        ),
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.RATER, help_text=ROLE_HINT)


class MetricForm(forms.Form):
    direction = forms.ChoiceField(label=gettext_lazy("Which way is better"), choices=Metric.Direction.choices)
    criterion_key = forms.SlugField(
        label=gettext_lazy("Criterion it answers as well"),
        required=False,
        max_length=60,
        help_text=gettext_lazy(
            "The key of a criterion of your rubric, such as “correct”. Reports then compare the two."
        ),
    )


FILTER_WORDS = {
    "system": ("Answered by", "Any system"),
    "batch": ("Imported with", "Any file"),
    "language": ("Language", "Any language"),
    "metric": ("Automated score", "Any"),
    "work": ("Judging", "Whatever it is"),
}
_ANY_NUMBER = forms.NumberInput(attrs={"step": "any"})


class ItemFilterForm(forms.Form):
    q = forms.CharField(label=gettext_lazy("Find by id"), required=False, max_length=300)
    text = forms.CharField(label=gettext_lazy("Words in the texts"), required=False, max_length=300)

    def __init__(self, *args: Any, tags: list[str], more: dict[str, list[tuple[str, str]]], **kwargs: Any) -> None:
        """`more`: what else there is to choose from; empty: only id and tag are asked."""
        super().__init__(*args, **kwargs)
        choices = [("", "All tags"), *[(tag, tag) for tag in tags]]
        self.fields["tag"] = forms.ChoiceField(label=gettext("Tag"), required=False, choices=choices)
        for name, known in more.items():
            label, all_of_them = FILTER_WORDS[name]
            self.fields[name] = forms.ChoiceField(label=label, required=False, choices=[("", all_of_them), *known])
        if more:
            self.fields["above"] = forms.FloatField(label=gettext("Score at least"), required=False, widget=_ANY_NUMBER)
            self.fields["below"] = forms.FloatField(label=gettext("Score at most"), required=False, widget=_ANY_NUMBER)
            for name, label in (
                ("longer", gettext("Characters of an answer, at least")),
                ("shorter", gettext("Characters of an answer, at most")),
            ):
                self.fields[name] = forms.IntegerField(label=label, required=False, min_value=0)

    def clean(self) -> None:
        given = self.cleaned_data
        bounded = given.get("above") is not None or given.get("below") is not None
        if bounded and not given.get("metric"):
            self.add_error("metric", gettext("Choose whose score it is."))

    @property
    def beyond(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in ("q", "text", "tag")]
