"""What honest outputs look like when they are shown."""

import json
import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.token import Keyword

from projects.rendering import code as code_module
from projects.rendering import render_json, render_messages, render_output, render_prompt, render_text
from projects.rendering.code import highlight
from projects.rendering.limits import Budget
from projects.rendering.mathematics import to_mathml
from projects.rendering.structured import laid_out, pretty
from tests.projects.rendering.checker import examine, text_of


def body(text: str) -> str:
    """The HTML of a text without its wrapper."""
    found = re.fullmatch(r'<div class="prose" dir="auto">(.*?)\n?</div>', render_text(text), re.DOTALL)
    assert found
    return found[1]


class TestMarkdown:
    @pytest.mark.parametrize(
        ("text", "html"),
        [
            ("plain", "<p>plain</p>"),
            ("**a** *b* ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>"),
            ("one\ntwo", "<p>one<br>\ntwo</p>"),
            ("one\r\n\r\ntwo", "<p>one</p>\n<p>two</p>"),
            ("# Top", "<h3>Top</h3>"),
            ("##### Low", "<h6>Low</h6>"),
            ("3. c\n4. d", '<ol start="3">\n<li>c</li>\n<li>d</li>\n</ol>'),
            ("> q", "<blockquote>\n<p>q</p>\n</blockquote>"),
            ("---", "<hr>"),
            ("a < b & c > d", "<p>a &lt; b &amp; c &gt; d</p>"),
            ("https://a.example", "<p>https://a.example</p>"),
        ],
    )
    def test_inline_and_blocks(self, text: str, html: str) -> None:
        assert body(text) == html

    def test_nested_lists(self) -> None:
        html = body("- a\n  1. b\n     - c\n- d")
        assert html.count("<ul>") == 2
        assert html.count("<ol>") == 1
        assert re.sub(r"\s", "", text_of(html)) == "abcd"

    def test_a_table_keeps_its_alignment_without_styles(self) -> None:
        html = body("| a | b | c |\n|---|--:|:-:|\n| 1 | 2 | 3 |")
        assert '<td>1</td>\n<td class="r">2</td>\n<td class="m">3</td>' in html
        assert '<div class="table-wrap" tabindex="0"><table>' in html

    def test_a_link_opens_elsewhere_and_tells_nothing(self) -> None:
        assert body("[x](HTTPS://a.example/?a=1&b=2)") == (
            '<p><a href="HTTPS://a.example/?a=1&amp;b=2" target="_blank" rel="noopener nofollow noreferrer">x</a></p>'
        )

    @pytest.mark.parametrize("address", ["http://a.example", "mailto:a@a.example"])
    def test_other_links_that_may_be_followed(self, address: str) -> None:
        assert f'href="{address}"' in body(f"[x]({address})")

    def test_right_to_left_text_finds_its_own_direction(self) -> None:
        html = render_text("مرحبا **بالعالم** و `code`")
        assert html.startswith('<div class="prose" dir="auto">')
        assert "<strong>بالعالم</strong>" in html


class TestCode:
    def test_known_language(self) -> None:
        assert body('```python\nreturn "a<b"  # c\n```') == (
            '<pre class="code" dir="ltr" tabindex="0"><code><span class="k">return</span> '
            '<span class="s">"a&lt;b"</span>  <span class="c"># c</span>\n</code></pre>'
        )

    @pytest.mark.parametrize("language", ["", "klingon", "python3.11-with-options", "text"])
    def test_unknown_language_is_plain(self, language: str) -> None:
        assert "<span" not in body(f"```{language}\nreturn 1\n```")

    @pytest.mark.parametrize("language", ["java", "csharp", "scala", "ts", "sh", "sql", "json", "diff", "html"])
    def test_not_a_character_changes(self, language: str) -> None:
        code = '\n\n  x = "é\t" // 1 \\\n+a\n-b\n<p>\n\n'
        assert text_of(body(f"```{language}\n{code}```")) == code

    def test_long_code_is_whole_and_plain(self) -> None:
        code = "x = 1\n" * 5_000
        html = body(f"```python\n{code}```")
        assert "<span" not in html
        assert text_of(html) == code

    @pytest.mark.parametrize("code", ["x = 1" + "\n " * 4_000, "x = 1 # " + "a" * 4_000, "x = 1\n" * 1_700])
    def test_code_that_makes_a_lexer_slow_is_plain(self, code: str) -> None:
        assert "<span" not in highlight(code, "python", Budget())

    def test_a_lexer_that_loses_a_character_is_not_believed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Lossy:
            def get_tokens(self, code: str) -> list[tuple[object, str]]:
                return [(Keyword, code[1:])]

        monkeypatch.setattr(code_module, "_lexer", lambda _language: Lossy())
        assert highlight("return", "python", Budget()) == "return"


