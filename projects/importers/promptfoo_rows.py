"""One promptfoo result row → item, system, output; its scores are read in promptfoo_scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from projects.importers import limits, values
from projects.importers.identity import canonical, digest_id, user_message
from projects.importers.promptfoo_scores import Scores
from projects.importers.records import (
    ItemRecord,
    Message,
    OutputRecord,
    Problem,
    Record,
    SystemKey,
    SystemRecord,
    note,
    problem,
)
from projects.importers.shapes import as_dict, as_list, as_text

INFRASTRUCTURE_ERROR = 2  # failureReason: 0 none, 1 an assertion failed, 2 the call failed
_LONGEST_LABEL = 60  # an unnamed prompt has its whole text as its label
_ID_KEYS = ("item_id", "itemId", "id")
_CONTEXT_VARS = frozenset({"context", "contexts", "documents"})


class Prompt(NamedTuple):
    key: str  # what tells prompts apart
    label: str  # short enough for a version
    provider: str
    template: str = ""
    metrics: dict[str, Any] = {}  # noqa: RUF012 - never written to


def prompt_of(row: dict[str, Any]) -> Prompt:
    """``label`` since version 3, ``display`` before. ``raw`` is rendered in a row, a template in a prompt."""
    entry = row.get("prompt")
    prompt = {"raw": entry} if isinstance(entry, str) else as_dict(entry)
    label = (
        values.text(prompt.get("label") or prompt.get("display")) if not isinstance(prompt.get("label"), dict) else ""
    )
    ident = as_text(row.get("promptId")) or as_text(prompt.get("id"))
    key = ident or label
    if not label or len(label) > _LONGEST_LABEL or "\n" in label:
        # The id is a digest of the template, so the name holds from one run to the next.
        label = "prompt " + (ident or digest_id(label).removeprefix("sha256-"))[:8] if key else ""
    return Prompt(key, label, provider_of(row), as_text(prompt.get("raw")))


def provider_of(row: dict[str, Any]) -> str:
    provider = row.get("provider")
    if isinstance(provider, str):
        return provider.strip()
    return as_text(as_dict(provider).get("label")).strip() or as_text(as_dict(provider).get("id")).strip()


def rows_of_table(head: dict[str, Any], body: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """Rows as version 3 has them, from a line of the older table of outputs."""
    names = [as_text(name) or f"var {n}" for n, name in enumerate(as_list(head.get("vars")), start=1)]
    test = as_dict(body.get("test"))
    variables = as_dict(test.get("vars")) or dict(zip(names, as_list(body.get("vars")), strict=False))
    prompts = as_list(head.get("prompts"))
    for index, cell in enumerate(as_list(body.get("outputs"))):
        output = as_dict(cell)
        prompt = as_dict(prompts[index]) if index < len(prompts) else {}
        grading = as_dict(output.get("gradingResult"))
        text, failed = output.get("text"), output.get("pass") is False
        failure = output.get("failureReason", INFRASTRUCTURE_ERROR if failed and not grading else int(failed))
        if failed and isinstance(text, str):  # the table shows "reason, ---, output"
            _, rule, after = text.partition("\n---\n")
            text = after if rule else text
        broken = failure == INFRASTRUCTURE_ERROR
        yield {
            **{key: output.get(key) for key in ("latencyMs", "cost", "tokenUsage", "namedScores", "score", "id")},
            "vars": variables,
            "testCase": {**test, "description": body.get("description") or test.get("description")},
            "testIdx": number - 1,
            "promptIdx": index,
            "success": output.get("pass"),
            "failureReason": failure,
            "provider": output.get("provider") or prompt.get("provider"),
            "promptId": prompt.get("id"),
            "prompt": {**prompt, "raw": output.get("prompt")},
            "gradingResult": grading or None,
            "response": {"error": text} if broken else {"output": text},
        }


class RowReader:
    def __init__(self, name: str, prompts: list[Prompt]) -> None:
        self.name = name
        # One prompt in all: the system is the provider alone.
        self.versions = _versions({prompt.key: prompt.label for prompt in prompts})
        self.templates = {prompt.key: prompt.template for prompt in prompts}
        self.items: dict[str, int] = {}
        self.systems: set[SystemKey] = set()
        self.trials: dict[str, dict[SystemKey, int]] = {}
        self.cached = 0
        self.overridden = 0

    def row(self, number: int, row: dict[str, Any]) -> Iterator[Record | Problem]:
        prompt = prompt_of(row)
        several = len(self.versions) > 1
        key = (prompt.provider, self.versions.get(prompt.key, prompt.label) if several else "")
        if not prompt.provider:
            yield problem(self.name, "The result names no provider, so its system is not known.", number, "provider")
            return
        if len(key[0]) > limits.MAX_NAME_CHARS:
            yield problem(
                self.name,
                f"The provider's name has more than {limits.MAX_NAME_CHARS} characters.",
                number,
                "provider",
            )
            return
        item = item_of(row)
        if not item.external_id:
            yield problem(self.name, "The result has no variables, no prompt and no item_id.", number, "vars")
            return
        content = hash(canonical(variables_of(row)))
        if self.items.setdefault(item.external_id, content) != content:
            yield problem(
                self.name,
                f"The item '{item.external_id}' has other variables here than in an earlier "
                "result; give each test a metadata.item_id of its own.",
                number,
                "vars",
            )
            return
        if item.external_id not in self.trials:
            yield item
        if key not in self.systems:
            self.systems.add(key)
            yield SystemRecord(*key, config=self._config(row, prompt))
        trials = self.trials.setdefault(item.external_id, {})
        repeat = trials.get(key, 0)
        trials[key] = repeat + 1
        yield from self._answer(number, row, OutputRecord(item.external_id, key, repeat=repeat))

    def closing_notes(self) -> Iterator[Problem]:
        if self.cached:
            yield note(
                self.name,
                f"{self.cached:,} outputs came from promptfoo's cache: their latency may be that of "
                "the cache. They are marked cached.",
                column="latencyMs",
            )
        if self.overridden:
            yield note(
                self.name,
                f"{self.overridden:,} results were judged by a person in promptfoo's viewer, which "
                "overrides the overall score: the person's answer is kept, the overall score is not counted "
                "as automated.",
                column="gradingResult",
            )

    def _config(self, row: dict[str, Any], prompt: Prompt) -> dict[str, Any]:
        config = {
            "provider": as_text(as_dict(row.get("provider")).get("id")) or prompt.provider,
            "prompt": prompt.label,
            "prompt_id": prompt.key,
            "template": self.templates.get(prompt.key, ""),
        }
        return {key: value for key, value in config.items() if value}

    def _answer(self, number: int, row: dict[str, Any], target: OutputRecord) -> Iterator[Record | Problem]:
        response = as_dict(row.get("response"))
        broken = is_broken(row)
        text = None if broken else output_text(response.get("output"))
        error = ""
        if broken:
            error = values.text(response.get("error") or row.get("error")) or "The call failed; no reason is given."
        elif text is None:
            yield note(self.name, "The result has no output, and no error is named.", number, "response.output")
        if response.get("cached") is True:
            self.cached += 1
        yield replace(target, text=text, error=error, raw=_raw(row, response), **_measures(row, broken=broken))
        if not broken:
            scores = Scores(self.name, number, row, target)
            self.overridden += scores.overridden
            yield from scores.read()


def _versions(labels: dict[str, str]) -> dict[str, str]:
    """Prompt → version of the system; prompts that share a label are told apart by the start of their id."""
    shared = Counter(labels.values())
    return {key: label if shared[label] == 1 else f"{label} {key[:8]}" for key, label in labels.items()}


def is_broken(row: dict[str, Any]) -> bool:
    """An infrastructure error, not a failed assertion, whose text stands in ``error`` as well."""
    reason = row.get("failureReason")
    if reason is not None:
        return bool(reason == INFRASTRUCTURE_ERROR)
    failed = bool(row.get("error") or as_dict(row.get("response")).get("error"))
    return failed and not as_dict(row.get("gradingResult"))  # versions before failureReason


def output_text(output: Any) -> str | None:
    return values.dump(output) if isinstance(output, dict | list) else values.body(output)


def _measures(row: dict[str, Any], *, broken: bool) -> dict[str, Any]:
    """A failed call writes 0 tokens and cost 0, which are no measurements."""
    usage = as_dict(row.get("tokenUsage"))
    counts = [values.count(usage.get(side)) for side in ("prompt", "completion")]
    unknown = broken or not any(counts)
    cost = None if broken else values.amount(row.get("cost"))
    return {
        "latency_ms": values.amount(row.get("latencyMs")),
        "tokens_in": None if unknown else counts[0],
        "tokens_out": None if unknown else counts[1],
        "cost": cost,
        "currency": "" if cost is None else "USD",
    }


def _raw(row: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    """What is kept beside the fields: the prompt as sent, and how to find the row in the tool again."""
    sent = as_text(as_dict(row.get("prompt")).get("raw"))
    kept = {
        "promptfoo_id": row.get("id"),
        "test": row.get("testIdx"),
        "column": row.get("promptIdx"),
        "prompt": list(chat(sent)) or sent,
        "cached": response.get("cached") or None,
        "finish_reason": as_dict(response.get("metadata")).get("finishReason"),
        "structured": isinstance(response.get("output"), dict | list) or None,
    }
    return {key: values.plain(value) for key, value in kept.items() if value is not None and value != ""}


def chat(raw: str) -> tuple[Message, ...]:
    """The messages of a prompt that is JSON of a chat; () for any other text."""
    if not raw.lstrip().startswith("["):
        return ()
    try:
        return values.conversation(raw)
    except ValueError:
        return ()


# The item: what was asked, not how each prompt put it


def item_of(row: dict[str, Any]) -> ItemRecord:
    test = as_dict(row.get("testCase"))
    own = as_dict(test.get("metadata")) or as_dict(row.get("metadata"))
    variables = as_dict(row.get("vars")) or as_dict(test.get("vars"))
    asked = variables_of(row)
    context = tuple(each for name in asked for each in values.texts(asked[name]) if name in _CONTEXT_VARS)
    if set(asked) <= _CONTEXT_VARS:
        context = ()
    else:
        asked = {name: value for name, value in asked.items() if name not in _CONTEXT_VARS}
    messages = _messages(asked, row)
    identity = variables_of(row) or list(messages)
    description = values.text(test.get("description") or row.get("description"))
    kept = {name: value for name, value in own.items() if name not in _ID_KEYS}
    metadata = {**kept, "vars": variables, "description": description}
    return ItemRecord(
        external_id=_named(own, row, variables) or (digest_id(identity) if identity else ""),
        messages=messages,
        context=context,
        metadata={name: values.plain(value) for name, value in metadata.items() if value not in ("", {}, None)},
        tags=_tags(kept),
    )


def variables_of(row: dict[str, Any]) -> dict[str, Any]:
    """What was asked: the test's variables without ids and the tool's own."""
    variables = as_dict(row.get("vars")) or as_dict(as_dict(row.get("testCase")).get("vars"))
    return {name: v for name, v in variables.items() if name not in _ID_KEYS and not name.startswith("_")}


def _named(own: dict[str, Any], row: dict[str, Any], variables: dict[str, Any]) -> str:
    for source in (own, as_dict(row.get("metadata")), variables):
        for key in _ID_KEYS:
            ident = source.get(key)
            if isinstance(ident, str | int) and not isinstance(ident, bool):
                word = values.text(ident)
                if word and len(word) <= limits.MAX_ID_CHARS:
                    return word
    return ""


def _messages(asked: dict[str, Any], row: dict[str, Any]) -> tuple[Message, ...]:
    if not asked:  # no variable: the question is the prompt itself
        raw = prompt_of(row).template
        return chat(raw) or (user_message(raw) if raw.strip() else ())
    if len(asked) > 1:
        return user_message("\n\n".join(f"{name}: {_shown(value)}" for name, value in asked.items()))
    (value,) = asked.values()
    if values.looks_like_conversation(value):
        try:
            return values.conversation(value)
        except ValueError:
            pass
    return user_message(_shown(value))


def _shown(value: Any) -> str:
    return values.dump(value) if isinstance(value, dict | list) else values.body(value) or ""


def _tags(own: dict[str, Any]) -> tuple[str, ...]:
    """topic: repair → 'topic:repair'. Long texts and nested values are no slices; they stay metadata."""
    found = []
    for name, value in own.items():
        for each in value if isinstance(value, list) else [value]:
            word = values.text(each) if isinstance(each, str | int | float) else ""
            tag = f"{name}:{word}"
            if word and "\n" not in tag and len(tag) <= limits.MAX_METRIC_CHARS:
                found.append(tag)
    return tuple(dict.fromkeys(found))
