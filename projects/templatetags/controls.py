"""Form controls in the look of the product: `{{ field|control }}`, or the whole row by `_field.html`."""

from __future__ import annotations

from django import forms, template
from django.forms import BoundField
from django.utils.safestring import SafeString

register = template.Library()


def css_class(widget: forms.Widget) -> str:
    if isinstance(widget, forms.Select):
        return "select"
    if isinstance(widget, forms.Textarea):
        return "textarea"
    if isinstance(widget, forms.CheckboxInput | forms.RadioSelect | forms.CheckboxSelectMultiple):
        return ""
    return "input"


@register.filter
def control(field: BoundField) -> SafeString:
    """The widget with its class. Django itself adds aria-describedby and aria-invalid."""
    name = css_class(field.field.widget)
    # A placeholder is no label: it goes when you type.
    field.field.widget.attrs.pop("placeholder", None)
    return field.as_widget(attrs={"class": name} if name else None)


@register.filter
def is_checkbox(field: BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)
