"""Rows of a Parquet file, batch by batch, after its own footer has been held against the caps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from projects.importers import limits
from projects.importers.records import ImportFileError, refusal
from projects.importers.values import plain

_BATCH_ROWS = 1000


def rows(stream: BinaryIO, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    stream.seek(0, 2)
    if stream.tell() > limits.most_bytes(stream):
        raise limits.too_large(name, limits.most_bytes(stream))
    stream.seek(0)
    row = 0
    try:
        file = pq.ParquetFile(stream)
        _check(file.metadata, name, stream)
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            for values in batch.to_pylist():
                row += 1
                yield row, {column: _cell(cell, name, row, column) for column, cell in values.items()}
    except ImportFileError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise refusal(name, "The Parquet file is damaged or of a kind that cannot be read.", row + 1) from error


def columns(stream: BinaryIO, name: str) -> list[str]:
    """The names in the footer; [] when there is none to read: reading the file says what is wrong with it."""
    try:
        return list(pq.ParquetFile(stream).schema_arrow.names)[: limits.MAX_COLUMNS]
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        return []
    finally:
        stream.seek(0)


def _check(found: pq.FileMetaData, name: str, stream: BinaryIO) -> None:
    names = [found.schema.column(index).path for index in range(found.num_columns)]
    top = found.schema.to_arrow_schema().names
    if len(names) > limits.MAX_COLUMNS:
        raise refusal(name, f"The file has {len(names):,} columns; at most {limits.MAX_COLUMNS} are accepted.")
    repeated = sorted({column for column in top if top.count(column) > 1})
    if repeated:
        raise refusal(name, f"The file names the column '{repeated[0]}' more than once; each name may appear once.")
    most = limits.most_rows(stream)
    if found.num_rows > most:
        raise refusal(name, f"The file has {found.num_rows:,} rows; at most {most:,} are accepted.")
    groups = [found.row_group(index).total_byte_size for index in range(found.num_row_groups)]
    if isinstance(stream, limits.Streamed):  # one group of rows is in memory at a time
        if max(groups, default=0) > limits.MAX_UNPACKED_BYTES:
            cap = limits.MAX_UNPACKED_BYTES // (1024 * 1024)
            raise refusal(name, f"A row group unpacks to more than {cap:,} MiB, the most accepted. Write smaller ones.")
        return
    unpacked = sum(groups)
    if unpacked > limits.MAX_UNPACKED_BYTES:
        cap = limits.MAX_UNPACKED_BYTES // (1024 * 1024)
        raise refusal(name, f"The file unpacks to more than {cap:,} MiB, the most accepted. Split it.")


def _cell(cell: Any, name: str, row: int, column: str) -> Any:
    if isinstance(cell, bytes):
        raise refusal(name, "The column holds bytes; accepted: text, numbers, yes/no, dates and lists.", row, column)
    if isinstance(cell, str) and len(cell) > limits.MAX_CELL_CHARS:
        raise refusal(
            name,
            f"The text has {len(cell):,} characters; at most {limits.MAX_CELL_CHARS:,} are accepted.",
            row,
            column,
        )
    if isinstance(cell, float):  # NaN stays NaN: the reader of values says so
        return cell
    return plain(cell)
