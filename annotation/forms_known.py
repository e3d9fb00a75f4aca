"""Forms about known answers and training."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from annotation.models import Round
from annotation.services.known_finals import sources_for
from annotation.services.training import MAX_TRIES
from annotation.training import Rule

MAX_FILE_BYTES = 20_000_000


class RuleForm(forms.Form):
    pass_mark = forms.IntegerField(
        label=gettext_lazy("Right answers that are needed (%)"), min_value=1, max_value=100,
        help_text=gettext_lazy("Of all known answers of the training, taken together."),
    )  # fmt: skip
    tries = forms.IntegerField(
        label=gettext_lazy("Tries"),
        min_value=1,
        max_value=MAX_TRIES,
        help_text=gettext_lazy("How often a rater may go through the training."),
    )
    grants = forms.CharField(
        label=gettext_lazy("Qualification that passing gives"), required=False, max_length=30,
        help_text=gettext_lazy("Other rounds may ask for it. Whoever has it already needs no training here."),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, rule: Rule) -> None:
        super().__init__(
            data, initial={"pass_mark": round(rule.pass_mark * 100), "tries": rule.tries, "grants": rule.grants}
        )


class KnownFileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("File"), help_text=gettext_lazy("CSV, TSV, JSON Lines, a JSON list or Parquet.")
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > MAX_FILE_BYTES:
            raise forms.ValidationError(
                gettext("The file has %(size)s bytes; at most %(most)s are accepted.")
                % {"size": f"{file.size:,}", "most": f"{MAX_FILE_BYTES:,}"}
            )
        return file


class FinalsForm(forms.Form):
    source = forms.ModelChoiceField(
        label=gettext_lazy("Round whose disagreements were settled"),
        queryset=Round.objects.none(),
        empty_label=gettext_lazy("Choose a round"),
    )

    def __init__(self, data: Any = None, *, round: Round) -> None:
        super().__init__(data)
        self.fields["source"].queryset = Round.objects.filter(  # type: ignore[attr-defined]
            pk__in=[each.pk for each in sources_for(round)]
        ).order_by("-id")
