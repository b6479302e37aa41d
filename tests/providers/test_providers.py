"""What the table of providers says, and that each fact stands in it once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cachy
from cachy.interaction import Request, Response
from cachy.providers import (
    DOMS,
    PROVIDERS,
    STREAM_ENDS,
    find_operation,
    find_provider,
    find_surface,
)
from cachy.replay.clients.tee import RecordingBuffer

PACKAGE = Path(cachy.__file__).parent


def test_no_two_providers_have_a_name_or_a_host_in_common() -> None:
    names = [row.name for row in PROVIDERS]
    hosts = [host for row in PROVIDERS for host in row.hosts]
    assert sorted(set(names)) == sorted(names)
    assert sorted(set(hosts)) == sorted(hosts)


def test_a_host_below_a_provider_s_own_is_the_provider_s() -> None:
    found = find_provider("tenant.openai.azure.com")
    assert found is not None
    assert found.name == "azure-openai"
    assert find_provider("api.openai.com.evil.example") is None


@pytest.mark.parametrize(
    ("host", "template", "body", "is_final"),
    [
        ("api.openai.com", "/v1/batches/{batch_id}", {"status": "in_progress"}, False),
        ("api.openai.com", "/v1/batches/{batch_id}", {"status": "expired"}, True),
        ("api.openai.com", "/v1/responses/{response_id}", {"status": "queued"}, False),
        ("api.openai.com", "/v1/responses/{response_id}", {"status": "incomplete"}, True),
        ("api.replicate.com", "/v1/predictions/{prediction_id}", {"status": "canceled"}, True),
        ("api.replicate.com", "/v1/predictions/{prediction_id}", {}, False),
        (
            *("api.anthropic.com", "/v1/messages/batches/{batch_id}"),
            *({"processing_status": "ended"}, True),
        ),
        (
            *("generativelanguage.googleapis.com", "/v1beta/operations/{operation}"),
            *({"name": "operations/1"}, False),
        ),
        (
            *("generativelanguage.googleapis.com", "/v1beta/operations/{operation}"),
            *({"done": True}, True),
        ),
        ("api.mistral.ai", "/v1/batch/jobs/{job_id}", ["SUCCESS"], False),
    ],
)
def test_a_job_has_ended_in_its_final_states_only(
    host: str, template: str, body: object, is_final: bool
) -> None:
    surface = find_surface(host, "GET", template)
    assert surface is not None
    assert surface.polling is not None
    assert surface.polling.is_final(body) is is_final


@pytest.mark.parametrize(
    ("path", "wire", "ends"),
    [
        ("/v1/chat/completions", "openai", ("[DONE]",)),
        ("/gateway/openai/v1/chat/completions", "openai", ("[DONE]",)),
        ("/anthropic/v1/messages", "anthropic", ("message_stop", "error")),
        ("/v1beta/models/gemini-3:streamGenerateContent", "gemini", ()),
        ("/v2/chat", "cohere", ()),
    ],
)
def test_a_path_tells_the_wire_format_on_any_host(
    path: str, wire: str, ends: tuple[str, ...]
) -> None:
    found = find_operation("POST", path)
    assert found is not None
    assert (found[0].name, found[1].stream_ends) == (wire, ends)
    assert find_operation("GET", path) is None


@pytest.mark.parametrize("end", sorted(STREAM_ENDS))
def test_the_recorder_knows_every_end_of_a_stream(end: str) -> None:
    line = "data: [DONE]" if end == "[DONE]" else f"event: {end}\ndata: {{}}"
    recording: Any = SimpleNamespace(request=Request("POST", "https://api.example.com/v1/chat"))
    buffer = RecordingBuffer(recording, lambda body, is_whole: Response(200, (), body))
    buffer.add(f"data: {{}}\n\n{line}\n\n".encode())
    buffer.forget()
    assert buffer.is_complete_stream


def test_what_providers_know_stands_in_their_room_only() -> None:
    facts = {
        *(host for host in DOMS if not host.startswith(("localhost", "127."))),
        *(name for row in PROVIDERS for name in row.base_url_variables),
        *(end for end in STREAM_ENDS if "." in end),
        *("web_search_options", "previous_response_id", "vector_store_ids"),
    }
    quoted = re.compile(rf"""(?<=["'])(?:{"|".join(map(re.escape, facts))})(?=["'])""")
    wrong = [
        f"{path.relative_to(PACKAGE)}: {fact}"
        for path in sorted(PACKAGE.rglob("*.py"))
        if not {"providers", "demo"} & set(path.parts)
        for fact in quoted.findall(path.read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_the_table_of_providers_loads_no_sdk() -> None:
    code = (
        "import sys, cachy.providers\n"
        "print([name for name in sys.modules"
        " if name.partition('.')[0] in ('openai', 'anthropic', 'google', 'pydantic')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
