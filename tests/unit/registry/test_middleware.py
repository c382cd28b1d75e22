"""What every request passes."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from registry import logs
from registry.middleware import (
    RefuseNulMiddleware,
    RequestLogMiddleware,
    SecurityHeadersMiddleware,
)


def test_every_answer_carries_a_policy_without_inline_scripts(
    rf: RequestFactory,
) -> None:
    answer = SecurityHeadersMiddleware(lambda request: HttpResponse())(rf.get("/"))

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_view_may_send_a_policy_of_its_own(rf: RequestFactory) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})

    answer = SecurityHeadersMiddleware(view)(rf.get("/"))

    assert answer.headers["Content-Security-Policy"] == "default-src 'none'"


def test_every_answer_has_an_id_of_its_own(rf: RequestFactory) -> None:
    middleware = RequestLogMiddleware(lambda request: HttpResponse())

    ids = {middleware(rf.get("/")).headers["X-Request-Id"] for _ in range(3)}

    assert len(ids) == 3


def test_a_log_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    formatter: Any = logs.configuration("INFO")["formatters"]["json"]
    handler = logging.StreamHandler()
    handler.setFormatter(
        formatter["()"](
            foreign_pre_chain=formatter["foreign_pre_chain"],
            processors=formatter["processors"],
        )
    )
    record = logging.LogRecord(
        "test", logging.WARNING, __file__, 1, "two\nlines of %s", ("谱",), None
    )

    line = handler.format(record)

    assert "\n" not in line
    found = json.loads(line)
    assert (found["event"], found["level"]) == ("two\nlines of 谱", "warning")


@pytest.mark.parametrize("address", ["/models/a%00b/", "/models/?q=%00"])
def test_an_address_with_nul_is_refused(rf: RequestFactory, address: str) -> None:
    middleware = RefuseNulMiddleware(lambda request: HttpResponse())

    assert middleware(rf.get(address)).status_code == 400
    assert middleware(rf.get("/models/?q=ok")).status_code == 200
