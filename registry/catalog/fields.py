"""Strict reading of YAML mappings that know their line; nothing about models."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import yaml

Word = TypeVar("Word", bound=StrEnum)
Record = TypeVar("Record")


class CatalogError(ValueError):
    """A data file that cannot be read; the message begins with file and line."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")


class LocatedMapping(dict[str, Any]):
    """A YAML mapping that remembers the line of its first key."""

    line: int


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML whose mappings refuse duplicate keys and know their line."""


def _construct_mapping(loader: _StrictLoader, node: yaml.MappingNode) -> LocatedMapping:
    mapping = LocatedMapping()
    mapping.line = node.start_mark.line + 1
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is no text", key_node.start_mark
            )
        if key in mapping:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} occurs twice", key_node.start_mark
            )
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_StrictLoader.add_constructor(
    yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _construct_mapping
)


def read_yaml(path: Path) -> Fields:
    """Return the mapping at the top of a file.

    Raises CatalogError for broken YAML, duplicate keys or another top level.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _StrictLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CatalogError(path.name, line, str(error.problem)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogError(path.name, 1, str(error)) from error
    if not isinstance(content, LocatedMapping):
        raise CatalogError(path.name, 1, "the file must hold a mapping")
    return Fields(content, file=path.name)


class Fields:
    """The keys of one mapping, taken out one by one with their types checked."""

    def __init__(self, mapping: LocatedMapping, *, file: str) -> None:
        self._left = dict(mapping)
        self._file = file
        self._line = mapping.line

    @property
    def where(self) -> str:
        """Return the file and line, as "meta.yaml:12"."""
        return f"{self._file}:{self._line}"

    def refuse(self, message: str) -> CatalogError:
        """Return the error that names this mapping's file and line."""
        return CatalogError(self._file, self._line, message)

    def finish(self) -> None:
        """Raise CatalogError when keys are left that nobody asked for."""
        if self._left:
            names = ", ".join(sorted(self._left))
            raise self.refuse(f"unknown keys: {names}")

    def optional_text(self, key: str) -> str | None:
        """Return a text stripped of outer blanks, or None when absent or null."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(f"{key} must be text (quote it), not {value!r}")
        return value.strip()

    def text(self, key: str) -> str:
        """Return a text; raises CatalogError when it is absent."""
        value = self.optional_text(key)
        if value is None:
            raise self.refuse(f"{key} is missing")
        return value

    def whole_number(self, key: str) -> int | None:
        """Return an integer or None."""
        value = self._left.pop(key, None)
        if value is not None and type(value) is not int:
            raise self.refuse(f"{key} must be a whole number, not {value!r}")
        return value

    def flag(self, key: str) -> bool | None:
        """Return true, false or None."""
        value = self._left.pop(key, None)
        if value is not None and not isinstance(value, bool):
            raise self.refuse(f"{key} must be true, false or null, not {value!r}")
        return value

    def day(self, key: str) -> date:
        """Return a date written YYYY-MM-DD."""
        value = self._left.pop(key, None)
        if type(value) is not date:
            raise self.refuse(f"{key} must be a date YYYY-MM-DD, not {value!r}")
        return value

    def optional_word(self, key: str, words: type[Word]) -> Word | None:
        """Return a word of a vocabulary or None."""
        value = self.optional_text(key)
        if value is None:
            return None
        try:
            return words(value)
        except ValueError as error:
            known = ", ".join(words)
            raise self.refuse(f"{key}: {value!r} is none of {known}") from error

    def word(self, key: str, words: type[Word]) -> Word:
        """Return a word of a vocabulary; raises CatalogError when it is absent."""
        value = self.optional_word(key, words)
        if value is None:
            raise self.refuse(f"{key} is missing")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; a single text stands for a list of one."""
        value = self._left.pop(key, None) or []
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(i, str) for i in items):
            raise self.refuse(f"{key} must be a list of texts, not {value!r}")
        return tuple(items)

    def whole_numbers(self, key: str) -> tuple[int, ...]:
        """Return a list of integers, empty when absent."""
        value = self._left.pop(key, None) or []
        if not isinstance(value, list) or any(type(item) is not int for item in value):
            raise self.refuse(f"{key} must be a list of whole numbers, not {value!r}")
        return tuple(value)

    def record(self, key: str, read: Callable[[Fields], Record]) -> Record | None:
        """Return what `read` makes of a mapping, or None when it is absent."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, LocatedMapping):
            raise self.refuse(f"{key} must be a mapping, not {value!r}")
        return self._read(value, read)

    def records(self, key: str, read: Callable[[Fields], Record]) -> tuple[Record, ...]:
        """Return what `read` makes of each mapping of a list."""
        value = self._left.pop(key, None) or []
        if not isinstance(value, list) or not all(
            isinstance(item, LocatedMapping) for item in value
        ):
            raise self.refuse(f"{key} must be a list of mappings")
        return tuple(self._read(item, read) for item in value)

    def _read(
        self, mapping: LocatedMapping, read: Callable[[Fields], Record]
    ) -> Record:
        fields = Fields(mapping, file=self._file)
        record = read(fields)
        fields.finish()
        return record
