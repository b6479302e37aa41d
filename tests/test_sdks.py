"""Every SDK of the README's table, with its current package: record, replay, miss."""

from __future__ import annotations

from pathlib import Path

import pytest
from foreign import (
    Command,
    aimock,
    free_port,
    llmock,
    make_environment,
    run_program,
    running,
)

__all__ = ["aimock", "llmock"]  # pytest fixtures
PROGRAM = Path(__file__).parent / "sdks" / "program.py"
ROOT = Path(__file__).parent.parent
KEY = "test-key-that-nobody-has"
KEYS = {
    name: KEY
    for name in (
        "OPENAI_API_KEY",
        "AZURE_OPENAI_API_KEY",
        "ANTHROPIC_API_KEY",
        "GOOGLE_API_KEY",
        "GROQ_API_KEY",
        "TOGETHER_API_KEY",
        "CO_API_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    )
}
# Two environments, as some pin what the others need newer.
CURRENT = [
    "openai",
    "anthropic[bedrock]",
    "google-genai",
    "mistralai",
    "groq",
    "together",
    "cohere",
    "ollama",
    "huggingface_hub",
    "langchain-openai",
    "langchain-anthropic",
    "pydantic-ai-slim[openai,anthropic]",
    "aiohttp",
    "requests",
]
PINNED = ["litellm", "instructor", "llm"]
# SDK, its environment, the path below llmock where aimock doesn't serve it
SDKS = [
    ("openai", "current", None),
    ("azure", "current", None),
    ("anthropic", "current", None),
    ("bedrock", "current", None),
    ("google-genai", "current", None),
    ("mistralai", "current", "/mistral"),
    ("groq", "current", "/groq"),
    ("together", "current", "/together"),
    ("cohere", "current", None),
    ("ollama", "current", None),
    ("huggingface_hub", "current", None),
    ("langchain", "current", None),
    ("pydantic-ai", "current", None),
    ("requests", "current", None),
    ("litellm", "pinned", None),
    ("instructor", "pinned", None),
    ("llm", "pinned", None),
]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Install the SDKs and cachy, in two environments."""
    folder = tmp_path_factory.mktemp("sdks")
    packages = {"current": CURRENT, "pinned": PINNED}
    return {
        name: make_environment(folder / name, str(ROOT), *wanted)
        for name, wanted in packages.items()
    }


@pytest.mark.parametrize(("sdk", "environment", "path"), SDKS, ids=[row[0] for row in SDKS])
def test_an_sdk_gives_the_same_objects_with_its_provider_gone(
    sdk: str,
    environment: str,
    path: str | None,
    environments: dict[str, Path],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    provider: Command = request.getfixturevalue("llmock" if path else "aimock")
    port = free_port()
    program = [str(environments[environment]), str(PROGRAM), sdk]
    program.append(f"http://127.0.0.1:{port}{path or ''}")
    with running(provider(port), port):
        recorded = run_program(program, tmp_path, **KEYS)
    assert not [name for name, answer in recorded.items() if str(answer).startswith("failed")]
    replayed = run_program(program, tmp_path, CI="true", NO_SOCKETS="1")
    assert replayed == recorded
    assert not any(KEY in file.read_text() for file in tmp_path.rglob("*.json"))


@pytest.mark.parametrize(("sdk", "environment", "path"), SDKS, ids=[row[0] for row in SDKS])
def test_a_miss_comes_through_an_sdk_in_our_words_after_one_attempt(
    sdk: str, environment: str, path: str | None, environments: dict[str, Path], tmp_path: Path
) -> None:
    program = [str(environments[environment]), str(PROGRAM), sdk, f"http://127.0.0.1:9{path or ''}"]
    refused = run_program(program, tmp_path, CI="true", MISSES="1")
    for name, (message, attempts) in refused.items():
        assert message.startswith("No fixture answers "), name
        assert attempts == 1 or name == "gather", name
