"""aiobotocore: Bedrock's Converse, and S3."""

from __future__ import annotations

from functools import partial
from typing import Any

from aiobotocore.session import get_session
from botocore.config import Config
from sdks.asking import ASK, FILE, Calls, collect, parallel, plain, refused_with, retried, run

MODEL = "amazon.nova-lite"
CONFIG = Config(s3={"addressing_style": "path"})


def client(service: str, url: str) -> Any:
    given = {"endpoint_url": url, "region_name": "us-east-1"}
    return get_session().create_client(service, **given, config=CONFIG)


def asked(text: str, tokens: int = 64) -> dict[str, Any]:
    turn = {"role": "user", "content": [{"text": text}]}
    return {"modelId": MODEL, "messages": [turn], "inferenceConfig": {"maxTokens": tokens}}


async def say(url: str, text: str) -> Any:
    async with client("bedrock-runtime", url) as bedrock:
        return (await bedrock.converse(**asked(text)))["output"]


async def stream(url: str) -> Any:
    async with client("bedrock-runtime", url) as bedrock:
        return await collect((await bedrock.converse_stream(**asked(ASK)))["stream"])


async def early(url: str) -> Any:
    async with client("bedrock-runtime", url) as bedrock:
        coming = (await bedrock.converse_stream(**asked(ASK, 65)))["stream"]
        item = await anext(aiter(coming))
        coming.close()
        return plain(item)


async def upload(url: str) -> Any:
    async with client("s3", url) as s3:
        return (await s3.put_object(Bucket="b", Key="notes.bin", Body=FILE))["ETag"]


async def download(url: str) -> Any:
    async with client("s3", url) as s3:
        return await (await s3.get_object(Bucket="b", Key="voice.bin"))["Body"].read()


def ask(url: str) -> Any:
    return run(say(url, ASK))


def calls(foreign: str, own: str) -> Calls:
    return {
        "async": lambda: ask(own),
        "async streamed": lambda: run(stream(own)),
        "upload": lambda: run(upload(own)),
        "binary": lambda: run(download(own)),
        "early close": lambda: run(early(own)),
        **parallel(None, partial(say, own)),
        **refused_with(ask, own),
        **retried(ask, own),
    }
