"""The forms by which raters are brought into a round."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from annotation.services.pay import MAX_PER_HOUR
from annotation.services.round_links import MAX_DAYS, MAX_PLACES
from projects.services.people import INVITATION_DAYS


class LinkForm(forms.Form):
    places = forms.IntegerField(
        label=gettext_lazy("For how many people"), min_value=1, max_value=MAX_PLACES, initial=10
    )
    days = forms.IntegerField(
        label=gettext_lazy("For how many days"), min_value=1, max_value=MAX_DAYS, initial=INVITATION_DAYS
    )


class RaterListForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("E-mail addresses"),
        max_length=200_000,
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One on each line, or with commas between; a table whose first line names a column email works too. "
            "Its columns languages (de, en) and qualifications are noted."
        ),
    )


class PayForm(forms.Form):
    per_hour = forms.FloatField(
        label=gettext_lazy("Pay an hour"),
        required=False,
        min_value=0,
        max_value=MAX_PER_HOUR,
        help_text=gettext_lazy("Left empty: no costs are shown."),
        widget=forms.NumberInput(attrs={"step": "0.01"}),
    )
    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        required=False,
        max_length=3,
        initial="EUR",
        help_text=gettext_lazy("Three letters, such as EUR or USD."),
    )
