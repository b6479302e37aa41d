"""The SDKs of docs/sdks.md: where each is installed, and how it can be called."""

from __future__ import annotations

from dataclasses import dataclass

from places import ROOT

# One environment holds them all, but for those that others' pins don't let stand beside them.
ENVIRONMENTS = {
    "current": (f"{ROOT}[sdks]",),
    # instructor wants jiter below 0.15, and so holds openai at 3.3.
    "instructor": (str(ROOT), "instructor"),
    # The newest that these three still work with: claudette gives `temperature`, which anthropic 1
    # no longer takes; cosette makes a usage that openai 2.45 finds incomplete; cosette and lisette
    # import toolslm.funccall, gone with 0.3.47.
    # aiobotocore holds botocore at the release that it was made for.
    "aiobotocore": (str(ROOT), "aiobotocore", "pydantic"),
    "answerai": (
        *(str(ROOT), "claudette", "cosette", "lisette"),
        *("anthropic<1", "openai<2.45", "toolslm<0.3.47"),
    ),
}
RETRIED = ("429 x2", "reset", "timeout")
FOUR = ("plain", "streamed", "async", "async streamed")
"""The ways that have a column of their own in docs/sdks.md."""


@dataclass(frozen=True)
class Row:
    """One SDK.

    Attributes:
        name: as in docs/sdks.md.
        module: of `calls`; its calls are made from there.
        packages: whose versions are reported.
        ways: of calling it, with commas between.
        key: the variable that it needs to go live; empty if it needs none.
        environment: one of ENVIRONMENTS.
        retries: the faults after which its own retries get the recording; None: unmeasured.
        path: where llmock serves it; None where aimock does.
    """

    name: str
    module: str
    packages: tuple[str, ...]
    ways: str
    key: str = ""
    environment: str = "current"
    path: str | None = None
    retries: tuple[str, ...] | None = None

    @property
    def provider(self) -> str:
        return "aimock" if self.path is None else "llmock"

    @property
    def phases(self) -> tuple[str, ...]:
        return ("replay", "faults", "keyless", "miss", *(("unsent",) if self.key else ()))


