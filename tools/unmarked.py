"""Texts that no translation can reach, because nothing marks them: part of `python -m tools.messages --check`.

Templates are read as text: whatever has letters outside of tags, and is not in a block to translate. In Python, what is
given to a refusal, a message or a field as its words. Files that speak English on purpose, or still, are listed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tools.environment import ROOT

# Paths begin so. Reports are frozen in English (docs/decisions/0010).
ENGLISH_TEMPLATES: tuple[str, ...] = (
    "analytics/_drawing.html",
    "analytics/_epsilon_curve.html",
    "analytics/_figures.html",
    "analytics/_judge_errors.html",
    "analytics/_report.html",
    "analytics/_report_agreement.html",
    "analytics/_report_earlier.html",
    "analytics/_report_marks.html",
    "analytics/_report_metrics.html",
    "analytics/_report_orders.html",
    "analytics/_report_picture.html",
    "analytics/_report_powered.html",
    "analytics/_report_ranking.html",
    "analytics/_report_raters.html",
    "analytics/_report_reading.html",
    "analytics/_report_slices.html",
    "analytics/_report_totals.html",
    "analytics/_run_progress.html",
    "analytics/_said.html",
    "analytics/_scatter.html",
    "analytics/_slice_table.html",
    "analytics/doctor.html",
    "analytics/gate.html",
    "analytics/overview.html",
    "analytics/report.html",
    "analytics/report_file.html",
    "analytics/report_run.html",
    "analytics/reports.html",
    "annotation/items_act.html",
    "projects/_import_counts.html",
    "projects/_import_fields.html",
    "projects/_import_problems.html",
    "projects/_import_progress.html",
    "projects/_import_questions.html",
    "projects/import.html",
    "projects/import_preview.html",
    "projects/item.html",
    "projects/items.html",
    "projects/items_sure.html",
    "rubrics/_changes.html",
    "rubrics/_clashes.html",
    "rubrics/_criteria.html",
    "rubrics/_editor.html",
    "rubrics/_findings.html",
    "rubrics/_moves.html",
    "rubrics/_preview.html",
    "rubrics/_status.html",
    "rubrics/_tabs.html",
    "rubrics/changes.html",
    "rubrics/copy.html",
    "rubrics/criterion_delete.html",
    "rubrics/designer.html",
    "rubrics/drop.html",
    "rubrics/judge.html",
    "rubrics/library.html",
    "rubrics/library_entry.html",
    "rubrics/library_shared.html",
    "rubrics/list.html",
    "rubrics/new.html",
    "rubrics/publish.html",
    "rubrics/screen.html",
    "rubrics/share.html",
    "rubrics/version.html",
    "rubrics/versions.html",
    "rubrics/yaml.html",
)
ENGLISH_CODE: tuple[str, ...] = (
    "analytics/builds.py",
    "analytics/gate_services.py",
    "analytics/services.py",
    "analytics/verification.py",
    "analytics/views/gates.py",
    "analytics/views/reports.py",
    "annotation/comparability.py",
    "annotation/exporters/",
    "annotation/round_names.py",
    "annotation/services/imported_places.py",
    "annotation/services/imported_tools.py",
    "annotation/services/rebuilding.py",
    "annotation/services/rebuilding_judged.py",
    "annotation/views/items.py",
    "config/backup/",
    "projects/checks/structure.py",
    "projects/forms_import.py",
    "projects/services/import_parts.py",
    "projects/services/import_questions.py",
    "projects/services/import_templates.py",
    "projects/services/import_uploads.py",
    "projects/services/importing.py",
    "projects/staging.py",
    "projects/views/imports.py",
    "rubrics/condition_form.py",
    "rubrics/copy_form.py",
    "rubrics/file_form.py",
    "rubrics/forms.py",
    "rubrics/judge_import.py",
    "rubrics/judge_prompts.py",
    "rubrics/library/__init__.py",
    "rubrics/services.py",
    "rubrics/suggestions.py",
    "rubrics/version_names.py",
    "rubrics/views/designer.py",
    "rubrics/views/library.py",
    "rubrics/views/rubrics.py",
    "rubrics/views/sharing.py",
    "rubrics/views/versions.py",
)
APPS = ("accounts", "projects", "rubrics", "annotation", "analytics", "config")
_NOT_READ = re.compile(
    r"\{#.*?#\}|\{% block page_class %\}[^{<]*\{% endblock %\}|\{% comment.*?endcomment %\}|<!--.*?-->|<!doctype[^>]*>"
    r"|\{% blocktranslate.*?\{% endblocktranslate %\}|<(script|style|svg|kbd|code)\b.*?</\1>",
    re.DOTALL | re.IGNORECASE,
)
_DJANGO = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_ATTRIBUTE = re.compile(r'\b(?:aria-label|aria-roledescription|title|placeholder|alt)="([^"]*)"')
_ELEMENT = re.compile(r"<[^>]*>")
_WORDS = re.compile(r"[A-Za-z]{2,}")
_DEFAULT = re.compile(r'\|(?:default|default_if_none|yesno):"([^"]*[A-Za-z]{2}[^"]*)"|\|pluralize')
# The same in every language: names, units and their like.
SAME = frozenset({"Adjudge", "JSON", "CSV", "YAML", "PDF", "HTML", "ms", "min", "nbsp", "middot", "SHA", "ID"})
_NO_WORDS = ("/migrations/", "/management/", "/models", "/api")  # and what explains columns, or speaks to programs
_REFUSALS = {"ServiceError", "AccountError", "ValidationError", "Conflict"}
_SAID = {"success", "error", "warning", "info"}
_FIELD = {"label", "help_text", "empty_label"}


def in_templates() -> Iterator[str]:
    for path in sorted((ROOT / "templates").rglob("*.*")):
        name = str(path.relative_to(ROOT / "templates"))
        if not name.startswith(ENGLISH_TEMPLATES):
            yield from (f"templates/{name}: “{words}” is not marked." for words in words_in(path.read_text("utf-8")))


def words_in(source: str) -> Iterator[str]:
    """What a template shows in English whatever the reader speaks."""
    source = _NOT_READ.sub(" ", source)
    yield from (found for found in _DEFAULT.findall(source) if found and found not in SAME)
    bare = _DJANGO.sub("⟨⟩", source)
    for text in (*_ATTRIBUTE.findall(bare), *_ELEMENT.split(bare)):
        if set(_WORDS.findall(text)) - SAME:
            yield " ".join(text.split())[:80]


def in_python() -> Iterator[str]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if any(part in name for part in _NO_WORDS) or name.startswith(ENGLISH_CODE):
                continue
            for line, words in spoken(path):
                yield f"{name}, line {line}: “{words}” is not marked."


def spoken(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            for value in _arguments(node):
                for text in _literals(value):
                    yield value.lineno, text


def _arguments(call: ast.Call) -> Iterator[ast.expr]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name in _REFUSALS and call.args:
        yield call.args[0]
    on = getattr(getattr(call.func, "value", None), "id", "")
    if ((on == "messages" and name in _SAID) or name in ("add_error", "telling")) and len(call.args) > 1:
        yield call.args[1]
    if name.endswith("Field"):
        yield from (keyword.value for keyword in call.keywords if keyword.arg in _FIELD)


def _literals(value: ast.expr) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from (*_literals(value.body), *_literals(value.orelse))
    parts = value.values if isinstance(value, ast.JoinedStr) else [value]
    text = "".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
    if _WORDS.search(text):
        yield text[:80]


def problems() -> list[str]:
    return [*in_templates(), *in_python()]
