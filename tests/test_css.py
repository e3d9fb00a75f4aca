"""The colours of the interface: enough contrast in both themes (WCAG 2.2 AA), and none outside the tokens."""

import re
from itertools import product
from pathlib import Path

import pytest

CSS = Path(__file__).parent.parent / "static" / "css"
TEXT, GRAPHIC = 4.5, 3.0
COLOUR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
TOKENS = {name: (light, dark) for name, light, dark in COLOUR.findall((CSS / "tokens.css").read_text())}

SHEETS = ("base.css", "components.css", "code.css")

STATES = ("good", "warn", "bad", "accent")
HEAT = tuple(f"heat-{step}" for step in range(1, 8))
SERIES = tuple(f"series-{number}" for number in range(1, 5))
SOFT = tuple(f"{state}-soft" for state in STATES)

PAIRS = [
    *((*pair, TEXT) for pair in product(("ink", "ink-2", "ink-3"), ("bg", "surface", "sunken", "hover"))),
    *((*pair, TEXT) for pair in product(("ink", "ink-2"), (*SOFT, *HEAT))),
    *((*pair, TEXT) for pair in product(STATES, ("bg", "surface", "sunken"))),
    *((state, f"{state}-soft", TEXT) for state in STATES),
    ("accent", "hover", TEXT),
    ("ink-3", "accent-soft", TEXT),
    ("on-accent", "accent", TEXT),
    ("on-accent", "accent-hover", TEXT),
    ("surface", "ink", TEXT),  # a toast
    ("ink", "accent-line", TEXT),  # selected text
    *((*pair, GRAPHIC) for pair in product(("line-strong", *SERIES), ("bg", "surface"))),
]


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it, 0 (black) to 1 (white)."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_gives_the_published_values() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # WebAIM's well-known near miss


def test_every_colour_token_is_read() -> None:
    assert len(TOKENS) == len(re.findall(r"light-dark\(#", (CSS / "tokens.css").read_text())) > 30


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_contrast(front: str, back: str, least: float, theme: int) -> None:
    assert contrast(TOKENS[front][theme], TOKENS[back][theme]) >= least


@pytest.mark.parametrize("name", SHEETS)
def test_only_the_tokens_hold_colours(name: str) -> None:
    text = re.sub(r"/\*.*?\*/", "", (CSS / name).read_text(), flags=re.DOTALL)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|oklch|oklab)\(", text)


@pytest.mark.parametrize("name", SHEETS)
def test_every_token_in_use_exists(name: str) -> None:
    """A misspelt token is no error to a browser: the rule just goes missing."""
    known = set(re.findall(r"--([\w-]+):", (CSS / "tokens.css").read_text()))
    text = (CSS / name).read_text()
    known |= set(re.findall(r"--([\w-]+):", text)) | {"toast-b"}
    assert set(re.findall(r"var\(--([\w-]+)", text)) <= known


def test_nothing_is_fetched_from_a_style_sheet() -> None:
    for path in CSS.glob("*.css"):
        assert not re.search(r"url\(|@import|@font-face", path.read_text()), path.name


def test_every_class_of_highlighted_code_has_a_rule() -> None:
    from projects.rendering.sanitiser import CLASSES

    text = (CSS / "code.css").read_text()
    assert {name for name in CLASSES["span"] - {"quiet", "push"} if f".code .{name} " not in text} == set()
