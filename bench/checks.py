"""What the database says after a load: `python -m bench.checks ACKNOWLEDGED.json FOUND.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import django


def main(acknowledged: Path, found: Path) -> None:
    django.setup()
    from django.db.models import Count, F

    from annotation.models import Assignment, Judgment

    keys = json.loads(acknowledged.read_text(encoding="utf-8"))
    stored = set(Judgment.objects.values_list("key", flat=True))
    counted = Judgment.objects.filter(current=True, assignment__state=Assignment.State.JUDGED)
    over = (
        counted.values("assignment__task_id", overlap=F("assignment__task__round__overlap"))
        .annotate(n=Count("id"))
        .filter(n__gt=F("overlap"))
    )
    twice = counted.values("seat_id", "assignment__task_id").annotate(n=Count("id")).filter(n__gt=1)
    answer = {
        "acknowledged": len(keys),
        "lost": sum(key not in stored for key in keys),
        "surplus": sum(row["n"] - row["overlap"] for row in over),
        "twice": twice.count(),
    }
    found.write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
