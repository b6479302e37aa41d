"""A fixture from before a rule: `verify --fix` takes the secret out and renames the file."""

from __future__ import annotations

import json
from pathlib import Path

from conftest import fixtures_in

from cachy.config import Config
from cachy.fixture.compose import compose
from cachy.fixture.format.render import render_fixture
from cachy.fixture.identity.fingerprint import identify, identify_settled
from cachy.fixture.store.store import Store, load_fixture
from cachy.interaction import Request, Response
from cachy.redact.response import find_secrets
from cachy.verify import verify
from cachy.verify.fix import fix

KEY = "dckr_pat_Zx81kQm3Lw7Vt0Rb5Nc2aX1yU4t"
OLDER = "sk-proj-Zx81kQm3Lw7Vt0Rb5Nc2"
URL = "https://api.example.com/v1/x"


def test_a_secret_is_taken_out_and_the_fixture_renamed(project: Path) -> None:
    config = Config(root=project, fixtures=project / "cachy_fixtures")
    body = json.dumps({"say": f"it is {OLDER}"}).encode()
    request = Request("POST", URL, (("content-type", "application/json"),), body)
    answer = json.dumps({"key_is": "KEY", "n": 1.5}, indent=2).encode()
    headers = (("content-type", "application/json"), ("retry-after", "7"), ("x-team", "red"))
    recorded = {"at": "2026-01-02T03:04:05Z"}
    document, _ = compose(request, Response(200, headers, answer), recorded, config)
    document["request"]["json"] = {"say": f"it is {OLDER}"}
    document["response"]["json"]["key_is"] = KEY
    store = Store(config.fixtures)
    before = identify(request, config)
    path = config.fixtures / f"{before.name}.json"
    store.write(path, render_fixture(document).encode())
    found = verify(config)
    assert {one.rule for one in found} >= {"secret-left"}
    fix(config, found)
    (moved,) = fixtures_in(project)
    text = moved.read_text()
    assert find_secrets(text) == []
    assert moved.stem.endswith(identify_settled(request, config).fingerprint)
    clean = load_fixture(moved).document
    assert clean["request"]["json"] == {"say": "it is [redacted:openai-key]"}
    assert clean["response"]["json"] == {"key_is": "[redacted:docker-token]", "n": 1.5}
    assert clean["response"]["headers"]["retry-after"] == "7"
    assert clean["response"]["layout"]["indent"] == 2
    assert clean["response"]["left_out"] == ["x-team"]
    assert clean["recorded"] == recorded
    assert verify(config) == []


def test_a_fixture_named_by_the_former_order_is_renamed(project: Path) -> None:
    config = Config(root=project, fixtures=project / "cachy_fixtures")
    asked = Request("GET", f"{URL}?point=B&point=A")
    document, _ = compose(asked, Response(200), {}, config)
    former = identify(asked._replace(url=f"{URL}?point=A&point=B"), config)
    Store(config.fixtures).write(
        config.fixtures / f"{former.name}.json", render_fixture(document).encode()
    )
    fix(config, verify(config))
    (moved,) = fixtures_in(project)
    assert moved.stem.endswith(identify(asked, config).fingerprint)
    assert verify(config) == []
