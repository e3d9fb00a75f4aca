"""Reads rendered HTML as a browser would meet it and lists what must not be there.

Written without the sanitiser's own lists: if those grow by mistake, this one does not.
"""

import re
from html.parser import HTMLParser

_HTML = (
    "p br hr h3 h4 h5 h6 em strong s code pre blockquote ul ol li table thead tbody tr th td"
    " a span div details summary dl dt dd"
)
_MATH = (
    "math mrow mi mo mn ms mtext mspace msup msub msubsup mfrac msqrt mroot mover munder munderover"
    " mmultiscripts mprescripts mtable mtr mtd mstyle mpadded mphantom menclose"
)
HTML, MATH = set(_HTML.split()), set(_MATH.split())
VOID = {"br", "hr"}
CLASSES = set(
    "prose source turn turn-who fold tool code plain quiet small stack stack-2 push table-wrap"  # noqa: SIM905
    " r m c k s n f gi gd".split()
)
ATTRIBUTES = {
    "a": {"href", "rel", "target"},
    "ol": {"start"},
    "details": {"class", "open"},
    "summary": {"dir"},
    "div": {"class", "dir", "tabindex"},
    "pre": {"class", "dir", "tabindex"},
    **{tag: {"class"} for tag in ("p", "span", "th", "td")},
}
_NEVER = re.compile(r"^(?:on|style$|id$|name$|src|href$|xlink|class$|hx-|data-|form|action)")


class Checker(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in HTML | MATH:
            self.problems.append(f"<{tag}>")
        if tag not in VOID:
            self.open.append(tag)
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            self.problems.append(f"<{tag}> repeats an attribute")
        for name, value in attrs:
            self._attribute(tag, name, value or "")
        if tag == "a":
            self._link(dict(attrs))

    def _attribute(self, tag: str, name: str, value: str) -> None:
        if tag in MATH:
            if _NEVER.match(name):
                self.problems.append(f"<{tag} {name}>")
            elif name == "alttext":
                return
            elif not re.fullmatch(r"[\w .+-]{1,80}", value):
                self.problems.append(f"<{tag} {name}={value!r}>")
            elif any(float(number) > 20 for number in re.findall(r"\d+\.?\d*(?=e[mx]|px|pt)", value)):
                self.problems.append(f"<{tag} {name}={value!r}> is too large")
        elif name not in ATTRIBUTES.get(tag, ()):
            self.problems.append(f"<{tag} {name}>")
        elif name == "class" and not set(value.split()) <= CLASSES:
            self.problems.append(f"<{tag} class={value!r}>")

    def _link(self, attrs: dict[str, str | None]) -> None:
        address = attrs.get("href") or ""
        # An address must name a host or a mailbox, and hold nothing that a browser strips before it reads it.
        if "href" in attrs and not re.fullmatch(r"(?i:https?://[^/\s]|mailto:[^/\s])[!-~]*", address):
            self.problems.append(f"href={address!r}")
        if attrs.get("rel") != "noopener nofollow noreferrer" or attrs.get("target") != "_blank":
            self.problems.append("a link without rel or target")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.problems.append("a comment")

    def handle_decl(self, decl: str) -> None:
        self.problems.append("a declaration")

    def handle_pi(self, data: str) -> None:
        self.problems.append("a processing instruction")


def examine(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    if checker.open:
        checker.problems.append(f"never closed: {checker.open}")
    return checker


def problems(html: str) -> list[str]:
    return examine(html).problems


def text_of(html: str) -> str:
    return "".join(examine(html).text)
