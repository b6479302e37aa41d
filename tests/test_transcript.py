"""`cachy show`: what a person reads of each provider's answers, as the providers document them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cachy.config import Config
from cachy.fixture.document import compose
from cachy.fixture.format.text import parse_fixture, render_fixture
from cachy.fixture.transcript.transcript import render_transcript
from cachy.interaction import Request, Response

JSON_TYPE = (("content-type", "application/json"),)
ASKED = {"model": "m-1", "messages": [{"role": "user", "content": "Is it raining?"}]}


def shown(asked: Any, answer: bytes, kind: str) -> tuple[str, str]:
    """Give what stands above and below the line between question and answer."""
    request = Request("POST", "https://api.example.com/v1", JSON_TYPE, json.dumps(asked).encode())
    document, _ = compose(request, Response(200, (("content-type", kind),), answer), {}, Config())
    text = render_transcript(parse_fixture(render_fixture(document)))
    above, _, below = text.partition("\n\n--- ")
    return above, below


def plain(answer: Any, asked: Any = ASKED) -> str:
    return shown(asked, json.dumps(answer).encode(), "application/json")[1]


def streamed(*events: Any) -> str:
    lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
    raw = "".join(f"data: {line}\n\n" for line in lines).encode()
    return shown(ASKED, raw, "text/event-stream")[1]


CALL = {"name": "weather", "arguments": '{"city": "Paris"}'}
CHAT = {
    "choices": [
        {
            "message": {
                "role": "assistant",
                "content": "Let me see.",
                "tool_calls": [{"id": "c1", "type": "function", "function": CALL}],
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3},
}
RESPONSES = {
    "object": "response",
    "status": "completed",
    "output": [
        {"type": "message", "content": [{"type": "output_text", "text": "Let me see."}]},
        {"type": "function_call", **CALL},
    ],
    "usage": {"input_tokens": 7, "output_tokens": 3},
}
MESSAGES = {
    "content": [
        {"type": "text", "text": "Let me see."},
        {"type": "tool_use", "id": "t1", "name": "weather", "input": {"city": "Paris"}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 7, "output_tokens": 3},
}
GEMINI_CALL = {"functionCall": {"name": "weather", "args": {"city": "Paris"}}}
GEMINI = {
    "candidates": [
        {"content": {"parts": [{"text": "Let me see."}, GEMINI_CALL]}, "finishReason": "STOP"}
    ],
    "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3},
}
SAID = 'Let me see.\n-> weather({"city": "Paris"})'


@pytest.mark.parametrize(
    ("answer", "finish"),
    [(CHAT, "tool_calls"), (RESPONSES, "completed"), (MESSAGES, "tool_use"), (GEMINI, "STOP")],
)
def test_an_answer_says_who_said_what_and_what_it_cost(answer: Any, finish: str) -> None:
    assert plain(answer) == f"200 · {finish} · 7 tokens in · 3 tokens out\n\n[assistant]\n{SAID}"


def chat_delta(finish: str | None = None, **delta: Any) -> Any:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def chat_call(**function: str) -> Any:
    return chat_delta(tool_calls=[{"index": 0, "function": function}])


CHAT_STREAM = [
    chat_delta(role="assistant", content="Let me"),
    chat_delta(content=" see."),
    chat_call(name="weather", arguments=""),
    chat_call(arguments='{"city":'),
    chat_call(arguments=' "Paris"}'),
    chat_delta("tool_calls"),
    {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}},
    "[DONE]",
]
RESPONSES_STREAM = [
    {"type": "response.created", "response": {"status": "in_progress"}},
    {"type": "response.output_text.delta", "output_index": 0, "delta": "Let me"},
    {"type": "response.output_text.delta", "output_index": 0, "delta": " see."},
    {
        "type": "response.output_item.added",
        "output_index": 1,
        "item": {"type": "function_call", "name": "weather", "arguments": ""},
    },
    {
        "type": "response.function_call_arguments.delta",
        "output_index": 1,
        "delta": '{"city": "Paris"}',
    },
    {"type": "response.completed", "response": RESPONSES},
]
MESSAGES_STREAM = [
    {"type": "message_start", "message": {"usage": {"input_tokens": 7, "output_tokens": 1}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Let me"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " see."}},
    {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": "t1", "name": "weather", "input": {}},
    },
    {"type": "content_block_delta", "index": 1, "delta": {"partial_json": '{"city": '}},
    {"type": "content_block_delta", "index": 1, "delta": {"partial_json": '"Paris"}'}},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use"},
        "usage": {"output_tokens": 3},
    },
    {"type": "message_stop"},
]
GEMINI_STREAM = [
    {"candidates": [{"content": {"parts": [{"text": "Let me"}], "role": "model"}}]},
    {"candidates": [{"content": {"parts": [{"text": " see."}, GEMINI_CALL]}}]},
    {
        "candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 3},
    },
]


@pytest.mark.parametrize(
    ("events", "finish"),
    [
        (CHAT_STREAM, "tool_calls"),
        (RESPONSES_STREAM, "completed"),
        (MESSAGES_STREAM, "tool_use"),
        (GEMINI_STREAM, "STOP"),
    ],
)
def test_a_stream_is_put_together(events: list[Any], finish: str) -> None:
    assert streamed(*events) == (
        f"200 · {finish} · 7 tokens in · 3 tokens out\n\n[assistant, {len(events)} events]\n{SAID}"
    )


def test_two_calls_at_once_are_kept_apart() -> None:
    def call(index: int, **function: str) -> Any:
        return chat_delta(tool_calls=[{"index": index, "function": function}])

    events = [call(0, name="a"), call(1, name="b"), call(1, arguments="2"), call(0, arguments="1")]
    assert streamed(*events).endswith("\n-> a(1)\n-> b(2)")


def test_ollama_streams_a_line_at_a_time() -> None:
    lines = [
        {"message": {"role": "assistant", "content": "Ray"}, "done": False},
        {"message": {"content": "leigh"}, "done": True, "done_reason": "stop", "eval_count": 2},
    ]
    raw = "".join(json.dumps(line) + "\n" for line in lines).encode()
    assert shown(ASKED, raw, "application/x-ndjson")[1] == (
        "200 · stop · 2 tokens out\n\n[assistant, 2 events]\nRayleigh"
    )


def test_a_question_names_its_tools_and_tells_system_from_user() -> None:
    schema = {"type": "object", "properties": {str(at): {"type": "string"} for at in range(50)}}
    asked = {
        "model": "m-1",
        "system": [{"type": "text", "text": "Be kind."}],
        "tools": [{"name": "weather", "input_schema": schema}, {"type": "web_search"}],
        "messages": [
            {"role": "user", "content": "Is it raining?"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "name": "weather", "input": {}}],
            },
            {"role": "user", "content": [{"type": "tool_result", "content": "Yes."}]},
        ],
    }
    assert shown(asked, b"{}", "application/json")[0] == (
        "POST https://api.example.com/v1\n\nmodel: m-1\ntools: weather, web_search\n\n"
        "[system]\nBe kind.\n\n[user]\nIs it raining?\n\n[assistant]\n-> weather({})\n\n"
        "[user]\nYes."
    )


def test_an_embedding_is_told_by_its_length() -> None:
    answer = {"data": [{"index": 0, "embedding": [0.1] * 1536}], "usage": {"prompt_tokens": 2}}
    assert plain(answer, {"model": "e", "input": ["Hi"]}) == (
        '200 · 2 tokens in\n\n{\n  "data": [\n'
        '    {"index": 0, "embedding": "(1536 numbers)"}\n  ],\n'
        '  "usage": {"prompt_tokens": 2}\n}'
    )


GEMINI_THOUGHT = {"text": "Hm.", "thought": True}
THOUGHTS = [
    {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Yes."}]},
    {"choices": [{"message": {"reasoning_content": "Hm.", "content": "Yes."}}]},
    {"candidates": [{"content": {"parts": [GEMINI_THOUGHT, {"text": "Yes."}]}}]},
    {
        "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
            {"type": "message", "content": [{"type": "output_text", "text": "Yes."}]},
        ]
    },
]
THOUGHT_STREAMS = [
    [
        {"type": "content_block_delta", "index": 0, "delta": {"thinking": "Hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"thinking": "."}},
        {"type": "content_block_delta", "index": 1, "delta": {"text": "Yes."}},
    ],
    [chat_delta(reasoning_content="Hm."), chat_delta(content="Yes"), chat_delta(content=".")],
    [
        {"candidates": [{"content": {"parts": [GEMINI_THOUGHT]}}]},
        {"candidates": [{"content": {"parts": [{"text": "Yes"}]}}]},
        {"candidates": [{"content": {"parts": [{"text": "."}]}}]},
    ],
    [
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "Hm."},
        {"type": "response.output_text.delta", "output_index": 1, "delta": "Yes"},
        {"type": "response.output_text.delta", "output_index": 1, "delta": "."},
    ],
]


@pytest.mark.parametrize(("answer", "events"), list(zip(THOUGHTS, THOUGHT_STREAMS, strict=True)))
def test_what_a_model_thinks_is_told_from_what_it_says(answer: Any, events: list[Any]) -> None:
    said = "(thinking) Hm.\n\nYes."
    assert plain(answer) == f"200\n\n[assistant]\n{said}"
    assert streamed(*events) == f"200\n\n[assistant, 3 events]\n{said}"


def test_two_answers_in_one_stream_are_kept_apart() -> None:
    events = [
        {"choices": [{"index": index, "delta": {"content": text}}]}
        for index, text in ((0, "Y"), (1, "N"), (0, "es."), (1, "o."))
    ]
    assert streamed(*events).endswith("\nYes.\nNo.")


def test_a_form_is_shown_a_field_a_line() -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nw-1\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.mp3"\r\n'
        b"Content-Type: audio/mpeg\r\n\r\nID3\x04\x00\r\n--b--\r\n"
    )
    kind = (("content-type", "multipart/form-data; boundary=b"),)
    answer = Response(200, JSON_TYPE, b'{"text": "One.\\nTwo.\\n\\nThree, which is last."}')
    document, _ = compose(
        Request("POST", "https://api.example.com/v1", kind, body), answer, {}, Config()
    )
    above, _, below = render_transcript(document).partition("\n\n--- ")
    assert re.sub("[0-9a-f]{16}", "…", above).endswith(
        "\nmodel: w-1\nfile: a.mp3, audio/mpeg, (5 bytes: blobs/….mp3)"
    )
    assert below == (
        '200\n\n{\n  "text": {"$lines": ["One.", "Two.", "", "Three, which is last."]}\n}'
    )


def test_audio_is_told_by_its_size_and_file() -> None:
    _, below = shown({"input": "Hi"}, b"ID3\x04\x00", "audio/mpeg")
    assert below.startswith("200\n\n(5 bytes: blobs/")
    assert below.endswith(".mp3)")


@pytest.mark.parametrize(
    ("answer", "below"),
    [
        ({"answer": 1}, '200\n\n{\n  "answer": 1\n}'),
        ([], "200\n\n[]"),
        ({"choices": [5, {"message": 5}]}, "200\n\n[assistant]\n5\n5"),
        ({"usage": 5, "output": {"tool_calls": 5}}, '200\n\n[assistant]\n{"tool_calls": 5}'),
    ],
)
def test_an_unknown_api_is_shown_plain(answer: Any, below: str) -> None:
    assert plain(answer) == below


def test_unknown_events_are_listed() -> None:
    assert (
        streamed({"step": 1}, "two", [3]) == '200\n\n[assistant, 3 events]\n{"step": 1}\ntwo\n[3]'
    )
