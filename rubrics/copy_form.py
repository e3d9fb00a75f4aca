"""Where a copy of a rubric goes, and what goes with it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet

from projects.models import Project


class ShareForm(forms.Form):
    with_examples = forms.BooleanField(
        label="Take examples, guidance and description along",
        required=False,
        help_text="They may quote prompts and outputs of this project, and everybody who works in any project here "
        "will be able to read them.",
    )


class ProjectField(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, obj: Any) -> str:
        return str(obj.name)


class CopyForm(forms.Form):
    project = ProjectField(
        label="Into the project", queryset=Project.objects.none(), empty_label=None,
        help_text="Those in which you may design rubrics.",
    )  # fmt: skip
    with_examples = forms.BooleanField(
        label="Take examples, guidance and description along",
        required=False,
        help_text="They may quote prompts and outputs of this project, and whoever sees rubrics there will read them.",
    )

    def __init__(self, *args: Any, projects: QuerySet[Project], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]
