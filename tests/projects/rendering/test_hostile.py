"""Whatever a model writes, the page shows text."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projects.rendering import markdown as markdown_module
from projects.rendering import render_json, render_messages, render_output, render_prompt, render_text
from projects.rendering.limits import MAX_CHARACTERS
from projects.rendering.mathematics import to_mathml
from projects.rendering.sanitiser import neutralise, sanitise, tidy
from tests.projects.rendering.checker import problems, text_of
from tests.projects.rendering.vectors import VECTORS

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_there_are_enough_vectors_and_no_two_are_alike() -> None:
    assert len(set(VECTORS.values())) == len(VECTORS) >= 80


@pytest.mark.parametrize(
    "html",
    [
        "<script>1</script>",
        "<p onclick='x'>a</p>",
        "<p id='x'>a</p>",
        "<p style='x'>a</p>",
        "<p class='btn'>a</p>",
        "<img src='x'>",
        "<a href='javascript:x' rel='noopener nofollow noreferrer' target='_blank'>a</a>",
        "<a href='https://a.example'>a</a>",
        "<mi href='x'>a</mi>",
        "<mspace width='999em'></mspace>",
        "<div>",
        "</div>",
        "<!-- x -->",
    ],
)
def test_the_checker_itself_finds_what_is_wrong(html: str) -> None:
    assert problems(html)


@pytest.mark.parametrize("text", VECTORS.values(), ids=VECTORS.keys())
class TestVectors:
    def test_as_an_output(self, text: str) -> None:
        html = render_output(text, [])
        assert problems(html) == []
        assert sanitise(html) == html
        assert not CONTROL.search(html)

    def test_in_every_place_of_a_conversation(self, text: str) -> None:
        call = {"id": text, "type": "function", "function": {"name": text, "arguments": text}}
        messages = [
            {"role": text, "name": text, "content": text},
            {"role": "assistant", "content": [{"type": "text", "text": text}], "tool_calls": [call]},
            {"role": "tool", "tool_call_id": text, "name": text, "content": {text: [text]}},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": text}, "alt": text}]},
            {"role": "assistant", "content": [{"type": text, text: text}, {"type": "thinking", "thinking": text}]},
        ]
        assert problems(render_output(text, messages)) == []
        assert problems(render_prompt(messages, [text, text], [text])) == []
        assert all(problems(turn.html) == [] for turn in render_messages(messages))

    def test_the_sanitiser_alone_would_hold(self, text: str) -> None:
        """The last gate, with the formatter out of the way: the text as raw HTML."""
        html = sanitise(tidy(text))
        assert problems(html) == []
        assert sanitise(html) == html


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("<p id='a' onclick='b' style='c' class='btn quiet'>x</p>", '<p class="quiet">x</p>'),
        ("<a href='https://a.example' id='a' onclick='b'>x</a>", None),
        ("<mspace width='999em'></mspace>", "<mspace></mspace>"),
        ("<mo minsize='21em' lspace='2em'>x</mo>", '<mo lspace="2em">x</mo>'),
        ("<mi mathvariant='a;b'>x</mi>", "<mi>x</mi>"),
        ("<ol start='-1e9'><li>x</li></ol>", "<ol><li>x</li></ol>"),
        ("<pre tabindex='9' dir='rtl'>x</pre>", "<pre>x</pre>"),
        ("<div tabindex='9' dir='rtl'>x</div>", "<div>x</div>"),
    ],
)
def test_the_sanitiser_drops_what_the_allowlist_does_not_name(html: str, left: str | None) -> None:
    # Around an element of MathML stands `math`, else it would be read as unknown HTML.
    math = html.startswith("<m")
    clean = sanitise(f"<math>{html}</math>" if math else html)
    assert problems(clean) == []
    assert left is None or clean == (f"<math>{left}</math>" if math else left)


@pytest.mark.parametrize("latex", [r"\text{<img src=x onerror=alert(1)>}", r"\text{&#x3c;svg onload=a&#x3e;}", "a<b>c"])
def test_mathematics_is_safe_before_it_is_sanitised(latex: str) -> None:
    html = to_mathml(latex, display=False)
    assert html
    assert problems(html) == []


def test_a_hostile_text_is_still_readable() -> None:
    assert "<script>alert(1)</script>" in text_of(render_text("<script>alert(1)</script>"))
    assert text_of(render_text("[click](javascript:alert(1))")).strip() == "click javascript:alert(1)"


def test_a_direction_override_is_shown() -> None:
    assert neutralise("a\u202eb\u2066c") == "a‹U+202E›b‹U+2066›c"
    assert "‹U+202E›" in render_text("&#x202E;exe.gnp")  # written as an entity


def test_the_flag_of_england_stays_a_flag() -> None:
    flag = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
    assert flag in render_text(flag)
    assert "‹U+E0067›" in render_text("x\U000e0067")


def test_an_image_is_words_and_an_address() -> None:
    assert text_of(render_text("![a *cat*](https://a.example/c.png)")).strip() == (
        "[image: a cat] https://a.example/c.png"
    )


BOMBS = {
    "quotes": ">" * 10_000,
    "spaced quotes": "> " * 10_000,
    "brackets": "[" * 10_000,
    "image brackets": "![" * 10_000,
    "lists": "- " * 10_000,
    "deep list": "".join("  " * depth + "- a\n" for depth in range(200)),
    "stars": "*a_" * 30_000,
    "links": "[a](" * 30_000,
    "backticks": " ".join("`" * count for count in range(1, 300)),
    "braces": "$" + "{" * 1_900 + "$",
    "roots": "$" + r"\sqrt" * 390 + "$",
    "definitions": r"$\def\a{xxxxxxxxxx}\def\b{\a\a\a\a\a\a\a\a}\def\c{\b\b\b\b\b\b\b}\c\c\c$" * 50,
    "formulas": "$x$ " * 30_000,
    "open formulas": "$$x\n\n" * 20_000,
    "wide table": "|a" * 300 + "\n" + "|-" * 300 + "\n" + "a|\n" * 5_000,
    "open JSON": "[" * 100_000,
    "deep JSON": "[" * 50_000 + "]" * 50_000,
    "code": "```python\n" + "(" * 100_000 + "\n```",
    "blank code": "```python\n" + "\n " * 50_000 + "\n```",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_shown_and_costs_no_more_than_a_page_may(text: str) -> None:
    html = render_output(text, [])
    assert problems(html) == []
    assert len(html) < 10 * len(text) + 1_000_000


def test_too_deep_a_text_is_shown_whole_and_plain() -> None:
    html = render_text("> " * 100 + "the last words")
    assert "the last words" in html
    assert '<pre class="plain"' in html
    assert "without formatting" in html


def test_the_deepest_allowed_nesting_is_formatted() -> None:
    html = render_text("> " * 38 + "the last words")
    assert html.count("<blockquote>") == 38
    assert "the last words" in html


def test_a_long_text_is_cut_with_a_notice() -> None:
    html = render_text("word " * 210_000)
    assert "Only the first 200,000 of 1,050,000 characters are shown here." in html
    assert len(html) < 2 * MAX_CHARACTERS


def test_many_messages_share_one_limit() -> None:
    messages = [{"role": "user", "content": "word " * 20_000}] * 20
    html = render_output("", messages)
    assert len(html) < 2 * MAX_CHARACTERS
    assert "18 further messages are not shown here" in html


def test_a_slip_in_the_formatter_costs_the_format_and_not_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def render(self, *_: object) -> str:
            raise KeyError("slip")

    monkeypatch.setattr(markdown_module, "_MARKDOWN", Broken())
    html = render_text("**bold** <b>")
    assert "**bold** &lt;b&gt;" in html
    assert problems(html) == []


# Text made of the pieces that mean something to a parser finds more than text of random letters.
PIECES = st.sampled_from(
    [*"[]()<>!*_`~#|-+=:\\$&;{}\"'/ \n\t", "\n\n", "a", "1.", "    ", "```", "$$", "\\(", "\\)", "\\[", "\\]"]
    + ["javascript:", "https://a.example", "<b>", "&#x3c;", "\\begin{align}", "\\end{align}", "\\frac", "\\text{"]
    + ["|-|", "\u202e", "\x00", "\ud800", "</div>", '{"a":', "[{", "\r", "\x0c", "\u2028"]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=80))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(
    "role from content value type text name id tool_calls function arguments args input tool_call_id"  # noqa: SIM905
    " tool_use_id refusal image_url url source thinking function_call output".split()
)
ROLES = st.sampled_from(["user", "assistant", "tool", "system", "text", "tool_use", "tool_result", "image_url"])
MESSAGES = st.lists(st.dictionaries(KEYS, ROLES | JSON_VALUES, max_size=6) | JSON_VALUES, max_size=4)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_any_text_renders_safely_and_is_a_fixed_point(text: str) -> None:
    html = render_text(text)
    assert problems(html) == []
    assert sanitise(html) == html
    assert not CONTROL.search(html)


@settings(max_examples=150, deadline=None)
@given(TEXTS, MESSAGES, st.lists(TEXTS, max_size=2))
def test_any_conversation_renders_safely(text: str, messages: list, sources: list[str]) -> None:  # type: ignore[type-arg]
    for html in (render_output(text, messages), render_prompt(messages, sources, text)):
        assert problems(html) == []
        assert sanitise(html) == html


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_any_text_in_place_of_json_is_safe(text: str) -> None:
    for candidate in (text, "{" + text + "}", '{"' + text + '"}', "[" + text + "]"):
        html = render_json(candidate)
        assert html is None or problems(html) == []


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_the_same_text_gives_the_same_html(text: str) -> None:
    assert render_text(text) == render_text(text)
