"""arena-rank's Bradley-Terry with its intervals on the battles of a Parquet file: prints seconds as JSON.

Its sandwich takes battles as independent and it has no rank intervals, so it does less than ours.
"""

from __future__ import annotations

import json
import sys
import time

import pandas as pd
from arena_rank.models.bradley_terry import BradleyTerry  # type: ignore[import-not-found]
from arena_rank.utils.data_utils import PairDataset  # type: ignore[import-not-found]


def main(path: str) -> None:
    battles = pd.read_parquet(path)
    times = []
    for _ in range(3):  # the first one compiles
        wall, cpu = time.perf_counter(), time.process_time()
        dataset = PairDataset.from_pandas(battles)
        found = BradleyTerry(len(dataset.competitors)).compute_ratings_and_cis(dataset)
        found["rating_lower"].block_until_ready()
        times.append({"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
    sys.stdout.write(json.dumps({"first": times[0], "again": min(times[1:], key=lambda one: one["seconds"])}))


if __name__ == "__main__":
    main(sys.argv[1])
