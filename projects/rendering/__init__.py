"""Model output, which is hostile, to safe HTML. Pure: no Django, no network, no clock.

Rendered once, at import. The page shows the stored HTML, and the raw text beside it on request.
"""

from projects.rendering.fragments import RenderedTurn, render_messages, render_output, render_prompt
from projects.rendering.markdown import render_text
from projects.rendering.structured import render_json

__all__ = ["RenderedTurn", "render_json", "render_messages", "render_output", "render_prompt", "render_text"]
