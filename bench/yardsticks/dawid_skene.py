"""crowd-kit's Dawid-Skene on the labels of a Parquet file, as it is called and for a hundred iterations: prints seconds
and iterations as JSON. Its stopping rule is a thousand times coarser than ours."""

from __future__ import annotations

import json
import sys
import time

import pandas as pd
from crowdkit.aggregation import DawidSkene  # type: ignore[import-not-found]


def main(path: str) -> None:
    labels = pd.read_parquet(path)
    found = {"again": _cost(labels, DawidSkene(n_iter=100)), "hundred": _cost(labels, DawidSkene(100, tol=-1.0))}
    sys.stdout.write(json.dumps(found))


def _cost(labels: pd.DataFrame, model: DawidSkene) -> dict[str, float]:
    """A tolerance below zero is never reached."""
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(labels)
    seconds, used = time.perf_counter() - wall, time.process_time() - cpu
    return {"seconds": seconds, "cpu": used, "steps": len(model.loss_history_)}


if __name__ == "__main__":
    main(sys.argv[1])
