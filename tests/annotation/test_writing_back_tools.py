"""The tools' own packages read what we write, in an environment of their own (bench/environments.py)."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotation.exporters.back import write_back
from bench.environments import Unavailable, measured
from projects.models import Output
from tests.annotation.test_writing_back import RUNS, compared, scored

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_the_tools_own_packages_read_our_files(tmp_path: Path) -> None:
    round_ = scored({"span_id": "00000000000000aa", "trace_id": "tr-1", "run_id": RUNS[0]})
    for key in ("phoenix", "mlflow", "langsmith"):
        write_back(tmp_path, round=round_, key=key)
    pairs = compared()
    for key in ("hugging_face", "dpo"):
        write_back(tmp_path, round=pairs, key=key)
    try:
        seen = measured(
            "eval_tools", "load_written_back", str(tmp_path), "phoenix", "mlflow", "langsmith", "hugging_face"
        )
    except Unavailable as why:
        if "made" in str(why) or "pip" in str(why):
            pytest.skip(str(why))
        raise
    assert (seen["phoenix"]["n"], seen["phoenix"]["kinds"]) == (4, ["HUMAN"])
    assert seen["phoenix"]["first"] == {"score": 1.0}
    assert seen["mlflow"] == {"n": 4, "kinds": ["HUMAN"], "values": [1.0, True, 3.0, 2.0], "traces": ["tr-1"]}
    assert (seen["langsmith"]["n"], seen["langsmith"]["scores"]) == (4, [1.0, True, 3.0, 2.0])
    assert (seen["hugging_face"]["n"], seen["hugging_face"]["values"]) == (6, [2.0, -1.0, 1.0, 0.0, 0.0, -2.0])
    assert seen["hugging_face"]["pairs"] == 2
    assert seen["hugging_face"]["chosen"] == [{"role": "assistant", "content": "new says 1"}]
    assert Output.objects.exists()
