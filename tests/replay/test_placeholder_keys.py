"""The keys that stand in for those that are not set: set, taken back, and never sent."""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest
from conftest import Scope, refused
from scripted_server import ScriptedServer

import cachy
from cachy.replay import placeholder_keys


def test_placeholder_keys_are_set_and_taken_back_and_never_sent(
    origin: ScriptedServer, recording: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "mine")
    with recording():
        key = os.environ["OPENAI_API_KEY"]
        assert os.environ["ANTHROPIC_API_KEY"] == "mine"
        with refused("and OPENAI_API_KEY isn't set(.|\n)*: set OPENAI_API_KEY, then pytest "):
            httpx.get(f"{origin.url}/json", headers={"authorization": f"Bearer {key}"})
    assert "OPENAI_API_KEY" not in os.environ
    assert os.environ["ANTHROPIC_API_KEY"] == "mine"
    assert origin.requests == []


@pytest.mark.parametrize(
    ("mode", "source", "maker", "is_set"),
    [
        ("record", None, "QEMU", True),
        ("record", "AWS_PROFILE", "QEMU", False),
        ("record", None, "Amazon EC2", False),  # it may have a role, which only the network tells
        ("replay", None, "Amazon EC2", True),
        ("replay", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "QEMU", False),
    ],
)
def test_an_aws_placeholder_hides_no_source_of_credentials(
    mode: str,
    source: str | None,
    maker: str,
    is_set: bool,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    if source:
        monkeypatch.setenv(source, "x")
    (tmp_path / "sys_vendor").write_text(f"{maker}\n", encoding="utf-8")
    monkeypatch.setattr(placeholder_keys, "_MAKER", tmp_path / "sys_vendor")
    with cachy.cachy(mode=mode):
        assert ("AWS_ACCESS_KEY_ID" in os.environ) is is_set
    assert "AWS_ACCESS_KEY_ID" not in os.environ


@pytest.mark.parametrize(
    ("text", "is_set"),
    [
        ("[default]\nregion = eu-west-1\n", True),
        ("[default]\nregion = eu-west-1\n[profile a]\nrole_arn = arn:aws:iam::1:role/r\n", False),
        ("[default]\nsso_session = work\n", False),
        ("[default]\ncredential_process=get-keys\n", False),
    ],
)
def test_a_file_of_aws_that_names_only_a_region_is_no_longer_a_source(
    text: str, is_set: bool, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    (tmp_path / "config").write_text(text, encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with cachy.cachy(mode="replay"):
        assert ("AWS_ACCESS_KEY_ID" in os.environ) is is_set
