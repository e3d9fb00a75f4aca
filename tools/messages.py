"""The texts of the product and their translations, without gettext's programs: `python -m tools.messages`.

Reads what templates, Python and scripts mark, brings every locale/*/LC_MESSAGES/django.po in step with it and compiles
them. `--check` changes nothing, and fails where a text has no translation, is marked fuzzy, holds other places to fill
in, is not compiled, or is not marked at all (tools/unmarked.py)."""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import django
import polib  # type: ignore[import-untyped]

from tools import unmarked
from tools.console import say
from tools.environment import ROOT

APPS = ("accounts", "projects", "rubrics", "annotation", "analytics", "config")
SCRIPT = "script"  # the context of what scripts say
_CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
# Words in arguments of filters and tags, and counted words: `|default:_("None")`, `|times:"item,items"`.
_ARGUMENT = re.compile(r'[=:]_\(("[^"]*"|\'[^\']*\')\)')
_COUNTED = re.compile(r'\|times:"([^",]+),([^"]+)"')
_SAID = re.compile(r'\bsaid\(("(?:[^"\\]|\\.)*")')
_PLACE = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


@dataclass(frozen=True, order=True)
class Text:
    msgid: str
    plural: str = ""
    context: str = ""


@cache
def texts() -> frozenset[Text]:
    return frozenset({*in_templates(), *in_python(), *in_scripts()})


def in_templates() -> Iterator[Text]:
    """As Django itself reads them: what a template would look up is what is found."""
    from django.template import engines
    from django.templatetags.i18n import BlockTranslateNode, TranslateNode

    engine = engines["django"].engine  # type: ignore[attr-defined]
    for path in sorted((ROOT / "templates").rglob("*.*")):
        source = path.read_text(encoding="utf-8")
        yield from (Text(found[1:-1].replace("%", "%%")) for found in _ARGUMENT.findall(source))
        yield from (Text(f"%(n)s {one}", f"%(n)s {many}") for one, many in _COUNTED.findall(source))
        nodes = engine.get_template(str(path.relative_to(ROOT / "templates"))).nodelist
        for node in nodes.get_nodes_by_type(TranslateNode):
            if (words := node.filter_expression.var.literal) is not None:  # else a variable, marked where it is written
                context = node.message_context
                yield Text(str(words).replace("%", "%%"), context=str(context.var) if context else "")
        for node in nodes.get_nodes_by_type(BlockTranslateNode):
            plural = node.render_token_list(node.plural)[0] if node.plural else ""
            yield Text(node.render_token_list(node.singular)[0], plural)


def in_python() -> Iterator[Text]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    strings = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                    if strings and node.func.id in _CALLS:
                        yield Text(*strings[: 2 if node.func.id.startswith("n") else 1])
                    if len(strings) > 1 and node.func.id in ("pgettext", "pgettext_lazy"):
                        yield Text(strings[1], context=strings[0])
                    if len(strings) > 2 and node.func.id == "npgettext_lazy":
                        yield Text(strings[1], strings[2], strings[0])
                    if strings and node.func.id == "counted":
                        one, many = strings[0].split(",", 1)
                        yield Text(f"%(n)s {one}", f"%(n)s {many}")


def in_scripts() -> Iterator[Text]:
    for path in sorted((ROOT / "static" / "js").glob("*.js")):
        for found in _SAID.findall(path.read_text(encoding="utf-8")):
            yield Text(json.loads(found), context=SCRIPT)


def catalogues() -> list[Path]:
    return sorted((ROOT / "locale").glob("*/LC_MESSAGES/django.po"))


def text_of(entry: polib.POEntry) -> Text:
    return Text(entry.msgid, entry.msgid_plural, entry.msgctxt or "")


def problems(path: Path) -> list[str]:
    """What is wrong with one catalogue, a sentence each."""
    entries = {text_of(entry): entry for entry in polib.pofile(str(path)) if not entry.obsolete}
    wanted = texts()
    found = [f"“{t.msgid}” is not in it. Run: python -m tools.messages" for t in sorted(wanted - entries.keys())]
    found += [f"“{t.msgid}” is said nowhere any more." for t in sorted(entries.keys() - wanted)]
    for text in sorted(wanted & entries.keys()):
        found += _wrong(text, entries[text])
    if not found and _compiled(path) != polib.pofile(str(path)).to_binary():
        found.append("It is not compiled. Run: python -m tools.messages")
    return found


def _wrong(text: Text, entry: polib.POEntry) -> Iterator[str]:
    said = list(entry.msgstr_plural.values()) if text.plural else [entry.msgstr]
    if entry.fuzzy:
        yield f"“{text.msgid}” is marked fuzzy."
    if not said or not all(said):
        yield f"“{text.msgid}” has no translation."
        return
    # One form may leave the number out: “one day”.
    places = set(_PLACE.findall(text.msgid + text.plural))
    if any(set(_PLACE.findall(words)) - places for words in said) or set(_PLACE.findall(said[-1])) != places:
        yield f"“{text.msgid}” has other places to fill in than its translation."


def _compiled(path: Path) -> bytes:
    mo = path.with_suffix(".mo")
    return mo.read_bytes() if mo.is_file() else b""


def update(path: Path) -> None:
    """Texts are added and taken away; translations stay."""
    kept = polib.pofile(str(path))
    entries = {text_of(entry): entry for entry in kept if not entry.obsolete}
    kept.clear()
    for text in sorted(texts()):
        kept.append(entries.get(text) or _new(text))
    kept.save()
    path.with_suffix(".mo").write_bytes(kept.to_binary())


def _new(text: Text) -> polib.POEntry:
    more = {"msgid_plural": text.plural, "msgstr_plural": {0: "", 1: ""}} if text.plural else {}
    return polib.POEntry(msgid=text.msgid, msgctxt=text.context or None, **more)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.messages", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, and fail where something is missing")
    checked = parser.parse_args(argv).check
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    wrong = 0
    for path in catalogues():
        if not checked:
            update(path)
        for sentence in problems(path):
            wrong += 1
            say(f"{path.relative_to(ROOT)}: {sentence}")
    for sentence in unmarked.problems():
        wrong += 1
        say(sentence)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
