"""A rubric as a YAML file that is chosen, or as its text."""

from __future__ import annotations

from typing import Any

from django import forms

from rubrics.editor_rows import lines

MOST_BYTES = 5_000_000


class FileForm(forms.Form):
    file = forms.FileField(label="YAML file", required=False)
    text = forms.CharField(
        label="or its text",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono", "dir": "ltr"}),
    )
    content: str | bytes = ""
    file_name = "YAML"

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        file = given.get("file")
        if file is not None and file.size > MOST_BYTES:
            self.add_error("file", "The file is larger than 5 MB, the most that is accepted.")
        elif file is not None:
            self.content, self.file_name = file.read(), file.name or "YAML"
        elif (given.get("text") or "").strip():
            self.content = lines(given["text"])
        else:
            self.add_error("file", "Choose a file, or paste its text.")
        return given