_ALL = "plain, streamed, async, async streamed"
_PARALLEL = "early close, gather, threads"
_FILES = "upload, binary, embeddings, polling"
_RAW = "raw response, streaming response"
OPENAI, ANTHROPIC = "OPENAI_API_KEY", "ANTHROPIC_API_KEY"
ROWS = (
    Row(
        "openai",
        "openai",
        ("openai", "httpx2"),
        f"{_ALL}, tools, structured, {_RAW}, {_FILES}, errors, retry, {_PARALLEL}",
        OPENAI,
        retries=RETRIED,
    ),
    Row(
        "openai (Azure)",
        "azure",
        ("openai",),
        f"{_ALL}, tools, structured, {_RAW}, {_FILES}, errors, retry, {_PARALLEL}",
        "AZURE_OPENAI_API_KEY",
        retries=RETRIED,
    ),
    Row(
        "anthropic",
        "anthropic",
        ("anthropic",),
        f"{_ALL}, tools, structured, {_RAW}, upload, binary, polling, errors, retry, {_PARALLEL}",
        ANTHROPIC,
        retries=RETRIED,
    ),
    Row(
        "anthropic (Bedrock)",
        "bedrock",
        ("anthropic", "botocore"),
        f"{_ALL}, tools, structured, {_RAW}, errors, retry, {_PARALLEL}",
        "AWS_ACCESS_KEY_ID",
        retries=RETRIED,
    ),
    Row(
        "google-genai",
        "google_genai",
        ("google-genai", "aiohttp"),
        f"{_ALL}, tools, structured, {_FILES}, errors, retry, {_PARALLEL}",
        "GOOGLE_API_KEY",
        retries=(),
    ),
    Row(
        "mistralai",
        "mistralai",
        ("mistralai",),
        f"{_ALL}, tools, structured, {_FILES}, errors, retry, {_PARALLEL}",
        path="/mistral",
        retries=(),
    ),
    Row(
        "groq",
        "groq",
        ("groq", "httpx"),
        f"{_ALL}, tools, structured, {_RAW}, {_FILES}, errors, retry, {_PARALLEL}",
        "GROQ_API_KEY",
        path="/groq",
        retries=RETRIED,
    ),
    Row(
        "together",
        "together",
        ("together",),
        f"{_ALL}, tools, structured, {_RAW}, {_FILES}, errors, retry, {_PARALLEL}",
        "TOGETHER_API_KEY",
        path="/together",
        retries=RETRIED,
    ),
    Row(
        "cohere",
        "cohere",
        ("cohere",),
        f"{_ALL}, tools, structured, raw response, upload, embeddings, polling, errors, retry, "
        f"{_PARALLEL}",
        "CO_API_KEY",
        retries=("429 x2",),
    ),
    Row(
        "ollama",
        "ollama",
        ("ollama",),
        f"{_ALL}, tools, structured, upload, embeddings, errors, {_PARALLEL}",
        retries=(),
    ),
    Row(
        "replicate",
        "replicate",
        ("replicate",),
        f"{_ALL}, upload, binary, polling, errors, retry, {_PARALLEL}",
        retries=(),
    ),
    Row(
        "huggingface_hub",
        "huggingface_hub",
        ("huggingface_hub",),
        f"{_ALL}, tools, structured, upload, binary, embeddings, errors, {_PARALLEL}",
        retries=(),
    ),
    Row(
        "litellm",
        "litellm",
        ("litellm",),
        f"{_ALL}, tools, structured, {_FILES}, errors, retry, {_PARALLEL}",
        OPENAI,
        retries=RETRIED,
    ),
    Row(
        "langchain-openai, langchain-anthropic",
        "langchain",
        ("langchain-openai", "langchain-anthropic"),
        f"{_ALL}, tools, structured, embeddings, errors, retry, {_PARALLEL}",
        OPENAI,
        retries=RETRIED,
    ),
    Row(
        "pydantic-ai",
        "pydantic_ai",
        ("pydantic-ai-slim",),
        f"{_ALL}, tools, structured, embeddings, errors, retry, {_PARALLEL}",
        OPENAI,
        retries=RETRIED,
    ),
    Row(
        "instructor",
        "instructor",
        ("instructor", "openai"),
        f"streamed, async, async streamed, tools, structured, errors, retry, {_PARALLEL}",
        OPENAI,
        "instructor",
        retries=RETRIED,
    ),
    Row(
        "llm",
        "llm",
        ("llm",),
        f"{_ALL}, tools, structured, embeddings, errors, retry, {_PARALLEL}",
        OPENAI,
        retries=RETRIED,
    ),
    Row(
        "claudette",
        "claudette",
        ("claudette", "anthropic"),
        f"{_ALL}, tools, structured, errors, retry, {_PARALLEL}",
        ANTHROPIC,
        "answerai",
        retries=RETRIED,
    ),
    Row(
        "cosette",
        "cosette",
        ("cosette", "openai"),
        "plain, streamed, tools, structured, errors, retry, early close, threads",
        OPENAI,
        "answerai",
    ),
    Row(
        "lisette",
        "lisette",
        ("lisette", "litellm"),
        f"{_ALL}, tools, structured, errors, retry, {_PARALLEL}",
        OPENAI,
        "answerai",
    ),
    Row(
        "boto3",
        "boto3",
        ("boto3", "botocore"),
        "plain, streamed, upload, binary, errors, retry, early close, threads",
        "AWS_ACCESS_KEY_ID",
    ),
    Row(
        "aiobotocore",
        "aiobotocore",
        ("aiobotocore", "botocore"),
        "async, async streamed, upload, binary, errors, retry, early close, gather",
        "AWS_ACCESS_KEY_ID",
        "aiobotocore",
    ),
    Row(
        "requests",
        "requests",
        ("requests",),
        "plain, streamed, tools, structured, upload, binary, embeddings, errors, retry, "
        "early close, threads",
        retries=(),
    ),
)
