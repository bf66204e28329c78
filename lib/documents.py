"""Converts between MongoDB documents and frozen dataclasses: the only importer of msgspec.

Reading checks the types of fields, so a malformed document fails at once, in one place, with the field's name. Fields
that the dataclass does not have are ignored: another version of Plog may have written them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

Document = dict[str, Any]
Malformed = msgspec.ValidationError
Thing = TypeVar("Thing")


class Shape(Generic[Thing]):
    """How a dataclass is stored: each field under its own name, except those in `stored_as` ({field: stored name})."""

    def __init__(self, thing: type[Thing], stored_as: Mapping[str, str]) -> None:
        self._thing = thing
        self._stored_as = tuple(stored_as.items())

    def read(self, document: Mapping[str, Any]) -> Thing:
        """Returns the thing that a document describes, with defaults for missing fields.

        Raises `Malformed`.
        """
        values = dict(document)
        for field, stored in self._stored_as:
            if stored in values:
                values[field] = values.pop(stored)
        return msgspec.convert(values, self._thing)

    def written(self, thing: Thing) -> Document:
        """Returns the document that describes a thing.

        A field that the document it was read from lacked is left out, as long as it has its default.
        """
        document: Document = msgspec.to_builtins(thing, builtin_types=(datetime,))
        for field, stored in self._stored_as:
            document[stored] = document.pop(field)
        return document
