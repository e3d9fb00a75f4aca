"""Files of other evaluation tools, known by their keys or headers, so that none is misread as a table."""

from __future__ import annotations

# Tool and the JSON keys that together give it away. A key within a text would have escaped quotes.
_BY_KEYS: tuple[tuple[str, tuple[bytes, ...]], ...] = (
    ("HELM", (b'"request_states"',)),
    ("HELM", (b'"instance_id"', b'"stats"')),
    ("Inspect", (b'"eval"', b'"plan"', b'"task"')),
    ("MLflow", (b'"assessments"', b'"trace_id"')),
    ("LangSmith", (b'"evaluation_results"', b'"example"')),
    ("LangSmith", (b'"feedback.', b'"inputs.')),
    ("TruLens", (b'"record_json"', b'"app_json"')),
    ("Phoenix", (b'_execution_details"',)),
    ("Giskard", (b'"reference_answer"', b'"conversation_history"')),
    ("LlamaIndex", (b'"pairwise_source"',)),
)
_BY_HEADER: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("LangSmith", ("feedback.", "inputs.")),
    ("TruLens", ("record_json", "app_json")),
    ("MLflow", ("trace_id", "assessments")),
    ("Phoenix", ("_execution_details",)),
    ("Phoenix", ("annotator_kind", "span_id")),
    ("Giskard", ("reference_answer", "conversation_history")),
)


def tool_of(head: bytes) -> str:
    """The tool that wrote a file which begins so, or ''."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] in {b"{", b"["}:
        return next((tool for tool, keys in _BY_KEYS if all(key in text for key in keys)), "")
    header = text.split(b"\n", 1)[0].decode("utf-8", "replace")
    return next((tool for tool, parts in _BY_HEADER if all(part in header for part in parts)), "")
