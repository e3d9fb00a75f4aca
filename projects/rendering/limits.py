"""What one rendered fragment may cost. Counted, never timed: the same text always gives the same HTML."""

from dataclasses import dataclass

MAX_CHARACTERS = 200_000
MAX_NESTING = 40  # quotes and lists; a list item counts twice
MAX_STEPS = 200_000  # of the tokeniser, weighted by their cost; 200,000 characters of dense prose take 100,000
MAX_FORMULAS = 500
MAX_FORMULA_CHARACTERS = 2_000
MAX_HIGHLIGHTED = 20_000  # characters of code given to Pygments; the rest is shown plain
MAX_HTML = 4_000_000


class LimitReached(Exception):
    """The text costs more than a page may; it is shown without formatting."""


@dataclass(slots=True)
class Budget:
    """Shared by every part of one fragment, so many small parts cannot add up to a large cost."""

    characters: int = MAX_CHARACTERS
    steps: int = MAX_STEPS
    formulas: int = MAX_FORMULAS
    highlighted: int = MAX_HIGHLIGHTED

    def step(self, cost: int = 1, level: int = 0) -> None:
        self.steps -= cost
        if self.steps < 0 or level >= MAX_NESTING:
            raise LimitReached

    def take(self, text: str) -> str:
        """The part of `text` that may still be shown."""
        part = text[: self.characters]
        self.characters -= len(part)
        return part
