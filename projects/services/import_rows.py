"""Rows to be written, without models: an import makes hundreds of thousands, and a model takes far more room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from projects.models import Item, ItemRevision, OutputRevision


def _row_of(model: type[models.Model]) -> type[Any]:
    """A class with the model's columns and their defaults, and nothing else."""
    fields: list[Any] = list(model._meta.local_concrete_fields)
    makers = [(field.attname, field.get_default) for field in fields]

    def __init__(self: Any, **given: Any) -> None:
        for name, default in makers:
            setattr(self, name, given.pop(name) if name in given else default())
        if given:
            raise TypeError(f"{model.__name__} has no column {', '.join(given)}.")

    def pk(self: Any) -> Any:
        return self.id

    def set_pk(self: Any, key: Any) -> None:
        self.id = key

    slots = tuple(field.attname for field in fields)
    made = {"__slots__": slots, "__init__": __init__, "pk": property(pk, set_pk), "_meta": model._meta}
    return type(f"New{model.__name__}", (), made)


if TYPE_CHECKING:
    NewItem, NewItemRevision, NewOutputRevision = Item, ItemRevision, OutputRevision
else:
    NewItem, NewItemRevision, NewOutputRevision = _row_of(Item), _row_of(ItemRevision), _row_of(OutputRevision)
