"""Read YAML or JSON written by a person and say by line and column what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import yaml

from projects.errors import ServiceError

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 50
SLOW = 500_000  # characters; the reader with the clearer sentences takes a second for them
MAX_VALUES = 50_000  # a study with 50 criteria of 20 levels has about 10,000

MAX_DIGITS = 300  # of a number

# Control signs and halves of signs: databases, spreadsheets and XML refuse them.
_UNKEPT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
Path = tuple[str | int, ...]


class SourceError(ServiceError):
    """A file was refused: where, what is wrong, what is accepted."""


class _Loader(yaml.SafeLoader):
    """Safe loader without aliases (they can blow up) and without dates (2.10 must stay as written)."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


if yaml.__with_libyaml__:

    class _FastLoader(yaml.CSafeLoader):
        """The same in C, ten times as fast. What it refuses is told by the other, whose sentences are clearer."""
else:
    _FastLoader = _Loader  # type: ignore[misc,assignment]
_FastLoader.yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


class Source:
    """The values of a file, and where each of them stands."""

    def __init__(self, name: str, value: Any, marks: dict[Path, tuple[int, int]]) -> None:
        self.name, self.value, self._marks = name, value, marks

    def where(self, path: Path) -> tuple[int, int]:
        """Line and column of the value, or of the nearest one around it that stands in the file."""
        while path and path not in self._marks:
            path = path[:-1]
        return self._marks.get(path, (1, 1))

    def fail(self, path: Path, message: str) -> NoReturn:
        line, column = self.where(path)
        raise SourceError(f"{self.name}, line {line}, column {column}: {message}")

    def mapping(
        self, value: Any, path: Path, allowed: Collection[str], required: Collection[str] = ()
    ) -> dict[str, Any]:
        """`value` as a mapping with known keys only."""
        if not isinstance(value, Mapping):
            self.fail(path, f"{_name(path)} must hold keys and values; accepted keys: {', '.join(allowed)}.")
        for key in value:
            if key not in allowed:
                self.fail((*path, key), f"“{key}” is not a known key here. Accepted: {', '.join(allowed)}.")
        for key in required:
            if value.get(key) in (None, ""):
                self.fail(path, f"{_name(path)} needs “{key}”.")
        return dict(value)

    def text(self, value: Any, path: Path, default: str = "", most: int | None = None) -> str:
        if value is None:
            return default
        if isinstance(value, bool):
            self.fail(path, f"{_name(path)} must be text, and a bare yes, no, true or false is none. Put it in quotes.")
        if not isinstance(value, str | int | float):
            self.fail(path, f"{_name(path)} must be text.")
        found = str(value).strip()
        if most is not None and len(found) > most:
            self.fail(path, f"{_name(path)} has {len(found):,} characters; at most {most} are accepted.")
        if (sign := _UNKEPT.search(found)) is not None:
            self.fail(path, f"{_name(path)} has the sign U+{ord(sign.group()):04X}, which is no text. Take it out.")
        return found

    def number(self, value: Any, path: Path) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            self.fail(path, f"{_name(path)} must be a number, not {value!r}.")
        return float(value)

    def integer(self, value: Any, path: Path, low: int, high: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fail(path, f"{_name(path)} must be a whole number from {low} to {high}, not {value!r}.")
        return value

    def flag(self, value: Any, path: Path) -> bool:
        if not isinstance(value, bool):
            self.fail(path, f"{_name(path)} must be true or false, not {value!r}.")
        return value

    def one_of(self, value: Any, path: Path, accepted: Collection[str]) -> str:
        if value not in accepted:
            self.fail(path, f"{_name(path)} is {value!r}. Accepted: {', '.join(accepted)}.")
        return str(value)

    def items(self, value: Any, path: Path) -> list[Any]:
        if not isinstance(value, list):
            self.fail(path, f"{_name(path)} must be a list.")
        return value


def _name(path: Path) -> str:
    keys = [str(p) for p in path if isinstance(p, str)]
    return f"“{keys[-1]}”" if keys else "The file"


def load(text: str | bytes, name: str) -> Source:
    """Parse YAML (JSON is YAML). Duplicate keys, aliases and deep nesting are refused."""
    if len(text) > MAX_BYTES:
        raise SourceError(f"{name} has {len(text):,} bytes; at most {MAX_BYTES:,} are accepted.")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SourceError(f"{name}, byte {error.start}: this is not UTF-8 text. Save the file as UTF-8.") from None
    if not text.strip():
        raise SourceError(f"{name} is empty.")
    marks: dict[Path, tuple[int, int]] = {}
    try:
        node = _compose(text, name)
        _walk(node, (), marks, name)
        value = _Loader("").construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SourceError(f"{name}{where}: this is not valid YAML: {error.problem or error}.") from None
    except yaml.YAMLError as error:
        raise SourceError(f"{name}: this is not valid YAML: {error}.") from None
    except (ValueError, OverflowError) as error:  # such as a number with ten thousand digits
        raise SourceError(f"{name}: a value in this file cannot be read: {error}.") from None
    return Source(name, value, marks)


def of_value(value: Any, name: str) -> Source:
    """A source over values that came from no file, such as a form or an API body."""
    return Source(name, value, {})


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _compose(text: str, name: str) -> yaml.Node | None:
    try:
        _refuse_hostile(text, name)
        return yaml.compose(text, Loader=_FastLoader)
    except yaml.YAMLError:
        if len(text) > SLOW:
            raise
        return yaml.compose(text, Loader=_Loader)


def _refuse_hostile(text: str, name: str) -> None:
    """Aliases, deep nesting and floods of values, seen before anything is built of them."""
    depth, values = 0, 0
    for event in yaml.parse(text, Loader=_FastLoader):
        if isinstance(event, yaml.AliasEvent):
            raise SourceError(f"{name}, line {_line(event)}: aliases (*name) are not accepted. Write the value out.")
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            values += 1
            if values > MAX_VALUES:
                raise SourceError(
                    f"{name}, line {_line(event)}: here the file passes {MAX_VALUES:,} values, the most accepted."
                )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise SourceError(f"{name}, line {_line(event)}: values are nested more than {MAX_DEPTH} deep.")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _walk(node: Any, path: Path, marks: dict[Path, tuple[int, int]], name: str) -> None:
    if node is None:
        return
    marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else str(key_node.value)
            line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            if (*path, key) in marks:
                raise SourceError(f"{name}, line {line}, column {column}: “{key}” stands here twice.")
            marks[(*path, key)] = (line, column)
            _walk(value_node, (*path, key), marks, name)
    elif isinstance(node, yaml.ScalarNode) and node.tag.endswith((":int", ":float")) and len(node.value) > MAX_DIGITS:
        line, column = marks[path]
        raise SourceError(
            f"{name}, line {line}, column {column}: a number of more than {MAX_DIGITS} digits is not read."
        )
    elif isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            _walk(child, (*path, index), marks, name)
