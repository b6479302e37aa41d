"""Replicate: predictions, their streams and files."""

from __future__ import annotations

from typing import Any

from scripted_server import Script, ScriptedResponse, SeenRequest, sse_response, text_response
from sdks.provider.words import MP3, answer


def prediction(status: str, output: Any = None) -> dict[str, Any]:
    return {
        "id": "gm3qorzdhgbfurvjtvhg6dckhu",
        "model": "meta/llama-3",
        "version": "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa",
        "input": {"prompt": "Say hello."},
        "logs": "",
        "error": None,
        "output": output,
        "status": status,
        "created_at": "2026-11-24T09:15:00.123Z",
        "urls": {
            "get": "https://api.replicate.com/v1/predictions/gm3qorzdhgbfurvjtvhg6dckhu",
            "cancel": "https://api.replicate.com/v1/predictions/gm3qorzdhgbfurvjtvhg6dckhu/cancel",
        },
    }


# The words of each status, and the form that each family of providers gives them.


def predict(asked: SeenRequest) -> ScriptedResponse:
    """Create a prediction; at once done where the client wants to wait for it."""
    prompt = asked.json["input"]["prompt"]
    at = f"http://{asked.headers['host']}/replicate"
    output: Any = f"{at}/out.png" if prompt == "Draw." else ["Sunny, ", "with wind."]
    body = prediction("starting")
    if asked.headers.get("prefer", "").startswith("wait"):
        body = prediction("succeeded", output)
    body["urls"] = {**body["urls"], "stream": f"{at}/stream/{len(prompt)}"}
    return answer(body, 201)


LLAMA = answer(
    {
        "url": "https://replicate.com/meta/llama-3",
        "owner": "meta",
        "name": "llama-3",
        "description": None,
        "visibility": "public",
        "run_count": 5,
        "latest_version": None,
    }
)
TOLD = sse_response(
    b"event: output\nid: 1:0\ndata: Sunny,\n\n",
    b"event: output\nid: 2:0\ndata:  with\ndata: wind.\n\n",
    b"event: done\nid: 3:0\ndata: {}\n\n",
)
REPLICATE: dict[str, tuple[Script, ...]] = {
    "/v1/models/meta/llama-3/predictions": (predict,),
    "/v1/predictions/gm3qorzdhgbfurvjtvhg6dckhu": (
        answer(prediction("starting")),
        answer(prediction("processing")),
        answer(prediction("succeeded", ["Sunny, ", "with wind."])),
    ),
    "/stream/10": (TOLD,),
    "/stream/6": (TOLD,),
    "/out.png": (text_response(MP3, kind="image/png"),),
    "/v1/files": (
        answer(
            {
                "id": "file-abc123",
                "name": "notes.txt",
                "content_type": "application/octet-stream",
                "size": 11,
                "etag": "abc",
                "checksums": {"sha256": "abc", "md5": "abc"},
                "metadata": {},
                "created_at": "2026-11-24T09:15:00.123Z",
                "expires_at": "2026-11-25T09:15:00.123Z",
                "urls": {"get": "https://api.replicate.com/v1/files/file-abc123"},
            }
        ),
    ),
}
