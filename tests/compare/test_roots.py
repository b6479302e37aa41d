"""Nothing excuses the body itself: a response that is another body is breaking."""

from __future__ import annotations

from typing import Any

import pytest
from documents import CHAT, CHAT_URL, DATA_URL, MESSAGE, MESSAGES_URL, body

from cachy.drift import Change, compare


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


LOCAL_URL = "http://127.0.0.1:11434/api/chat"
LOCAL = {"model": "m", "message": {"role": "assistant", "content": "Hi"}, "done": True, "count": 3}
JOB = {"id": "p1", "status": "succeeded", "output": ["a"], "logs": "", "urls": {"get": "x"}}
THING = {"id": "t-1", "name": "a", "size": 3, "owner": {"id": 1, "login": "x"}}


def found(old: Any, new: Any, url: str) -> list[Change]:
    return compare(body(old, url), body(new, url), sdk=False)


@pytest.mark.parametrize(
    ("old", "new", "url"),
    [
        *[
            (recorded, live, url)
            for recorded, url in ((CHAT, CHAT_URL), (MESSAGE, MESSAGES_URL), (THING, DATA_URL))
            for live in (
                *({}, None, [], "ok", 1, True, [recorded], {"ok": True}, {"data": recorded}),
                *({"result": [recorded]}, {"id": "x"}, {"message": "Internal error"}),
            )
        ],
        (CHAT, without(CHAT, "object", "choices"), CHAT_URL),
        (CHAT, {**without(CHAT, "object"), "choices": "none"}, CHAT_URL),
        (CHAT, {**CHAT, "choices": "none"}, CHAT_URL),
        (CHAT, {"object": "error", "code": 1}, CHAT_URL),
        (CHAT, {**without(CHAT, "choices"), "object": "chat.completion.v2"}, CHAT_URL),
        (MESSAGE, without(MESSAGE, "type"), MESSAGES_URL),
        (MESSAGE, without(MESSAGE, "type", "content"), MESSAGES_URL),
        *[(JOB, live, DATA_URL) for live in ({}, {"ok": True}, {"result": JOB, "status": "ok"})],
        *[(LOCAL, live, LOCAL_URL) for live in ({}, {"data": LOCAL}, {"detail": "Not found"})],
        ([{"id": 1, "name": "a"}], {"items": [{"id": 1, "name": "a"}]}, DATA_URL),
        ([{"id": 1, "name": "a"}], None, DATA_URL),
    ],
)
def test_a_body_that_is_another_one_is_breaking(old: Any, new: Any, url: str) -> None:
    assert "breaking" in {change.severity for change in found(old, new, url)}


def test_a_body_that_is_wrapped_loses_each_of_its_fields() -> None:
    changes = found(CHAT, {"data": CHAT}, CHAT_URL)
    assert {(change.rule, change.path) for change in changes} == {
        ("field-added", "$.data"),
        *(("field-removed", f"$.{name}") for name in CHAT),
    }


def test_a_root_that_only_loses_its_tag_is_one_change() -> None:
    (change,) = found(MESSAGE, without(MESSAGE, "type"), MESSAGES_URL)
    assert (change.severity, change.rule, change.path) == ("breaking", "field-removed", "$.type")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"results": [], "next": None, "total": 0},
            {"results": [{"id": 1}], "next": "x", "total": 1},
        ),
        ([], [{"id": 1}]),
        ([{"id": 1}], []),
        ({}, {}),
        ({"2026-11-29": 1.5}, {"2026-11-30": 1.4, "2026-12-01": 1.3}),
    ],
)
def test_an_empty_list_or_another_page_is_the_same_body(old: Any, new: Any) -> None:
    assert found(old, new, DATA_URL) == []