class TestMathematics:
    @pytest.mark.parametrize("text", ["$x^2$", r"\(x^2\)"])
    def test_inline(self, text: str) -> None:
        assert body(f"so {text} holds") == (
            '<p>so <math display="inline" alttext="x^2"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math> holds</p>'
        )

    @pytest.mark.parametrize(
        "text",
        ["$$\nx\n- y\n$$", "\\[\nx\n- y\n\\]", "$$x\n- y$$", "text\n$$x\n- y$$\ntext", "- a\n\n  $$\n  x\n  - y\n  $$"],
    )
    def test_display(self, text: str) -> None:
        html = body(text)
        assert html.count('<math display="block"') == 1
        assert "<mi>x</mi><mo>−</mo><mi>y</mi>" in html

    def test_display_in_a_sentence(self) -> None:
        assert body(r"so \[x\] and $$y$$ hold").count('display="block"') == 2

    def test_environment_without_invented_numbers(self) -> None:
        html = body("\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}")
        assert html.count("<mtr>") == 2
        assert "(1)" not in html

    @pytest.mark.parametrize(
        "text", ["It costs $5 and $10.", "$5-$10", "from $100k to $200k", "$HOME and $PATH", r"\$x\$", "$ x $", "a$$b"]
    )
    def test_prices_and_variables_are_not_formulas(self, text: str) -> None:
        assert "<math" not in body(text)

    @pytest.mark.parametrize("text", [r"$\unknowncommand{x}$", r"$\frac{$", r"$a^$", r"\(\def\a{b}\a\)"])
    def test_what_cannot_be_set_is_shown_as_its_source(self, text: str) -> None:
        assert body(text) == f"<p><code>{text}</code></p>"

    @pytest.mark.parametrize(
        "latex",
        [
            r"\sum_{i=1}^{n} x_i",
            r"\begin{pmatrix} a & b \\ c & d \end{pmatrix}",
            r"\mathbb{R}^n \to \mathcal{L}",
            r"\left(\frac{a}{b}\right)",
            r"f(x) = \begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}",
            r"\hat{y} = \sqrt[3]{x} \cdot \boxed{42}",
            r"\int_0^\infty e^{-x^2}\,dx",
        ],
    )
    def test_common_formulas_are_set(self, latex: str) -> None:
        assert to_mathml(latex, display=True)
        assert "<math" in body(f"$${latex}$$")

    def test_code_holds_no_formulas(self) -> None:
        assert "<math" not in body("`$x$` and\n\n```\n$$x$$\n```")


class TestJson:
    def test_is_laid_out_as_written(self) -> None:
        html = render_json('{"b": 1.10, "a": [true, {}, []], "c": "é\\u00e9"}')
        assert html
        assert text_of(html) == (
            'Valid JSON.{\n  "b": 1.10,\n  "a": [\n    true,\n    {},\n    []\n  ],\n  "c": "é\\u00e9"\n}'
        )

    @pytest.mark.parametrize("text", ["", "text", "1", '"a"', "[link](https://a.example) and [b]", "{curly} words {x}"])
    def test_other_texts_are_left_to_markdown(self, text: str) -> None:
        assert render_json(text) is None

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ('{"a": 1,}', "Not valid JSON (line 1, column 9: "),
            ('{"a": NaN}', "Not valid JSON (NaN is not a JSON value)."),
            ('[{"a": 1} {"a": 2}]', "Not valid JSON (line 1, column 11: "),
            ('{"a": 1, "a": 2}', "Valid JSON, but it repeats a key: “a”."),
        ],
    )
    def test_what_is_wrong_is_said(self, text: str, words: str) -> None:
        html = render_json(text)
        assert html
        assert words in text_of(html)

    def test_what_is_broken_is_shown_unchanged(self) -> None:
        assert '{"a":   1,}' in text_of(render_json('{"a":   1,}') or "")

    @settings(max_examples=150, deadline=None)
    @given(st.recursive(st.none() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)))
    def test_layout_changes_no_value(self, value: object) -> None:
        assert json.loads(laid_out(json.dumps(value))) == value

    def test_a_tool_result_that_is_not_json_stays_as_it_is(self) -> None:
        assert pretty("[not json") == "[not json"
        assert pretty({"b": 1, "a": float("nan")}) == '{\n  "b": 1,\n  "a": NaN\n}'


OPENAI = [
    {"role": "user", "content": "Can I delete it?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_9", "type": "function", "function": {"name": "get_invoice", "arguments": '{"number": 2041}'}}
        ],
    },
    {"role": "tool", "tool_call_id": "call_9", "content": '{"status": "part_paid"}'},
    {"role": "assistant", "content": "You **cannot**."},
]
ANTHROPIC = [
    {"role": "user", "content": [{"type": "text", "text": "Can I delete it?"}]},
    {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": "toolu_9", "name": "get_invoice", "input": {"number": 2041}}],
    },
    {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": "toolu_9", "content": '{"status": "part_paid"}'}],
    },
    {"role": "assistant", "content": "You **cannot**."},
]
SHAREGPT = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]


