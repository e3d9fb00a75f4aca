"""A table of 64-bit hashes that takes some 30 bytes an entry, a quarter of what a dictionary of numbers takes."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

_START = 1 << 10
_MASK = (1 << 64) - 1


class Hashes:
    """From a hash (as `hash` gives it) to a number of 64 bits with sign. Nothing is ever taken out."""

    def __init__(self) -> None:
        self.used = 0
        self._make(_START)

    def _make(self, size: int) -> None:
        self._size = size
        self._keys, self._values = array("Q", bytes(8 * size)), array("q", bytes(8 * size))

    def __len__(self) -> int:
        return self.used

    def _place(self, key: int) -> int:
        """Where the key stands, or the empty place where it would: the first from the one that its bits name."""
        keys, last = self._keys, self._size - 1
        at = (key ^ (key >> 32)) & last
        while keys[at] and keys[at] != key:
            at = (at + 1) & last
        return at

    def get(self, key: int) -> int | None:
        at = self._place(key & _MASK or 1)  # 0 marks an empty place
        return self._values[at] if self._keys[at] else None

    def __setitem__(self, key: int, value: int) -> None:
        key = key & _MASK or 1
        at = self._place(key)
        if not self._keys[at]:
            self._keys[at] = key
            self.used += 1
        self._values[at] = value
        if self.used * 3 > self._size * 2:
            self._grow()

    def setdefault(self, key: int, value: int) -> int:
        known = self.get(key)
        if known is None:
            self[key] = value
            return value
        return known

    def is_first(self, key: int) -> bool:
        """Whether the key comes for the first time; from now on it is known."""
        if self.get(key) is not None:
            return False
        self[key] = 1
        return True

    def _pairs(self) -> Iterator[tuple[int, int]]:
        return ((key, value) for key, value in zip(self._keys, self._values, strict=True) if key)

    def _grow(self) -> None:
        pairs = self._pairs()
        self._make(self._size * 2)
        for key, value in pairs:
            at = self._place(key)
            self._keys[at], self._values[at] = key, value


def hashes(compact: bool) -> dict[int, int] | Hashes:
    """A dictionary is ten times as quick; a file of millions of rows must not have one."""
    return Hashes() if compact else {}
