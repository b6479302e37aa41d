"""Mistral: embeddings, files, jobs."""

from __future__ import annotations

from scripted_server import Script, ScriptedResponse, text_response
from sdks.provider.openai import embed
from sdks.provider.words import JOB, MP3, answer, jobs


def mistral_job(state: str) -> ScriptedResponse:
    body = {
        "id": JOB,
        "object": "batch",
        "input_files": ["7e1f3c9a-0000-4000-8000-000000000001"],
        "endpoint": "/v1/chat/completions",
        "model": "mistral-small-latest",
        "errors": [],
        "status": state,
        "created_at": 1764000000,
        "total_requests": 1,
        "completed_requests": 0,
        "succeeded_requests": 0,
        "failed_requests": 0,
    }
    return answer(body)


MISTRAL: dict[str, tuple[Script, ...]] = {
    "/embeddings": (embed,),
    "/files": (
        answer(
            {
                "id": "7e1f3c9a-0000-4000-8000-000000000001",
                "object": "file",
                "bytes": 11,
                "created_at": 1764000000,
                "filename": "notes.txt",
                "purpose": "fine-tune",
                "sample_type": "batch_request",
                "source": "upload",
                "num_lines": 0,
            }
        ),
    ),
    "/files/file-abc123/content": (text_response(MP3, kind="application/octet-stream"),),
    **jobs("/batch/jobs", mistral_job("QUEUED"), mistral_job("RUNNING"), mistral_job("SUCCESS")),
}
