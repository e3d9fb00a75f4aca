"""How much each rater judged and how fast. Nobody of unknown identity is counted here."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analytics.sections.base import ReportData


def raters_section(data: ReportData) -> dict[str, Any]:
    judged = data.frames.judgments
    known = judged[judged["counts"] & judged["rater_known"].astype(bool)]
    # Where the page measured idle gaps, the time without them is the better one.
    seconds = pd.to_numeric(known["active_seconds"]).fillna(pd.to_numeric(known["seconds"]))
    ratings = data.frames.ratings
    flags = ratings[ratings["cannot_judge"].astype(bool)].groupby("rater").size()
    found: dict[str, Any] = {}
    for rater, rows in known.groupby("rater", sort=True):
        times = seconds.loc[rows.index].dropna()
        found[str(rater)] = {
            "n_judgments": len(rows),
            "n_cannot_judge": int(flags.get(rater, 0)),
            "median_seconds": round(float(times.median()), 3) if len(times) else None,
            "n_timed": len(times),
            "excluded": bool(rows["excluded"].any()),
        }
    return found
