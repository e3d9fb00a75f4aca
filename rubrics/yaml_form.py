"""A rubric as YAML that people read and change."""

from __future__ import annotations

from typing import Any

import yaml

from rubrics.schema import rubric_to
from rubrics.specs import RubricSpec


class _Dumper(yaml.SafeDumper):
    """Lines of text stay lines; characters that YAML would fold into a space are escaped."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    odd = any(c in text for c in "\r\x85\u2028\u2029")
    style = '"' if odd else "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def yaml_of(spec: RubricSpec) -> str:
    return dump(rubric_to(spec))
