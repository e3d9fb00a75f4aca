from __future__ import annotations

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
