"""crowd-kit's Dawid-Skene on the labels of a Parquet file: prints seconds and iterations as JSON."""

from __future__ import annotations

import json
import sys
import time

import pandas as pd
from crowdkit.aggregation import DawidSkene  # type: ignore[import-not-found]


def main(path: str) -> None:
    labels = pd.read_parquet(path)
    model = DawidSkene(n_iter=100)
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(labels)
    seconds, used = time.perf_counter() - wall, time.process_time() - cpu
    sys.stdout.write(json.dumps({"seconds": seconds, "cpu": used, "steps": len(model.loss_history_)}))


if __name__ == "__main__":
    main(sys.argv[1])
