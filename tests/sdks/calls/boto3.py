"""boto3: Bedrock's Converse, and S3."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from sdks.asking import ASK, FILE, Calls, each, first, parallel, refused_with, retried

MODEL = "amazon.nova-lite"
CONFIG = Config(s3={"addressing_style": "path"})


def calls(foreign: str, own: str) -> Calls:
    session = boto3.Session(region_name="us-east-1")
    bedrock = session.client("bedrock-runtime", endpoint_url=own)
    s3 = session.client("s3", endpoint_url=own, config=CONFIG)

    def asked(text: str, tokens: int = 64) -> dict[str, Any]:
        turn = {"role": "user", "content": [{"text": text}]}
        limits = {"maxTokens": tokens}
        return {"modelId": MODEL, "messages": [turn], "inferenceConfig": limits}

    def ask(url: str) -> Any:
        at = session.client("bedrock-runtime", endpoint_url=url)
        return at.converse(**asked(ASK))["output"]

    def say(text: str) -> Any:
        return bedrock.converse(**asked(text))["output"]

    def early() -> Any:
        stream = bedrock.converse_stream(**asked(ASK, 65))["stream"]
        item = first(stream)
        stream.close()
        return item

    return {
        "plain": lambda: say(ASK),
        "streamed": lambda: each(bedrock.converse_stream(**asked(ASK))["stream"]),
        "upload": lambda: s3.put_object(Bucket="b", Key="notes.bin", Body=FILE)["ETag"],
        "binary": lambda: s3.get_object(Bucket="b", Key="voice.bin")["Body"].read(),
        "early close": early,
        **parallel(say, None),
        **refused_with(ask, own),
        **retried(ask, own),
    }
