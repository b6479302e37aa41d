"""Call one SDK in every way that it has, and print what it gave as JSON.

    python program.py SDK URL

`URL` is a provider on loopback. Only documented options are used; what a call gives is turned
into plain data, so that a recording run and a replaying run can be compared value for value.
With NO_SOCKETS set, any connection is an error; with MISSES set, every call is to be refused.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

from cachy import UnrecordedRequest, enable_cachy
from cachy.replay import misses

ASK = "What is the weather in Paris?"
TURN = [{"role": "user", "content": ASK}]
CALL = [{"role": "user", "content": "Call the tool."}]
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": WEATHER}}
GPT, CLAUDE, GEMINI = "gpt-4.1", "claude-opus-4-6", "gemini-2.5-flash"


# One loop for all, as in a user's program: clients keep their connections between calls.
LOOP = asyncio.Runner()
run = LOOP.run


def plain(value: Any) -> Any:
    """Turn whatever an SDK gives into plain data."""
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude={"sdk_http_response"}, warnings=False)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    return plain(vars(value)) if hasattr(value, "__dict__") else str(value)


async def collect(stream: Any) -> list[Any]:
    return [plain(item) async for item in stream]


def failed(call: Callable[[], Any]) -> str:
    """Give the class and status of the error that a call ends in."""
    try:
        call()
    except Exception as error:
        status = getattr(error, "status_code", getattr(error, "code", None))
        return f"{type(error).__name__} {status}"
    return "no error"


def openai_calls(url: str) -> dict[str, Callable[[], Any]]:
    import openai

    client = openai.OpenAI(base_url=f"{url}/v1")
    other = openai.AsyncOpenAI(base_url=f"{url}/v1")
    chat: dict[str, Any] = {"model": GPT, "messages": TURN}
    call: dict[str, Any] = {"model": GPT, "messages": CALL}
    ask: dict[str, Any] = {"model": GPT, "input": ASK}

    def early() -> Any:
        with client.chat.completions.create(**chat, stream=True, n=1) as stream:
            return plain(next(iter(stream)))

    def raw() -> Any:
        answer = client.chat.completions.with_raw_response.create(**chat, seed=1)
        assert answer.elapsed.total_seconds() >= 0
        return [answer.status_code, plain(answer.parse())]

    def streaming_response() -> Any:
        create = client.chat.completions.with_streaming_response.create
        with create(**chat, seed=2) as answer:
            return list(answer.iter_lines())

    async def gathered() -> Any:
        create = other.chat.completions.create
        asks = [{**chat, "seed": 10 + number % 4} for number in range(8)]
        answers = await asyncio.gather(*(create(**ask) for ask in asks))
        return sorted(json.dumps(plain(answer)["choices"]) for answer in answers)

    async def streamed() -> Any:
        return await collect(await other.chat.completions.create(**chat, seed=3, stream=True))

    async def responses_streamed() -> Any:
        return await collect(await other.responses.create(**ask, top_p=0.5, stream=True))

    upload = ("notes.txt", b"some text\x00\xff", "application/octet-stream")
    return {
        "chat": lambda: client.chat.completions.create(**chat),
        "chat streamed": lambda: list(client.chat.completions.create(**chat, stream=True)),
        "chat async": lambda: run(other.chat.completions.create(**chat, seed=4)),
        "chat async streamed": lambda: run(streamed()),
        "tool call": lambda: client.chat.completions.create(**call, tools=[TOOL]),
        "responses": lambda: client.responses.create(**ask),
        "responses streamed": lambda: list(client.responses.create(**ask, stream=True)),
        "responses async streamed": lambda: run(responses_streamed()),
        "raw response": raw,
        "streaming response": streaming_response,
        "embeddings": lambda: client.embeddings.create(model="e", input=ASK),
        "embeddings float": lambda: client.embeddings.create(
            model="e", input=ASK, encoding_format="float"
        ),
        "upload": lambda: client.files.create(file=upload, purpose="user_data"),
        "speech": lambda: (
            client.audio.speech.create(model="tts-1", voice="alloy", input=ASK).content
        ),
        "early close": early,
        "gather": lambda: run(gathered()),
        "not found": lambda: failed(lambda: client.models.retrieve("no/such/model")),
    }


def azure_calls(url: str) -> dict[str, Callable[[], Any]]:
    import openai

    client = openai.AzureOpenAI(azure_endpoint=url, api_version="2024-10-21")
    chat: dict[str, Any] = {"model": GPT, "messages": TURN}
    return {
        "chat": lambda: client.chat.completions.create(**chat),
        "chat streamed": lambda: list(client.chat.completions.create(**chat, stream=True)),
    }


def anthropic_calls(url: str) -> dict[str, Callable[[], Any]]:
    import anthropic

    client, other = anthropic.Anthropic(base_url=url), anthropic.AsyncAnthropic(base_url=url)
    ask: dict[str, Any] = {"model": CLAUDE, "max_tokens": 64, "messages": TURN}
    later: dict[str, Any] = {**ask, "max_tokens": 65}
    tool = {"name": "weather", "input_schema": WEATHER}

    def helper() -> Any:
        with client.messages.stream(**ask, stop_sequences=["x"]) as stream:
            return plain(stream.get_final_message())

    async def streamed() -> Any:
        return await collect(await other.messages.create(**later, stream=True))

    return {
        "messages": lambda: client.messages.create(**ask),
        "messages streamed": lambda: list(client.messages.create(**ask, stream=True)),
        "messages async": lambda: run(other.messages.create(**later)),
        "messages async streamed": lambda: run(streamed()),
        "stream helper": helper,
        "tool call": lambda: client.messages.create(**{**ask, "messages": CALL}, tools=[tool]),
        "raw response": lambda: client.messages.with_raw_response.create(**ask).parse(),
    }


def bedrock_calls(url: str) -> dict[str, Callable[[], Any]]:
    import anthropic

    client = anthropic.AnthropicBedrock(base_url=url, aws_region="us-east-1")
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    ask: dict[str, Any] = {"model": model, "max_tokens": 64, "messages": TURN}
    return {"messages": lambda: client.messages.create(**ask)}


def google_genai_calls(url: str) -> dict[str, Callable[[], Any]]:
    from google import genai

    client = genai.Client(http_options={"base_url": url, "api_version": "v1beta"})
    ask: dict[str, Any] = {"model": GEMINI, "contents": ASK}

    async def streamed() -> Any:
        return await collect(await client.aio.models.generate_content_stream(**ask))

    return {
        "generate": lambda: client.models.generate_content(**ask),
        "generate streamed": lambda: list(client.models.generate_content_stream(**ask)),
        "generate async": lambda: run(client.aio.models.generate_content(**ask)),
        "generate async streamed": lambda: run(streamed()),
    }


def mistral_calls(url: str) -> dict[str, Callable[[], Any]]:
    from mistralai.client import Mistral

    client = Mistral(api_key="any", server_url=url)
    ask: dict[str, Any] = {"model": "mistral-small-latest", "messages": TURN}

    async def streamed() -> Any:
        return await collect(await client.chat.stream_async(**ask))

    return {
        "chat": lambda: client.chat.complete(**ask),
        "chat streamed": lambda: list(client.chat.stream(**ask)),
        "chat async": lambda: run(client.chat.complete_async(**ask)),
        "chat async streamed": lambda: run(streamed()),
    }


def openai_like_calls(client: Any, other: Any, model: str) -> dict[str, Callable[[], Any]]:
    ask: dict[str, Any] = {"model": model, "messages": TURN}

    async def streamed() -> Any:
        return await collect(await other.chat.completions.create(**ask, stream=True))

    return {
        "chat": lambda: client.chat.completions.create(**ask),
        "chat streamed": lambda: list(client.chat.completions.create(**ask, stream=True)),
        "chat async": lambda: run(other.chat.completions.create(**ask, n=1)),
        "chat async streamed": lambda: run(streamed()),
    }


def groq_calls(url: str) -> dict[str, Callable[[], Any]]:
    import groq

    clients = groq.Groq(base_url=url), groq.AsyncGroq(base_url=url)
    return openai_like_calls(*clients, "llama-3.3-70b-versatile")


def together_calls(url: str) -> dict[str, Callable[[], Any]]:
    import together

    clients = together.Together(base_url=url), together.AsyncTogether(base_url=url)
    return openai_like_calls(*clients, "meta-llama/Llama-3")


def cohere_calls(url: str) -> dict[str, Callable[[], Any]]:
    import cohere

    client, other = cohere.ClientV2(base_url=url), cohere.AsyncClientV2(base_url=url)
    ask: dict[str, Any] = {"model": "command-r", "messages": TURN}

    async def streamed() -> Any:
        return await collect(other.chat_stream(**ask))

    return {
        "chat": lambda: client.chat(**ask),
        "chat streamed": lambda: list(client.chat_stream(**ask)),
        "chat async": lambda: run(other.chat(**ask)),
        "chat async streamed": lambda: run(streamed()),
    }


def ollama_calls(url: str) -> dict[str, Callable[[], Any]]:
    import ollama

    client, other = ollama.Client(host=url), ollama.AsyncClient(host=url)
    ask: dict[str, Any] = {"model": "llama3", "messages": TURN}

    async def streamed() -> Any:
        return await collect(await other.chat(**ask, stream=True))

    return {
        "chat": lambda: client.chat(**ask),
        "chat streamed": lambda: list(client.chat(**ask, stream=True)),
        "chat async": lambda: run(other.chat(**ask)),
        "chat async streamed": lambda: run(streamed()),
    }


def huggingface_calls(url: str) -> dict[str, Callable[[], Any]]:
    from huggingface_hub import InferenceClient

    client = InferenceClient(base_url=f"{url}/v1", token="any")
    ask: dict[str, Any] = {"messages": TURN, "max_tokens": 64}
    return {
        "chat": lambda: client.chat_completion(**ask),
        "chat streamed": lambda: list(client.chat_completion(**ask, stream=True)),
    }


def litellm_calls(url: str) -> dict[str, Callable[[], Any]]:
    import litellm

    ask: dict[str, Any] = {"messages": TURN, "model": f"openai/{GPT}", "api_base": f"{url}/v1"}
    claude: dict[str, Any] = {"messages": TURN, "model": f"anthropic/{CLAUDE}", "api_base": url}

    def dumped(answer: Any) -> Any:
        return {key: plain(answer)[key] for key in ("choices", "model")}

    async def streamed() -> Any:
        return [dumped(part) async for part in await litellm.acompletion(**ask, stream=True)]

    return {
        "chat": lambda: dumped(litellm.completion(**ask)),
        "chat streamed": lambda: [dumped(x) for x in litellm.completion(**ask, stream=True)],
        "chat async": lambda: dumped(run(litellm.acompletion(**ask))),
        "chat async streamed": lambda: run(streamed()),
        "claude": lambda: dumped(litellm.completion(**claude)),
        "claude async": lambda: dumped(run(litellm.acompletion(**claude))),
    }


def langchain_calls(url: str) -> dict[str, Callable[[], Any]]:
    from langchain_anthropic import ChatAnthropic
    from langchain_openai import ChatOpenAI

    gpt = ChatOpenAI(model=GPT, base_url=f"{url}/v1")
    claude = ChatAnthropic(model=CLAUDE, base_url=url)

    def text(answer: Any) -> Any:
        return plain(answer.content)

    async def streamed(model: Any) -> Any:
        return [text(part) async for part in model.astream(ASK)]

    return {
        "openai": lambda: text(gpt.invoke(ASK)),
        "openai streamed": lambda: [text(part) for part in gpt.stream(ASK)],
        "openai async": lambda: text(run(gpt.ainvoke(ASK))),
        "openai async streamed": lambda: run(streamed(gpt)),
        "anthropic": lambda: text(claude.invoke(ASK)),
        "anthropic streamed": lambda: [text(part) for part in claude.stream(ASK)],
        "anthropic async streamed": lambda: run(streamed(claude)),
    }


def pydantic_ai_calls(url: str) -> dict[str, Callable[[], Any]]:
    from pydantic_ai import Agent
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.anthropic import AnthropicProvider
    from pydantic_ai.providers.openai import OpenAIProvider

    gpt = Agent(OpenAIChatModel(GPT, provider=OpenAIProvider(base_url=f"{url}/v1")))
    key = os.environ["ANTHROPIC_API_KEY"]
    claude = Agent(AnthropicModel(CLAUDE, provider=AnthropicProvider(api_key=key, base_url=url)))

    async def streamed() -> Any:
        async with gpt.run_stream(ASK) as result:
            return [part async for part in result.stream_text(delta=True)]

    return {
        "openai": lambda: gpt.run_sync(ASK).output,
        "openai streamed": lambda: run(streamed()),
        "anthropic": lambda: claude.run_sync(ASK).output,
    }


def instructor_calls(url: str) -> dict[str, Callable[[], Any]]:
    import instructor
    import openai
    from pydantic import BaseModel

    class Answer(BaseModel):
        content: str

    client = instructor.from_openai(openai.OpenAI(base_url=f"{url}/v1"), mode=instructor.Mode.JSON)

    turn = [{"role": "user", "content": "Answer as JSON."}]
    create = client.chat.completions.create
    return {"structured": lambda: create(model=GPT, messages=turn, response_model=Answer)}


def llm_calls(url: str) -> dict[str, Callable[[], Any]]:
    from llm.default_plugins.openai_models import AsyncChat, Chat

    model = Chat("gpt", model_name=GPT, api_base=f"{url}/v1")
    other = AsyncChat("gpt", model_name=GPT, api_base=f"{url}/v1")
    model.key = other.key = os.environ["OPENAI_API_KEY"]

    async def asked() -> Any:
        return await other.prompt(ASK, stream=False).text()

    return {
        "prompt": lambda: model.prompt(ASK, stream=False).text(),
        "prompt streamed": lambda: list(model.prompt(ASK, stream=True)),
        "prompt async": lambda: run(asked()),
    }


def requests_calls(url: str) -> dict[str, Callable[[], Any]]:
    import requests

    body = {"model": GPT, "messages": TURN, "user": "requests"}
    at = f"{url}/v1/chat/completions"

    def streamed() -> Any:
        with requests.post(at, json={**body, "stream": True}, stream=True) as answer:
            return [line.decode() for line in answer.iter_lines()]

    return {
        "post": lambda: requests.post(at, json=body).json(),
        "post streamed": streamed,
    }


SDKS: dict[str, Callable[[str], dict[str, Callable[[], Any]]]] = {
    "openai": openai_calls,
    "azure": azure_calls,
    "anthropic": anthropic_calls,
    "bedrock": bedrock_calls,
    "google-genai": google_genai_calls,
    "mistralai": mistral_calls,
    "groq": groq_calls,
    "together": together_calls,
    "cohere": cohere_calls,
    "ollama": ollama_calls,
    "huggingface_hub": huggingface_calls,
    "litellm": litellm_calls,
    "langchain": langchain_calls,
    "pydantic-ai": pydantic_ai_calls,
    "instructor": instructor_calls,
    "llm": llm_calls,
    "requests": requests_calls,
}


def forbid_sockets() -> None:
    def refuse(self: socket.socket, address: Any) -> None:
        raise AssertionError(f"a socket was opened to {address}")

    socket.socket.connect = refuse  # type: ignore[assignment,method-assign]
    socket.socket.connect_ex = refuse  # type: ignore[assignment,method-assign]


def answer(call: Callable[[], Any]) -> Any:
    try:
        return plain(call())
    except Exception as error:
        return f"failed: {type(error).__name__}: {error}"


def refusal(call: Callable[[], Any]) -> Any:
    """Give how a call that nothing recorded answers ends, and after how many attempts."""
    before = len(misses.remembered)
    try:
        call()
    except UnrecordedRequest as error:
        return [str(error).splitlines()[0], len(misses.remembered) - before]
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def main(sdk: str, url: str) -> None:
    if os.environ.get("NO_SOCKETS"):
        forbid_sockets()
    enable_cachy(doms=["127.0.0.1"])
    ended = refusal if os.environ.get("MISSES") else answer
    with LOOP:
        answers = {name: ended(call) for name, call in SDKS[sdk](url).items()}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
