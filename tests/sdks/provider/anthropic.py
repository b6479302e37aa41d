"""Messages, batches of them, files."""

from __future__ import annotations

import json

from scripted_server import Script, ScriptedResponse, SeenRequest, text_response
from sdks.provider.words import JOB, MP3, TEXT, answer, jobs

MESSAGE = {
    "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-6",
    "content": [{"type": "text", "text": TEXT}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 6},
}


def message_batch(state: str, **more: str) -> ScriptedResponse:
    counts = {"processing": 1, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    body = {
        "id": JOB,
        "type": "message_batch",
        "processing_status": state,
        "request_counts": counts,
        "created_at": "2026-11-24T09:15:00Z",
        "expires_at": "2026-11-25T09:15:00Z",
        "ended_at": None,
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": None,
        **more,
    }
    return answer(body)


def ended_batch(asked: SeenRequest) -> ScriptedResponse:
    """A batch that has ended names where its results are."""
    url = f"http://{asked.headers['host']}{asked.path}/results"
    return message_batch("ended", results_url=url)


def result(name: str) -> bytes:
    line = {"custom_id": name, "result": {"type": "succeeded", "message": MESSAGE}}
    return json.dumps(line).encode() + b"\n"


ANTHROPIC: dict[str, tuple[Script, ...]] = {
    "/files": (
        answer(
            {
                "id": "file_abc123",
                "type": "file",
                "filename": "notes.txt",
                "mime_type": "text/plain",
                "size_bytes": 11,
                "created_at": "2026-11-24T09:15:00Z",
                "downloadable": False,
            }
        ),
    ),
    "/files/file_abc123/content": (text_response(MP3, kind="application/octet-stream"),),
    **jobs(
        "/messages/batches",
        message_batch("in_progress"),
        message_batch("canceling"),
        message_batch("ended"),
    ),
    "/messages/batches/batch_ended123": (ended_batch,),
    "/messages/batches/batch_ended123/results": (
        ScriptedResponse(
            (result("one"), result("two")), 200, (("Content-Type", "application/x-jsonl"),)
        ),
    ),
}
