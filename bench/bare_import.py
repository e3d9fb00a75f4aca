"""The yardstick of the import: read the CSV, put outputs and scores into two plain tables, commit once."""

from __future__ import annotations

import csv
import os
import sys

OUTPUTS = "CREATE TABLE bare_output (item text, system text, content text)"
SCORES = "CREATE TABLE bare_score (item text, system text, metric text, value float)"
MARKS = {"sqlite": "?", "postgresql": "%s"}


def rows(path: str) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    with open(path, encoding="utf-8", newline="") as stream:
        table = list(csv.DictReader(stream))
    outputs = {(row["item"], row["system"], row["output"]): None for row in table}
    return list(outputs), [(row["item"], row["system"], row["metric"], row["value"]) for row in table]


def main(path: str) -> None:
    outputs, scores = rows(path)
    url = os.environ["DATABASE_URL"]
    kind = url.split(":")[0]
    mark = MARKS[kind]
    if kind == "sqlite":
        import sqlite3

        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    else:
        import psycopg

        connection = psycopg.connect(url)  # type: ignore[assignment]
    cursor = connection.cursor()
    cursor.execute(OUTPUTS)
    cursor.execute(SCORES)
    cursor.executemany(f"INSERT INTO bare_output VALUES ({', '.join([mark] * 3)})", outputs)  # noqa: S608 - marks
    cursor.executemany(f"INSERT INTO bare_score VALUES ({', '.join([mark] * 4)})", scores)  # noqa: S608 - marks
    connection.commit()
    connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
