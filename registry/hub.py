"""Reading from a hub; the only room that knows huggingface_hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

# What an import looks at; asking for no more keeps the answers small.
_FIELDS: Final = ("createdAt", "downloads", "likes", "tags")


class HubUnreadable(Exception):
    """A hub that does not answer as one; the text says why in one line."""


def write_dump(endpoint: str, path: Path, *, tell: Callable[[int], None]) -> None:
    """Write every model that a hub lists to a file, one JSON object per line.

    `tell` is called with the number of models after each. The file is there only when
    the list came to its end; raises HubUnreadable when it did not.
    """
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        for n_models, row in enumerate(_rows(endpoint), start=1):
            file.write(json.dumps(row) + "\n")
            tell(n_models)
    part.replace(path)


def _rows(endpoint: str) -> Iterator[dict[str, Any]]:
    # Imported here: it takes half a second, which only this command should pay.
    from huggingface_hub import HfApi

    try:
        for model in HfApi(endpoint=endpoint).list_models(expand=list(_FIELDS)):
            created = model.created_at
            yield {
                "id": model.id,
                "createdAt": created.isoformat() if created else None,
                "downloads": model.downloads,
                "likes": model.likes,
                "tags": model.tags,
            }
    # Whatever goes wrong: which library carries its requests, and so what that raises,
    # changes from one release of the client to the next.
    except Exception as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise HubUnreadable(f"{endpoint}: {why}") from error
