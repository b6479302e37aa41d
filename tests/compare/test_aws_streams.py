"""AWS event streams are compared, held to a contract and checked as other streams are."""

from __future__ import annotations

from typing import Any

import pytest
from aws_messages import CONVERSE, EVENT_STREAM, chunk, event

from cachy.config import Config
from cachy.drift import compare
from cachy.drift.live.inconclusive import Unchecked, find_failure, find_obstacle
from cachy.errors import NotComparable
from cachy.fixture.compose import compose
from cachy.fixture.format.body import parse_response_body
from cachy.fixture.transcript.transcript import render_transcript
from cachy.interaction import Headers, Request, Response
from cachy.structure.contract import contract_of
from cachy.structure.contract_file import contract_path, surface_of
from cachy.structure.json_schema import ContractValidator
from cachy.structure.learn import learn
from cachy.verify.document_checks import find_in_response

HOST = "https://bedrock-runtime.us-east-1.amazonaws.com"
URL = f"{HOST}/model/amazon.nova-lite-v1%3A0/converse-stream"
THROTTLED = event("throttlingException", {"message": "Too many"}, "exception")


def response(*messages: bytes, truncated: bool = False) -> Response:
    return Response(200, EVENT_STREAM, b"".join(messages), truncated=truncated)


def recorded(*messages: bytes, truncated: bool = False) -> dict[str, Any]:
    asked = Request("POST", URL, (), b'{"messages":[]}')
    return compose(asked, response(*messages, truncated=truncated), {}, Config())[0]


def test_changes_are_named_by_the_kind_of_event() -> None:
    stop = event("messageStop", {"additionalModelResponseFields": {"n": 1}})
    changes = compare(recorded(*CONVERSE), recorded(*CONVERSE[:4], stop, CONVERSE[5]))
    assert {(change.rule, change.path) for change in changes} >= {
        ("field-removed", "event(messageStop).stopReason")
    }


def test_a_new_event_and_one_that_is_gone_are_named() -> None:
    news = event("citationStart", {"index": 0})
    added = compare(recorded(*CONVERSE), recorded(CONVERSE[0], news, *CONVERSE[1:]))
    assert [(one.rule, one.path) for one in added] == [("event-added", "event(citationStart)")]


def test_what_invoke_model_wraps_is_named_by_its_own_type() -> None:
    first, last = {"type": "message_start", "id": "a"}, {"type": "message_stop", "n": 1}
    structure = learn([recorded(chunk(first), chunk(last))])
    assert set(structure.roots) == {"event(message_start)", "event(message_stop)"}
    assert structure.endings == {"message_stop": 1}


def test_a_contract_of_such_a_stream_is_one_of_streams_and_holds() -> None:
    whole = recorded(*CONVERSE)
    assert contract_path(whole, Config()).name == "_contract.POST.stream.json"
    assert surface_of(whole, Config()).endswith("/model/{model}/converse-stream (stream)")
    validator = ContractValidator(contract_of(learn([whole, whole, whole]), "s"))
    assert [*validator.find_breaches(whole["response"])] == []
    broken = recorded(*CONVERSE[:4], event("messageStop", {"stopReason": 5}), CONVERSE[5])
    breaches = [*validator.find_breaches(broken["response"])]
    assert any("event(messageStop).stopReason" in breach for breach in breaches)
    [*missing] = validator.find_breaches(recorded(*CONVERSE[:5])["response"])
    assert any("event(metadata)" in breach for breach in missing)


def test_an_exception_in_the_stream_is_not_drift() -> None:
    with pytest.raises(NotComparable, match="is an error under a status of success"):
        compare(recorded(*CONVERSE), recorded(*CONVERSE[:2], THROTTLED))
    live = response(*CONVERSE[:2], THROTTLED)
    body = parse_response_body(EVENT_STREAM[0][1], live.body)
    assert find_failure(body) == {"code": "throttlingException", "message": {"message": "Too many"}}
    obstacle = find_obstacle(live, body, recorded(*CONVERSE)["response"])
    assert isinstance(obstacle, Unchecked)
    assert (obstacle.reason, "throttlingException" in obstacle.detail) == ("quota", True)


def test_a_stream_that_cannot_be_parsed_says_nothing_of_drift() -> None:
    live = response(CONVERSE[0][:-1])
    body = parse_response_body(EVENT_STREAM[0][1], live.body)
    obstacle = find_obstacle(live, body, recorded(*CONVERSE)["response"])
    assert isinstance(obstacle, Unchecked)
    assert obstacle.reason == "provider"


def test_verify_names_a_stream_that_was_cut() -> None:
    assert [*find_in_response(recorded(*CONVERSE))] == []
    cut = recorded(*CONVERSE[:2], CONVERSE[2][:9], truncated=True)
    assert [rule for rule, _ in find_in_response(cut)] == ["truncated"]


def called(headers: Headers, body: bytes) -> dict[str, Any]:
    asked = Request("POST", "https://dynamodb.eu-west-1.amazonaws.com/", headers, body)
    return compose(asked, Response(200, (), b"{}"), {}, Config())[0]


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (called((("X-Amz-Target", "DynamoDB_20120810.GetItem"),), b"{}"), "get-item"),
        (
            called((("content-type", "application/x-www-form-urlencoded"),), b"Action=ListUsers"),
            "list-users",
        ),
    ],
)
def test_each_operation_at_one_url_has_a_contract_of_its_own(
    document: dict[str, Any], name: str
) -> None:
    assert contract_path(document, Config()).name == f"_contract.POST.{name}.json"
    surface = surface_of(document, Config())
    assert surface == f"POST dynamodb.eu-west-1.amazonaws.com/ {name}"
    first, _, _ = render_transcript(document).partition("\n")
    assert first == f"POST https://dynamodb.eu-west-1.amazonaws.com/ {name}"
