from __future__ import annotations

from typing import Any

from django import forms

from projects.importers import IMPORTERS

FORMATS = [("auto", "Recognise it"), *[(key, importer.title) for key, importer in IMPORTERS.items()]]


class UploadForm(forms.Form):
    file = forms.FileField(
        label="File",
        widget=forms.FileInput(attrs={"data-drop-input": ""}),
        error_messages={
            "required": "Choose a file first.",
            "missing": "Choose a file first.",
            "empty": "The file is empty. It must hold at least one row of data.",
        },
    )
    format = forms.ChoiceField(
        label="Format", choices=FORMATS, required=False, help_text="Choose one only if yours is not recognised."
    )


class FormatForm(forms.Form):
    format = forms.ChoiceField(label="Format", choices=FORMATS)


class SeveralFilesInput(forms.FileInput):
    allow_multiple_selected = True


class SeveralFilesField(forms.FileField):
    """One file or several: each is checked as one."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        sent = data if isinstance(data, list | tuple) else [data]
        return [super(SeveralFilesField, self).clean(each, initial) for each in sent] or [super().clean(None, initial)]


class MediaForm(forms.Form):
    uploads = SeveralFilesField(
        label="Images, sounds, or a ZIP archive of them",
        widget=SeveralFilesInput(attrs={"data-drop-input": "", "multiple": True}),
        error_messages={
            "required": "Choose a file first.",
            "missing": "Choose a file first.",
            "empty": "One of the files is empty.",
        },
    )
