"""Reads files that `export` wrote for other tools with the tools' own packages, and prints what they saw as JSON."""

from __future__ import annotations

import inspect
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def phoenix(folder: Path) -> dict[str, Any]:
    """Through the client itself, with a server that only listens."""
    httpx, client_of = import_module("httpx"), import_module("phoenix.client").Client
    sent: list[dict[str, Any]] = []

    def answer(request: Any) -> Any:
        sent.extend(json.loads(request.content)["data"])
        return httpx.Response(200, json={"data": [{"id": "1"}]})

    http = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://localhost")
    client = client_of(http_client=http)
    client.spans.log_span_annotations(span_annotations=lines(folder / "phoenix_annotations.jsonl"), sync=True)
    return {"n": len(sent), "kinds": sorted({each["annotator_kind"] for each in sent}), "first": sent[0]["result"]}


def mlflow(folder: Path) -> dict[str, Any]:
    assessment = import_module("mlflow.entities.assessment").Assessment
    found = [assessment.from_dictionary(each) for each in lines(folder / "mlflow_assessments.jsonl")]
    return {
        "n": len(found),
        "kinds": sorted({each.source.source_type for each in found}),
        "values": [each.value for each in found],
        "traces": sorted({each.trace_id for each in found}),
    }


def langsmith(folder: Path) -> dict[str, Any]:
    """Each as the schema of a feedback, and as the arguments of `Client.create_feedback`."""
    create = import_module("langsmith").Client.create_feedback
    schema = import_module("langsmith.schemas").FeedbackCreate
    records = lines(folder / "langsmith_feedback.jsonl")
    for each in records:
        told = {key: each[key] for key in ("run_id", "key", "score", "value", "comment", "feedback_source_type")}
        inspect.signature(create).bind(None, **told, feedback_id=each["id"])
    found = [schema(**each) for each in records]
    return {
        "n": len(found),
        "scores": [each.score for each in found],
        "sources": [each.feedback_source.type for each in found],
    }


def hugging_face(folder: Path) -> dict[str, Any]:
    load_dataset = import_module("datasets").load_dataset
    judgments = load_dataset(str(folder), split="train", cache_dir=str(folder / "cache"))
    pairs = load_dataset("json", data_files=str(folder / "dpo.jsonl"), split="train", cache_dir=str(folder / "cache"))
    return {"n": len(judgments), "values": list(judgments["value"]), "pairs": len(pairs), "chosen": pairs[0]["chosen"]}


if __name__ == "__main__":
    readers = {"phoenix": phoenix, "mlflow": mlflow, "langsmith": langsmith, "hugging_face": hugging_face}
    seen = {name: readers[name](Path(sys.argv[1])) for name in sys.argv[2:]}
    sys.stdout.write(json.dumps(seen, default=str))
