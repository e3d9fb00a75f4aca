"""What a column of a generic file can be, and the headers by which it is recognised."""

from __future__ import annotations

import re

# role → what the column becomes, in the words of the import form.
ROLES: dict[str, str] = {
    "item": "the item's id",
    "prompt": "the item's text",
    "messages": "the item's conversation",
    "context": "the item's context",
    "reference": "a reference answer",
    "choices": "the choices of the item",
    "cluster": "the family of prompts the item belongs to",
    "language": "the item's language",
    "tag": "tags of the item",
    "system": "the system's name",
    "system_version": "the system's version",
    "system_b": "the second system of a preference",
    "output": "the output",
    "error": "the error that kept the system from answering",
    "repeat": "the trial number of the output",
    "variant": "the variant of the prompt",
    "latency_ms": "the latency in milliseconds",
    "latency_s": "the latency in seconds",
    "ttft_ms": "the time to first token in milliseconds",
    "ttft_s": "the time to first token in seconds",
    "tokens_in": "the number of input tokens",
    "tokens_out": "the number of output tokens",
    "cost_usd": "the cost in US dollars",
    "cost": "the cost",
    "currency": "the currency of the cost",
    "metric": "the metric's name",
    "value": "the score's value",
    "source": "who gave the score: code, llm or human",
    "kind": "the kind of the score: number, bool, label or preference",
    "explanation": "the score's explanation",
    "judge": "the judge's name",
    "passed": "whether the score passed",
    "threshold": "the score's threshold",
    "minimum": "the lowest value of the metric's scale",
    "maximum": "the highest value of the metric's scale",
    "direction": "whether higher or lower is better",
    "position": "which of two answers was shown first",
    "turn": "the turn of the conversation that was scored",
    "rater": "the person who gave the score",
    "comment": "the person's comment",
    "metric_column": "scores of one metric",
    "output_column": "outputs of one system",
    "metadata": "metadata of the item",
    "extra": "details of the output",
    "ignore": "nothing: the column is left out",
}

ITEM_ROLES = frozenset({"item", "prompt", "messages", "context", "reference", "choices", "cluster", "language", "tag"})

# Words in a header that say a column of texts is no answer, or a column of numbers no score.
NO_ANSWER = re.compile(
    r"(?:^|_)(?:author|category|comment|context|created|dataset|date|description|explanation|feedback|history|input|"
    r"inputs|instruction|judgment|metadata|note|notes|prompt|rationale|reason|reference|source|subject|time|title|"
    r"topic|type|updated|url)(?:_|$)"
)
NO_SCORE = re.compile(
    r"(?:^|_)(?:column|count|created|date|id|idx|index|length|line|row|seed|temperature|time|timestamp|tokens|top_k|"
    r"top_p|tstamp|updated|year)(?:_|$)"
)

# Headers in canonical form (see ``normal``), the surest first.
HEADERS: dict[str, tuple[str, ...]] = {
    "item": (
        "item",
        "item_id",
        "id",
        "example_id",
        "sample_id",
        "question_id",
        "prompt_id",
        "doc_id",
        "external_id",
    ),
    "prompt": ("prompt", "question", "input", "user_input", "instruction", "query"),
    "messages": ("messages", "conversation", "conversations"),
    "context": ("context", "contexts", "retrieved_contexts", "sources", "documents"),
    "reference": (
        "reference",
        "references",
        "reference_answer",
        "expected",
        "expected_output",
        "ground_truth",
        "target",
        "gold",
        "ideal",
    ),
    "choices": ("choices", "options"),
    "cluster": ("cluster", "cluster_id", "family", "prompt_family"),
    "language": ("language", "lang", "locale"),
    "tag": ("tag", "tags", "slice", "slices"),
    "system": ("system", "system_name", "model", "model_name", "generator", "provider"),
    "system_version": ("system_version", "model_version", "version"),
    "system_b": ("system_b", "model_b"),
    "output": (
        "output",
        "response",
        "answer",
        "completion",
        "generation",
        "model_output",
        "actual_output",
        "prediction",
    ),
    "error": ("error",),
    "repeat": ("repeat", "epoch", "trial"),
    "variant": ("variant", "perturbation"),
    "latency_ms": ("latency_ms", "latency", "duration_ms"),
    "latency_s": ("latency_s", "latency_seconds", "duration_s", "execution_time"),
    "ttft_ms": ("ttft_ms", "ttft", "time_to_first_token_ms"),
    "ttft_s": ("ttft_s", "time_to_first_token_s"),
    "tokens_in": ("tokens_in", "input_tokens", "prompt_tokens"),
    "tokens_out": ("tokens_out", "output_tokens", "completion_tokens"),
    "cost_usd": ("cost_usd", "total_cost_usd"),
    "cost": ("cost", "total_cost"),
    "currency": ("currency", "cost_currency"),
    "metric": ("metric", "metric_name", "scorer", "evaluator"),
    "value": ("value", "score", "metric_value", "rating"),
    "source": ("source", "rater_kind", "annotator_kind", "source_type"),
    "kind": ("kind", "value_kind"),
    "explanation": ("explanation", "reason", "rationale", "justification"),
    "judge": ("judge", "judge_name", "evaluation_model"),
    "passed": ("passed",),
    "threshold": ("threshold",),
    "minimum": ("minimum",),
    "maximum": ("maximum",),
    "direction": ("direction", "higher_is_better"),
    "position": ("position",),
    "turn": ("turn",),
    "rater": ("rater", "rater_id", "annotator", "annotator_id"),
    "comment": ("comment",),
}

# Columns that say outright which metric or system they hold.
_METRIC_COLUMN = re.compile(r"^(?:metric|score)\s*[:.]\s*(?P<name>.+)$", re.IGNORECASE)
_OUTPUT_COLUMN = re.compile(
    r"^(?:(?:output|response|answer)\s*[:.]\s*(?P<after>.+)|(?P<before>.+?)[\s_:.]+(?:output|response|answer))$",
    re.IGNORECASE,
)


def normal(header: str) -> str:
    """'Latency (ms)', 'latency-ms' and 'latencyMs' are one header."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", header.strip())
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def metric_named(header: str) -> str:
    """The metric in 'score: clarity', else ''."""
    found = _METRIC_COLUMN.match(header.strip())
    return found["name"].strip() if found else ""


def system_named(header: str) -> str:
    """The system in 'output: small' or 'small output', else ''."""
    found = _OUTPUT_COLUMN.match(header.strip())
    return (found["after"] or found["before"]).strip() if found else ""
