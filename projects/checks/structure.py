"""Whether an output is valid JSON, YAML or XML, or fits a JSON Schema. Deep nesting and bombs are not followed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from projects.checks.base import MAX_DEPTH, Check, Found, Given, NoValue, Option, OptionError, Options, yes
from projects.checks.patterns import compiled

_FENCE = re.compile(r"\A```[\w+-]*[ \t]*\n(.*?)\n?```\Z", re.DOTALL)
_MOST_YAML_EVENTS = 200_000
_MAX_SCHEMA = 50_000
FENCE = Option("fence", "Accept it inside a code fence", yes, "no", "```json … ``` around the whole answer.")


def body(given: Given, options: Options) -> str:
    content = given.text.strip()
    if not content:
        raise NoValue("The output has no text.")
    fenced = _FENCE.match(content) if options.get("fence") else None
    return fenced[1] if fenced else content


class Bad(Exception):
    """What is wrong with the text."""


def parsed_json(content: str) -> Any:
    """Strict JSON: no NaN, no key twice, no depth beyond the most. Raises Bad."""
    depth = deepest = 0
    inside = escaped = False
    for letter in content:  # before the parser, which goes down as deep as the text does
        if inside:
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == '"':
                inside = False
        elif letter == '"':
            inside = True
        elif letter in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif letter in "]}":
            depth -= 1
    if deepest > MAX_DEPTH:
        raise Bad(f"It is nested {deepest:,} deep; {MAX_DEPTH} are read.")
    try:
        return json.loads(content, parse_constant=_no_constant, object_pairs_hook=_once, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise Bad(f"Line {error.lineno}, column {error.colno}: {error.msg}.") from None


def _no_constant(name: str) -> Any:
    raise Bad(f"{name} is no JSON.")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 1000 else float(digits)  # Python refuses longer ones


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Bad("An object has the same key twice.")
    return found


def valid_json(given: Given, options: Options) -> Found:
    return _tried(lambda: parsed_json(body(given, options)))


def _tried(read: Any) -> Found:
    try:
        read()
    except Bad as bad:
        return Found(False, str(bad))
    return Found(True)


def valid_yaml(given: Given, options: Options) -> Found:
    content = body(given, options)
    return _tried(lambda: _yaml(content))


def _yaml(content: str) -> None:
    """By its events: an alias is looked at, never followed."""
    import yaml

    depth, first = 0, ""
    anchors: set[str] = set()
    try:
        for count, event in enumerate(_events(content)):
            if count > _MOST_YAML_EVENTS:
                raise Bad(f"It has more than {_MOST_YAML_EVENTS:,} parts.")
            if isinstance(event, yaml.AliasEvent) and event.anchor not in anchors:
                raise Bad(f"The alias *{event.anchor} stands for nothing.")
            if isinstance(event, yaml.NodeEvent):
                first = first or type(event).__name__
                if not isinstance(event, yaml.AliasEvent) and event.anchor:
                    anchors.add(event.anchor)
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    raise Bad(f"It is nested more than {MAX_DEPTH} deep.")
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise Bad(f"{where}{error.problem or 'not YAML'}.") from None
    except yaml.YAMLError as error:
        raise Bad(f"{str(error).splitlines()[0]}.") from None
    if first not in ("MappingStartEvent", "SequenceStartEvent"):
        raise Bad("It is a plain text, not a mapping or a list.")


def _events(content: str) -> Iterator[Any]:
    import yaml

    yield from yaml.parse(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


class _Depth:
    """Takes what the parser sees and keeps nothing of it."""

    def __init__(self) -> None:
        self.depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Bad(f"It is nested more than {MAX_DEPTH} deep.")

    def end(self, tag: str) -> None:
        self.depth -= 1

    def data(self, text: str) -> None:
        return None

    def close(self) -> None:
        return None


def valid_xml(given: Given, options: Options) -> Found:
    content = body(given, options)
    return _tried(lambda: _xml(content))


def _xml(content: str) -> None:
    """No DTD at all: it is what bombs and remote files are made of."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException  # type: ignore[import-untyped]
    from defusedxml.ElementTree import DefusedXMLParser  # type: ignore[import-untyped]

    parser = DefusedXMLParser(target=_Depth(), forbid_dtd=True)
    try:
        parser.feed(content.encode("utf-8", "replace"))
        parser.close()
    except DefusedXmlException:
        raise Bad("It declares a DTD or an entity, which is not read.") from None
    except ParseError as error:
        line, column = error.position
        raise Bad(f"Line {line}, column {column + 1}: {str(error).partition(':')[0]}.") from None


