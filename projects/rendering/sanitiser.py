"""The allowlist: the last gate every rendered fragment passes, whatever wrote it."""

import re
from html import escape

import nh3


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


MATH_TAGS = _names(
    "math mrow mi mo mn ms mtext mspace msup msub msubsup mfrac msqrt mroot mover munder munderover"
    " mmultiscripts mprescripts mtable mtr mtd mstyle mpadded mphantom menclose"
)
_LENGTHS = _names("width height depth voffset lspace rspace minsize maxsize linethickness rowspacing columnspacing")
_KEYWORDS = _names(
    "display mathvariant stretchy fence separator form symmetric movablelimits largeop accent accentunder"
    " displaystyle scriptlevel columnalign columnlines rowlines columnspan notation"
)
MATH_ATTRIBUTES = _LENGTHS | _KEYWORDS | {"alttext"}

TAGS = MATH_TAGS | _names(
    "p br hr h3 h4 h5 h6 em strong s code pre blockquote ul ol li table thead tbody tr th td"
    " a span div details summary dl dt dd data"
)
CLASSES: dict[str, frozenset[str]] = {
    "p": frozenset({"turn-who", "quiet", "small"}),
    "div": frozenset({"turn", "prose", "source", "stack", "stack-2", "table-wrap"}),
    "span": frozenset({"quiet", "push", "c", "k", "s", "n", "f", "gi", "gd"}),
    "pre": frozenset({"code", "plain"}),
    "details": frozenset({"fold", "tool"}),
    "th": frozenset({"r", "m"}),
    "td": frozenset({"r", "m"}),
}
SCHEMES = frozenset({"http", "https", "mailto"})
REL = "noopener nofollow noreferrer"

# Hostile lengths could push a formula over the controls of the page: at most 20 units.
_LENGTH = re.compile(r"[+-]?(?:1?\d(?:\.\d{0,4})?|20|\.\d{1,4})(?:em|ex|px|pt)?")
_KEYWORD = re.compile(r"[a-z0-9+-][a-z0-9 +-]{0,79}")
_NUMBER = re.compile(r"\d{1,9}")


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Keep, change or drop (None) one attribute that the allowlist lets through."""
    if name in _LENGTHS:
        return value if value.strip() and all(map(_LENGTH.fullmatch, value.split())) else None
    if name in _KEYWORDS:
        return value if _KEYWORD.fullmatch(value) else None
    if tag == "ol" and name == "start":
        return value if _NUMBER.fullmatch(value) else None
    return value


_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    clean_content_tags={"script", "style"},
    attributes={
        "a": {"href"},
        "ol": {"start"},
        "details": {"open"},
        "data": {"value"},
        **{tag: set(MATH_ATTRIBUTES) for tag in MATH_TAGS},
    },
    attribute_filter=_attribute,
    tag_attribute_values={
        "div": {"dir": {"auto"}, "tabindex": {"0"}},
        "pre": {"dir": {"auto", "ltr"}, "tabindex": {"0"}},
        "summary": {"dir": {"auto"}},
    },
    set_tag_attribute_values={"a": {"target": "_blank"}},
    allowed_classes={tag: set(names) for tag, names in CLASSES.items()},
    url_schemes=set(SCHEMES),
    url_relative="deny",
    link_rel=REL,
    strip_comments=True,
)

# Characters that change or hide what is read: C0 and C1 controls, overrides, embeddings and isolates of the
# bidirectional algorithm, and tag characters (except after a black flag, where they spell a region's flag).
_INVISIBLE = re.compile(
    "(\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f)"
    "|[\x01-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def tidy(text: str) -> str:
    """Text as the renderers want it: line feeds only, and nothing that UTF-8 cannot hold."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
    return _SURROGATE.sub("\ufffd", text)


def neutralise(text: str) -> str:
    """Show control characters instead of obeying them: U+202E reads ‹U+202E›."""
    return _INVISIBLE.sub(lambda found: found[1] or f"‹U+{ord(found[0]):04X}›", text)


def sanitise(html: str) -> str:
    """Only what the allowlist names; applying it again changes nothing."""
    return neutralise(_CLEANER.clean(html))


def safe_text(text: str) -> str:
    """Plain text for a place in our own markup."""
    return neutralise(escape(tidy(text), quote=True))
