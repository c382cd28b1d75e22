"""One shape for every error of the API: {"detail": …}."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to an anticipated error, or None to let it be a 500."""
    response = exception_handler(error, context)
    if response is not None and isinstance(error, ValidationError):
        response.status_code = 422
        response.data = {"detail": _sentence(response.data)}
    return response


def _sentence(data: Any) -> str:
    """Return one line from DRF's nested lists and dictionaries of messages."""
    if isinstance(data, dict):
        return " ".join(f"{name}: {_sentence(value)}" for name, value in data.items())
    if isinstance(data, list):
        return " ".join(_sentence(item) for item in data)
    return str(data)