# --- JSON Schema


def read_schema(key: str, written: Any) -> dict[str, Any] | bool:
    """The schema, checked itself: it refers to nothing outside, and its patterns run in linear time."""
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import Draft202012Validator

    if isinstance(written, str):
        if len(written) > _MAX_SCHEMA:
            raise OptionError(key, f"The schema has {len(written):,} characters; at most {_MAX_SCHEMA:,} are accepted.")
        try:
            written = parsed_json(written)
        except Bad as bad:
            raise OptionError(key, f"The schema is not JSON. {bad}") from None
    if not isinstance(written, dict | bool):
        raise OptionError(key, "A JSON Schema is an object, or true or false.")
    for name, value in _keywords(written, key):
        if name in ("$ref", "$dynamicRef") and not str(value).startswith("#"):
            raise OptionError(
                key, f"The schema refers to “{str(value)[:80]}”; only references within it (#…) are read."
            )
        if name in ("patternProperties", "unevaluatedProperties", "unevaluatedItems"):
            raise OptionError(key, f"The keyword {name} is not read here. List the properties by name.")
        if name == "pattern" and isinstance(value, str):
            compiled(key, value)
    try:
        Draft202012Validator.check_schema(written)
    except SchemaError as error:
        raise OptionError(key, f"The schema is not valid: {error.message[:300]}.") from None
    return written


def _keywords(schema: Any, key: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if depth > MAX_DEPTH:
        raise OptionError(key, f"The schema is nested more than {MAX_DEPTH} deep.")
    if isinstance(schema, dict):
        for name, value in schema.items():
            yield str(name), value
            yield from _keywords(value, key, depth + 1)
    elif isinstance(schema, list):
        for value in schema:
            yield from _keywords(value, key, depth + 1)


@lru_cache(maxsize=8)
def _validator(schema: str) -> Any:
    from jsonschema import ValidationError
    from jsonschema.validators import Draft202012Validator, extend
    from referencing import Registry

    def pattern(validator: Any, wanted: str, instance: Any, schema: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not compiled("schema", wanted).search(instance):
            yield ValidationError(f"{instance[:60]!r} does not match {wanted!r}")

    linear: Any = extend(Draft202012Validator, {"pattern": pattern})  # type: ignore[no-untyped-call]
    return linear(json.loads(schema), registry=Registry())


def fits_schema(given: Given, options: Options) -> Found:
    content = body(given, options)
    try:
        document = parsed_json(content)
    except Bad as bad:
        return Found(False, f"It is not JSON. {bad}")
    wrong = next(_validator(json.dumps(options["schema"], sort_keys=True)).iter_errors(document), None)
    if wrong is None:
        return Found(True)
    where = "/".join(str(each) for each in wrong.absolute_path)
    return Found(False, f"At /{where}: {wrong.message[:300]}.")


CHECKS = (
    Check("valid_json", "Valid JSON", "The whole output is one JSON value.", "1", valid_json, options=(FENCE,)),
    Check("valid_yaml", "Valid YAML", "The whole output is a YAML mapping or list.", "1", valid_yaml, options=(FENCE,)),
    Check("valid_xml", "Valid XML", "The whole output is one XML document without a DTD.", "1", valid_xml,
          options=(FENCE,)),
    Check("json_schema", "Fits a JSON Schema", "The output is JSON that fits a schema (draft 2020-12).", "1",
          fits_schema, options=(Option("schema", "The schema", read_schema, required=True, long=True,
                          hint="References within it only; patterns in RE2's syntax."), FENCE)),
)  # fmt: skip
