"""What makes two inputs the same: a digest of their canonical form, for items without an id of their own."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from projects.importers.records import Message


def canonical(value: Any) -> str:
    """Sorted-key JSON with every text in NFC and trimmed: typing a space more is not another question."""
    return json.dumps(_normal(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def digest_id(value: Any) -> str:
    return "sha256-" + hashlib.sha256(canonical(value).encode("utf-8", "replace")).hexdigest()[:32]


def user_message(text: str) -> tuple[Message, ...]:
    return ({"role": "user", "content": text},)


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip()
    if isinstance(value, Mapping):
        return {str(key): _normal(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_normal(each) for each in value]
    return value
