"""What a form of questions sent, one value a question, as the criterion types read it."""

from __future__ import annotations

import json

from django.http import QueryDict

from rubrics.criteria.several_of import as_sent


def sent_answers(data: QueryDict) -> dict[str, str]:
    """Fields of one question as one value: several boxes under its name, and rows under its name, `~` and theirs."""
    found: dict[str, list[str]] = {}
    forms: dict[tuple[str, str], dict[str, str]] = {}
    for name, values in data.lists():
        question, _, row = name.partition("~")
        number, dot, part = row.partition(".")
        if dot:  # one of several fields that together are one value
            forms.setdefault((question, number), {})[part] = str(values[-1])
        else:
            found.setdefault(question, []).extend(map(str, values))
    for (question, _), fields in forms.items():
        if fields.get("quote", "").strip():
            found.setdefault(question, []).append(json.dumps(fields).replace("|", "\\u007c"))
    return {name: as_sent(values) for name, values in found.items()}
