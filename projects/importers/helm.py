"""HELM: the folder of a run, ``runs/<suite>/<scenario:arguments,model=…>/``.

Checked against version 0.5.16. ``scenario_state.json`` holds what was asked and answered, and what else a run wrote
is looked for beside it: ``run_spec.json`` names the run, ``per_instance_stats.json`` holds the scores, ``stats.json``
those of the whole run.

- Items, outputs and scores are joined by instance id, train trial and perturbation. The same id comes clean and
  perturbed: the perturbed answer is a variant of the output, never the same output.
- An id is unique within its scenario only, so the item is named by both.
- Most statistics are bookkeeping; what is no measure of quality is left out.
- A statistic with a count of 0 has no mean: no score.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO

from projects.importers import beside, limits, sniffing, values
from projects.importers.helm_rows import RunReader, StatsReader, run_scores
from projects.importers.jsonscan import Document
from projects.importers.records import (
    Problem,
    ReadElsewhere,
    Record,
    RunRecord,
    SystemRecord,
    not_alone,
    note,
    refusal,
)
from projects.importers.shapes import as_dict, as_text

TITLE = "HELM run folders"

STATE, STATS, WHOLE, SPEC = "scenario_state.json", "per_instance_stats.json", "stats.json", "run_spec.json"
_STATES = ("request_states",)
_OTHERS = frozenset({"instances.json", "scenario.json", "display_predictions.json", "display_requests.json",
                     "runs.json", "run_specs.json", "groups.json", "summary.json"})  # fmt: skip
_RUN_NAME = re.compile(r"[^:,=]+(?::[^:,=]+=.+)?")
_NOT_OF_ITEM = re.compile(r"(?:^|,)(?:model|model_deployment|data_augmentation)=[^,]*")


def sniff(head: bytes, name: str) -> float:
    return 0.95 if _kind(head) else 0.0


def _kind(head: bytes) -> str:
    """Which of a run's files begins so."""
    found = sniffing.keys(head)
    if "request_states" in found or (sniffing.has(found, "adapter_spec") and b'"request_states"' in head):
        return STATE
    if sniffing.has(found, "instance_id", "stats") or sniffing.has(found, "instance_id", "train_trial_index"):
        return STATS if not {"predicted_text", "request"} & found else "display_predictions.json"
    if sniffing.has(found, "scenario_spec", "adapter_spec"):
        return SPEC if sniffing.opening(head)[:1] == b"{" else "run_specs.json"
    if sniffing.has(found, "run_path", "run_spec"):
        return "runs.json"
    if sniffing.opening(head)[:1] == b"[" and sniffing.has(found, "name", "count", "sum", "sum_squared"):
        return WHOLE
    if sniffing.has(found, "input", "references", "split", "id"):
        return "instances.json"
    return "scenario.json" if sniffing.has(found, "name", "description", "tags", "definition_path") else ""


def read(stream: BinaryIO, name: str, options: dict[str, Any] | None = None) -> Iterator[Record | Problem]:
    stream.seek(0)
    kind = _kind(stream.read(beside.HEAD_BYTES))
    stream.seek(0)
    near = _near(name, options)
    if kind == STATE:
        yield from _run(stream, name, near)
    elif STATE in near or (kind in _OTHERS and near):
        yield ReadElsewhere(f"{_folder(name)}/{STATE}".lstrip("/"))
    elif kind in {STATS, WHOLE, SPEC}:
        raise not_alone(
            name,
            f"This file of a HELM run says nothing without {STATE}. Import the run's folder, a ZIP archive of it, or "
            f"{STATE}, {SPEC} and {STATS} together.",
        )
    elif kind:
        raise not_alone(name, f"This file of HELM's holds no scores. Import the run's folder, which has {STATE}.")
    else:
        raise refusal(name, f"The file is none of a HELM run: {STATE}, {STATS}, {WHOLE} or {SPEC}.")


def _folder(name: str) -> str:
    return str(PurePosixPath(name).parent) if "/" in name else ""


def _near(name: str, options: dict[str, Any] | None) -> dict[str, beside.Beside]:
    """The other files of the same folder, by what they are."""
    found: dict[str, beside.Beside] = {}
    for other, head in beside.heads(options):
        if _folder(other.name) == _folder(name) and (kind := _kind(head)):
            found.setdefault(kind, other)
    return found


def _run(stream: BinaryIO, name: str, near: dict[str, beside.Beside]) -> Iterator[Record | Problem]:
    document = Document(limits.read_utf8(stream, name), name, [_STATES])
    spec = beside.document_of(near[SPEC]) if SPEC in near else {}
    adapter = as_dict(spec.get("adapter_spec")) or as_dict(as_dict(document.head).get("adapter_spec"))
    run = as_text(spec.get("name")) or _run_of_folder(name)
    model = (as_text(adapter.get("model")) or as_text(adapter.get("model_deployment"))).strip()
    if not model:
        raise refusal(name, "The run does not say which model answered (adapter_spec.model).")
    if not document.count(_STATES):
        raise refusal(name, "The file holds no request, so there is nothing to read.")
    yield from (note(name, each) for each in document.notes)
    if not run:
        yield note(name, f"The run is not named: {SPEC} is not beside this file. Items go by what they ask.")
    scenario = scenario_of(run)
    system = model[: limits.MAX_NAME_CHARS], ""
    yield RunRecord("HELM", run_id=run[: limits.MAX_NAME_CHARS], aggregates=values.plain(spec))
    yield SystemRecord(*system, config=_config(adapter))
    reader = RunReader(name, scenario, system)
    stats = StatsReader(near[STATS], reader) if STATS in near else None
    if stats is None:
        yield note(name, f"{STATS} is not beside this file, so there are no scores. The run's folder has them: "
                   "import the folder, or a ZIP archive of it.")  # fmt: skip
    for number, state, notes in document.rows(_STATES):
        yield from (note(name, each, number) for each in notes)
        yield from reader.state(number, state)
    yield from reader.notes()
    if stats:
        yield from stats.scores()
    if WHOLE in near:
        yield from run_scores(near[WHOLE], scenario, system)


def _run_of_folder(name: str) -> str:
    """A run's folder has its name; any other folder has none."""
    folder = PurePosixPath(_folder(name)).name
    return folder if ":" in folder and _RUN_NAME.fullmatch(folder) else ""


def scenario_of(run: str) -> str:
    """The run's name without what says who answered: runs of two models are about the same items."""
    scenario, _, arguments = run.partition(":")
    rest = _NOT_OF_ITEM.sub("", arguments).strip(",")
    return f"{scenario}:{rest}" if rest else scenario


def _config(adapter: dict[str, Any]) -> dict[str, Any]:
    wanted = ("method", "model_deployment", "instructions", "temperature", "max_tokens", "max_train_instances")
    return {key: values.plain(adapter[key]) for key in wanted if adapter.get(key) not in (None, "")}
