"""Gemini: contents, resumable uploads, batches."""

from __future__ import annotations

from scripted_server import Script, ScriptedResponse, SeenRequest, text_response
from sdks.provider.words import JOB, MP3, TEXT, VECTOR, answer

CONTENT = {
    "candidates": [
        {
            "content": {"parts": [{"text": TEXT}], "role": "model"},
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 6, "totalTokenCount": 15},
    "modelVersion": "gemini-2.5-flash",
}

GOOGLE_FILE = {
    "file": {
        "name": "files/abc123",
        "mimeType": "text/plain",
        "sizeBytes": "11",
        "createTime": "2026-11-24T09:15:00.123456Z",
        "uri": "https://generativelanguage.googleapis.com/v1beta/files/abc123",
        "state": "ACTIVE",
    }
}


def google_batch(state: str) -> ScriptedResponse:
    kind = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
    metadata = {
        "@type": kind,
        "model": "models/gemini-2.5-flash",
        "displayName": "one",
        "state": f"BATCH_STATE_{state}",
        "createTime": "2026-11-24T09:15:00.123456Z",
        "name": f"batches/{JOB}",
    }
    return answer({"name": f"batches/{JOB}", "metadata": metadata})


def start_upload(asked: SeenRequest) -> ScriptedResponse:
    """Return the URL for the bytes: Google's resumable uploads."""
    url = f"http://{asked.headers['host']}{asked.path}?upload_id=ABPtcPq"
    if "upload" in asked.headers.get("x-goog-upload-command", "").split(", "):
        return answer(GOOGLE_FILE, 200, ("X-Goog-Upload-Status", "final"))
    waits = (("X-Goog-Upload-Status", "active"), ("X-Goog-Upload-URL", url))
    return ScriptedResponse(b"", 200, (("Content-Type", "text/plain"), *waits))


GOOGLE: dict[str, tuple[Script, ...]] = {
    "/v1beta/models/gemini-embedding-001:batchEmbedContents": (
        answer({"embeddings": [{"values": VECTOR}]}),
    ),
    "/upload/v1beta/files": (start_upload,),
    "/v1beta/files/abc123:download": (text_response(MP3, kind="video/mp4"),),
    "/v1beta/models/gemini-2.5-flash:batchGenerateContent": (google_batch("PENDING"),),
    f"/v1beta/batches/{JOB}": (
        google_batch("PENDING"),
        google_batch("RUNNING"),
        google_batch("SUCCEEDED"),
    ),
}
