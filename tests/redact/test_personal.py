"""Personal data is taken out where the settings name its rules, and left alone elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from conftest import Scope, fixtures_in
from scripted_server import ScriptedServer, json_response

from cachy.cli import run_program
from cachy.config import load_config
from cachy.redact import redact_text
from cachy.verify import verify

NAMES = ("email", "phone", "card", "ip")
FOUND = [
    ("email", "ann.o'neil@mail.example.co.uk", "ann.o'[redacted:email]"),
    ("email", "Write to ann+list@example.com.", "Write to [redacted:email]."),
    ("email", "mailto:ann@example.com", "mailto:[redacted:email]"),
    ("email", "jürgen@müller.example", "[redacted:email]"),
    ("email", "to=ann%40example.com", "to=[redacted:email]"),
    ("email", r'{"to": "a\nann@example.com"}', r'{"to": "a\n[redacted:email]"}'),
    ("phone", "Call +49 30 901820 or (415) 555-2671", "Call [redacted:phone] or [redacted:phone]"),
    ("phone", "+14155552671", "[redacted:phone]"),
    ("phone", "415-555-2671", "[redacted:phone]"),
    ("card", "4111 1111 1111 1111", "[redacted:card]"),
    ("card", "card=5555555555554444;", "card=[redacted:card];"),
    ("card", "3782-822463-10005", "[redacted:card]"),
    ("ip", "from 203.0.113.7, then", "from [redacted:ip], then"),
    ("ip", "2001:db8::8a2e:370:7334", "[redacted:ip]"),
]
LEFT = [
    "https://user@api.example.com/v1",
    "2026-11-30T12:00:00Z and 12:30:00+00:00",
    "1763974500123",
    "4111 1111 1111 1112",
    "0000 0000 0000 0000",
    "9b2e4111-1111-4111-8111-111111111111",
    "0.4111111111111111",
    "chatcmpl-4111111111111111",
    "127.0.0.1 and ::1 and http://10.0.0.1/x",
    "Chrome/126.0.0.0 and v1.2.3.4 and 300.1.1.1",
    "tests/test_chat.py::test_reply and std::vector and a::b",
    "@someone and name@localhost",
    "user at example.com, 2 x 3 + 4",
]


@pytest.mark.parametrize(("name", "text", "clean"), FOUND)
def test_a_rule_finds_what_it_names(name: str, text: str, clean: str) -> None:
    assert redact_text(text, (name,)) == clean
    assert redact_text(clean, NAMES) == clean
    assert redact_text(text, NAMES) == clean
    assert redact_text(text) == text


@pytest.mark.parametrize("text", LEFT)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert redact_text(text, NAMES) == text


def test_a_recording_holds_none_of_it_and_replays(
    origin: ScriptedServer, project: Path, recording: Scope, replaying: Scope
) -> None:
    (project / "pyproject.toml").write_text(f"[tool.cachy]\nredact = {json.dumps([*NAMES])}\n")
    origin.on("/v1/user", json_response({"mail": "ann@example.com", "at": ["203.0.113.7"]}))
    asked = {"card": "4111 1111 1111 1111", "phone": "+14155552671"}
    with recording():
        httpx.post(f"{origin.url}/v1/user", json=asked)
    (path,) = fixtures_in(project)
    assert not any(text in path.read_text() for text in ("ann@", "203.0", "4111", "1415555"))
    with replaying():
        answer = httpx.post(f"{origin.url}/v1/user", json=asked)
    assert answer.json() == {"mail": "[redacted:email]", "at": ["[redacted:ip]"]}
    assert verify(load_config()) == []


def test_verify_finds_it_in_older_fixtures_and_fix_takes_it_out(
    origin: ScriptedServer, project: Path, recording: Scope
) -> None:
    origin.on("/v1/user", json_response({"mail": "ann@example.com"}))
    with recording():
        httpx.get(f"{origin.url}/v1/user")
    assert verify(load_config()) == []
    (project / "pyproject.toml").write_text('[tool.cachy]\nredact = ["email", "acct-[0-9]+"]\n')
    (finding,) = verify(load_config())
    assert (finding.rule, "email" in finding.detail) == ("secret-left", True)
    assert run_program(["verify", "--fix"]) == 0
    assert "ann@" not in fixtures_in(project)[0].read_text()
