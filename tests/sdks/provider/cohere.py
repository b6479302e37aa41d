"""Cohere: chat, embeddings, jobs."""

from __future__ import annotations

import base64
import struct

from scripted_server import Script, ScriptedResponse, SeenRequest
from sdks.provider.words import JOB, TEXT, VECTOR, answer, jobs

COHERE = {
    "id": "c14c80c3-18eb-4519-9460-6c92edd8cfb4",
    "finish_reason": "COMPLETE",
    "message": {"role": "assistant", "content": [{"type": "text", "text": TEXT}]},
    "usage": {"billed_units": {"input_tokens": 5, "output_tokens": 6}},
}


def cohere_job(state: str) -> ScriptedResponse:
    body = {
        "job_id": JOB,
        "status": state,
        "created_at": "2026-11-24T09:15:00Z",
        "input_dataset_id": "notes-1",
        "model": "embed-v4.0",
        "truncate": "END",
    }
    return answer(body)


def cohere_embed(asked: SeenRequest) -> ScriptedResponse:
    form = asked.json["embedding_types"][0]
    packed = base64.b64encode(struct.pack("<3f", *VECTOR)).decode()
    vectors = [packed] if form == "base64" else [VECTOR]
    meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 6}}
    return answer({"id": "e1", "embeddings": {form: vectors}, "texts": ["x"], "meta": meta})


COHERE_FURTHER: dict[str, tuple[Script, ...]] = {
    "/v2/embed": (cohere_embed,),
    "/v1/datasets": (answer({"id": "notes-1"}),),
    **jobs(
        "/v1/embed-jobs", cohere_job("processing"), cohere_job("processing"), cohere_job("complete")
    ),
}
