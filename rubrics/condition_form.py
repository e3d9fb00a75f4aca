"""“Shown only where”: the part of a criterion's form that says when it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.http import QueryDict

from rubrics.specs import CriterionSpec

MOST = 300


def accepted(rule: dict[str, Any]) -> list[str]:
    wanted = rule.get("is", [])
    return [str(value) for value in (wanted if isinstance(wanted, list) else [wanted])]


class ConditionForm(forms.Form):
    shown_after = forms.ChoiceField(label="Shown only where", required=False)
    shown_is = forms.CharField(
        label="is answered",
        required=False,
        max_length=MOST,
        help_text="One answer of that question, or several with commas: 1, 2.",
    )

    def __init__(self, data: QueryDict | None, others: Sequence[CriterionSpec], rule: dict[str, Any] | None) -> None:
        self.others, self.rule = others, rule
        initial = {"shown_after": rule["criterion"], "shown_is": ", ".join(accepted(rule))} if rule else {}
        # A form that did not ask (another door, an older page) leaves the rule as it is.
        super().__init__(data if data is not None and "shown_after" in data else None, initial=initial)
        asked = [(c.key, c.question) for c in others]
        if rule and not any(key == rule["criterion"] for key, _ in asked):
            asked.append((rule["criterion"], f"{rule['criterion']} (not in this draft)"))
        self.fields["shown_after"] = forms.ChoiceField(
            label="Shown only where", required=False, choices=[("", "Always shown"), *asked]
        )

    def is_right(self) -> bool:
        """With a sentence at the field that is wrong."""
        if not self.is_bound:
            return True
        if not self.is_valid():
            return False
        after, wanted = self.cleaned_data["shown_after"], self._wanted()
        if after and not wanted:
            self.add_error("shown_is", "Say which answer it waits for.")
        other = next((c for c in self.others if c.key == after), None)
        codes = [level.code for level in other.levels] if other else []
        strange = [value for value in wanted if codes and value not in (*codes, "x", "none")]
        if strange:
            said = ", ".join(codes)
            self.add_error("shown_is", f"“{strange[0]}” is no answer of “{after}”. Its answers are: {said}.")
        return not self.errors

    def read(self) -> dict[str, Any] | None:
        """The rule; as it stood in a file where nothing of it was changed."""
        if not self.is_bound:
            return self.rule
        after, wanted = self.cleaned_data["shown_after"], self._wanted()
        if not after:
            return None
        raw = self.cleaned_data["shown_is"]
        if self.rule and after == self.rule["criterion"] and raw == ", ".join(accepted(self.rule)):
            return self.rule
        return {"criterion": after, "is": wanted[0] if len(wanted) == 1 else wanted}

    def _wanted(self) -> list[str]:
        return [word.strip() for word in self.cleaned_data["shown_is"].split(",") if word.strip()]
