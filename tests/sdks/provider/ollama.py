"""Ollama: chat, embeddings, blobs."""

from __future__ import annotations

import hashlib

from scripted_server import Script, ScriptedResponse
from sdks.provider.words import FILE, TEXT, VECTOR, answer

OLLAMA = {
    "model": "llama3",
    "created_at": "2026-11-24T09:15:00.123456789Z",
    "message": {"role": "assistant", "content": TEXT},
    "done": True,
    "done_reason": "stop",
    "total_duration": 4883583458,
    "eval_count": 6,
}

OLLAMA_FURTHER: dict[str, tuple[Script, ...]] = {
    "/api/embed": (answer({"model": "e", "embeddings": [VECTOR], "total_duration": 14143917}),),
    f"/api/blobs/sha256:{hashlib.sha256(FILE).hexdigest()}": (ScriptedResponse(b"", 201, ()),),
}
