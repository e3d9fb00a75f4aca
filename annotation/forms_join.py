"""The form of a join link."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from annotation.models import JoinLink
from annotation.services.crowd import MAX_CAP

SETTINGS = (
    "platform", "consent", "cap", "places", "expires_at", "done_code", "done_url", "out_code", "out_url",
    "declined_code", "declined_url", "id_parameter", "study_parameter", "session_parameter",
)  # fmt: skip


def _code(label: Any, hint: Any = "") -> forms.CharField:
    return forms.CharField(label=label, max_length=100, required=False, help_text=hint)


def _address(label: Any) -> forms.URLField:
    return forms.URLField(label=label, max_length=500, required=False, assume_scheme="https")


class JoinForm(forms.Form):
    platform = forms.ChoiceField(label=gettext_lazy("Platform"), choices=JoinLink.Platform.choices)
    consent = forms.CharField(
        label=gettext_lazy("Consent text"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("What participants agree to before anything else. A changed text is a new version."),
    )
    cap = forms.IntegerField(
        label=gettext_lazy("At most (tasks) for one participant"), required=False, min_value=1, max_value=MAX_CAP
    )
    places = forms.IntegerField(
        label=gettext_lazy("At most (participants)"), required=False, min_value=1, max_value=MAX_CAP
    )
    expires_at = forms.DateTimeField(
        label=gettext_lazy("Closes by itself on"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=gettext_lazy("In the time zone of this server."),
    )
    done_code = _code(gettext_lazy("Completion code"), gettext_lazy("Shown to whoever has done what there was to do."))
    done_url = _address(gettext_lazy("Return address when done"))
    out_code = _code(
        gettext_lazy("Code when screened out"), gettext_lazy("For who did not pass the training, or was paused.")
    )
    out_url = _address(gettext_lazy("Return address when screened out"))
    declined_code = _code(gettext_lazy("Code without consent"))
    declined_url = _address(gettext_lazy("Return address without consent"))
    id_parameter = forms.CharField(
        label=gettext_lazy("Parameter with the participant’s id"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("Left empty, all three are the platform’s own names."),
    )
    study_parameter = forms.CharField(label=gettext_lazy("Parameter with the study"), max_length=40, required=False)
    session_parameter = forms.CharField(label=gettext_lazy("Parameter with the session"), max_length=40, required=False)

    def __init__(self, data: Any = None, *, link: JoinLink | None) -> None:
        super().__init__(data, initial={name: getattr(link, name) for name in SETTINGS} if link else None)
