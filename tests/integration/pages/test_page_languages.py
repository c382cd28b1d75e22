"""Two languages as equals."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation


@pytest.mark.parametrize("accepted", ["zh-CN,zh;q=0.9,en;q=0.5", "zh-Hans"])
def test_the_home_page_sends_chinese_readers_to_chinese(
    client: Client, db: None, accepted: str
) -> None:
    response = client.get("/", headers={"accept-language": accepted})

    assert response.headers["Location"] == "/zh-hans/"
    assert "Accept-Language" in response.headers["Vary"]
    assert "Cookie" in response.headers["Vary"]


def test_the_home_page_stays_english_for_others(client: Client, db: None) -> None:
    assert client.get("/", headers={"accept-language": "de,en"}).status_code == 200


def test_a_chosen_language_outweighs_the_browsers(client: Client, db: None) -> None:
    client.post(reverse("set_language"), {"language": "en", "next": "/"})

    response = client.get("/", headers={"accept-language": "zh-CN"})

    assert response.status_code == 200


def test_other_pages_never_redirect_by_language(client: Client, db: None) -> None:
    response = client.get("/models/", headers={"accept-language": "zh-CN"})

    assert response.status_code == 200


def test_the_switch_leads_to_the_same_page(client: Client, world: Any) -> None:
    response = client.post(
        reverse("set_language"),
        {"language": "zh-hans", "next": "/models/llama/?q=1"},
    )

    assert response.headers["Location"] == "/zh-hans/models/llama/?q=1"


def test_the_switch_leads_back_as_well(client: Client, world: Any) -> None:
    with translation.override("zh-hans"):
        address = reverse("set_language")

    response = client.post(
        address, {"language": "en", "next": "/zh-hans/models/llama/"}
    )

    assert response.headers["Location"] == "/models/llama/"


def test_a_verdict_reads_in_chinese(client: Client, world: Any) -> None:
    address = world.model.head.verifications.get().get_absolute_url()

    page = client.get("/zh-hans" + address).content.decode()

    assert "与声明一致" in page
    assert "假如这两个模型各自独立训练" in page
    assert "在 4 层中抽取的 256 个前馈单元里，有 240 个" in page
    assert "蒸馏不会留下" in page


def test_chinese_readers_see_the_chinese_name_first(client: Client, world: Any) -> None:
    assert "羊驼" in client.get("/zh-hans/lineage/").content.decode()