class TestConversations:
    def test_turns(self) -> None:
        turns = render_messages(OPENAI)
        assert [(turn.role, turn.label, turn.kind) for turn in turns] == [
            ("user", "User", "text"),
            ("tool", "Tool", "tool"),
            ("assistant", "Assistant", "text"),
        ]

    def test_a_call_carries_its_result(self) -> None:
        html = render_messages(OPENAI)[1].html
        assert html.startswith(
            '<details class="tool" open=""><summary><code>get_invoice</code><span class="quiet">number 2041</span>'
            '<span class="push quiet">returned</span></summary>'
        )
        assert "<dt>Arguments</dt>" in html
        assert '"status": "part_paid"' in text_of(html)

    def test_vendors_formats_cannot_be_told_apart(self) -> None:
        assert render_output("", OPENAI) == render_output("", ANTHROPIC)

    def test_no_identifier_of_a_call_is_shown(self) -> None:
        assert "call_9" not in render_output("", OPENAI)

    def test_a_call_without_an_answer_and_an_answer_without_a_call(self) -> None:
        html = render_output("", [OPENAI[1], {"role": "tool", "tool_call_id": "other", "content": "lonely"}])
        assert ">called<" in html
        assert "lonely" in html

    def test_sharegpt(self) -> None:
        assert [turn.label for turn in render_messages(SHAREGPT)] == ["User", "Assistant"]

    def test_a_role_that_could_name_a_model_is_numbered(self) -> None:
        html = render_output("", [{"role": "gpt-4o", "content": "a"}, {"role": "claude", "content": "b"}])
        assert "Participant 1" in html
        assert "Participant 2" in html
        assert "gpt-4o" not in html

    def test_parts_that_are_not_text_are_named_and_never_loaded(self) -> None:
        parts = [
            {"type": "text", "text": "See"},
            {"type": "image_url", "image_url": {"url": "https://a.example/i.png"}},
            {"type": "audio", "data": "AAAA"},
            {"type": "thinking", "thinking": "Hm."},
        ]
        html = render_output("", [{"role": "assistant", "content": parts}])
        words = text_of(html)
        assert "[image] https://a.example/i.png" in words
        assert '"data": "AAAA"' in words
        assert "Hm." in words
        assert "img" not in examine(html).tags


class TestOutputs:
    def test_a_plain_answer_is_one_turn(self) -> None:
        assert render_output("Yes.") == (
            '<div class="turn"><p class="turn-who">Assistant</p><div class="prose" dir="auto"><p>Yes.</p>\n</div></div>'
        )

    def test_text_and_a_lone_message_look_alike(self) -> None:
        assert render_output("Yes.") == render_output("", [{"role": "assistant", "content": "Yes."}])
        assert render_output("Yes.") == render_output("Yes.", [{"role": "assistant", "content": "Yes."}])

    def test_text_that_no_message_holds_is_not_lost(self) -> None:
        assert "the end" in render_output("the end", OPENAI)

    @pytest.mark.parametrize("text", ["", " \n "])
    def test_an_empty_output_says_so(self, text: str) -> None:
        assert "This text is empty." in render_output(text)

    def test_json_is_laid_out(self) -> None:
        assert "Valid JSON." in render_output('{"a": 1}')


class TestPrompts:
    def test_the_last_question_stands_open_and_the_rest_is_folded(self) -> None:
        html = render_prompt([{"role": "system", "content": "Be kind."}, *OPENAI[:1], OPENAI[3], OPENAI[0]])
        assert '<summary dir="auto">System message</summary>' in html
        assert '<summary dir="auto">2 earlier turns</summary>' in html
        assert html.endswith('</details><div class="prose" dir="auto"><p>Can I delete it?</p>\n</div></div></div>')

    def test_questions_in_a_row_all_stand_open(self) -> None:
        html = render_prompt([OPENAI[3], {"role": "user", "content": "First?"}, {"role": "user", "content": "Then?"}])
        _, fold, after = html.partition("</details>")
        assert '<summary dir="auto">1 earlier turn</summary>' in html
        assert fold
        assert "<p>First?</p>" in after
        assert "<p>Then?</p>" in after

    def test_sources_are_numbered_folds(self) -> None:
        html = render_prompt([{"role": "user", "content": "Q"}], ["# Refunds\nWithin 5 days.", "x" * 700])
        assert "Sources" in html
        assert '<summary dir="auto">1 · Refunds</summary>' in html
        assert f'<summary dir="auto">2 · {"x" * 59}…</summary>' in html
        assert "open" not in html
        assert '<details class="fold">' in html

    def test_short_sources_are_open(self) -> None:
        assert '<details class="fold" open="">' in render_prompt(SHAREGPT, ["short"])

    def test_the_reference_shows_only_when_it_is_given(self) -> None:
        assert "Reference" not in render_prompt(SHAREGPT)
        assert "Reference" in render_prompt(SHAREGPT, reference="42")
        assert "References" in render_prompt(SHAREGPT, reference=["42", "43"])

    def test_nothing_asked_is_nothing_shown(self) -> None:
        assert render_prompt([]) == ""


def test_importing_the_package_needs_no_django() -> None:
    code = "import sys, projects.rendering; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
