"""Our own answers, in the providers' words, for what the foreign providers don't serve."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from typing import Any

from loopback import Answer, Asked, Origin, Script, sse_answer, text_answer

FILE = b"some text\x00\xff"  # as the programs upload it
VECTOR = [0.1, -0.25, 0.5]
MP3 = b"ID3\x04" + bytes(range(256))
TEXT = "Sunny, with a light wind."


def answer(value: Any, status: int = 200, *headers: tuple[str, str]) -> Answer:
    """Answer with JSON that is as compact as the providers send it."""
    kind = (("Content-Type", "application/json"), *headers)
    return Answer(json.dumps(value, separators=(",", ":")).encode(), status, kind)


def completion(model: str = "gpt-4.1", text: str = TEXT) -> dict[str, Any]:
    return {
        "id": "chatcmpl-AbC123",
        "object": "chat.completion",
        "created": 1764000000,
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15},
    }


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
RESPONSE = {
    "id": "resp_67cb32528d6881909eb2859a55e18a85",
    "object": "response",
    "created_at": 1764000000,
    "status": "completed",
    "model": "gpt-4.1",
    "output": [
        {
            "type": "message",
            "id": "msg_67cb3252cfac8190865744873aada798",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": TEXT, "annotations": []}],
        }
    ],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 6,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 15,
    },
}
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
COHERE = {
    "id": "c14c80c3-18eb-4519-9460-6c92edd8cfb4",
    "finish_reason": "COMPLETE",
    "message": {"role": "assistant", "content": [{"type": "text", "text": TEXT}]},
    "usage": {"billed_units": {"input_tokens": 5, "output_tokens": 6}},
}
OLLAMA = {
    "model": "llama3",
    "created_at": "2026-11-24T09:15:00.123456789Z",
    "message": {"role": "assistant", "content": TEXT},
    "done": True,
    "done_reason": "stop",
    "total_duration": 4883583458,
    "eval_count": 6,
}


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
WORDS = {
    400: ("invalid_request_error", "INVALID_ARGUMENT", "Invalid value for 'temperature'."),
    404: ("not_found_error", "NOT_FOUND", "The model does not exist."),
    422: ("unprocessable_entity", "INVALID_ARGUMENT", "Input should be a valid list."),
    429: ("rate_limit_error", "RESOURCE_EXHAUSTED", "Rate limit reached."),
}


def refusal(family: str, status: int) -> Answer:
    """Write an error as a provider of this family does."""
    kind, google, words = WORDS[status]
    bodies: dict[str, Any] = {
        "openai": {"error": {"message": words, "type": kind, "param": None, "code": None}},
        "anthropic": {
            "type": "error",
            "error": {"type": kind, "message": words},
            "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy",
        },
        "google": {"error": {"code": status, "message": words, "status": google}},
        "mistral": {"object": "error", "message": words, "type": kind, "param": None, "code": "1"},
        "cohere": {"id": "d5f9b8a1-0000-4000-8000-5a1e3d8d0001", "message": words},
        "ollama": {"error": words},
        "replicate": {"title": kind, "detail": words, "status": status},
        "bedrock": {"message": words},
    }
    body = bodies[family]
    if family == "mistral" and status == 422:
        where = ["body", "messages"]
        body = {"detail": [{"type": "list_type", "loc": where, "msg": words, "input": "x"}]}
    waits = (("Retry-After", "1"), ("retry-after-ms", "20")) if status == 429 else ()
    return answer(body, status, *waits)


GPT_PATH, CLAUDE_PATH = "/v1/chat/completions", "/v1/messages"
# By module: the family of its errors, the path of its plain call, and what that gives.
PLAIN: dict[str, tuple[str, str, Any]] = {
    "openai": ("openai", GPT_PATH, completion()),
    "azure": ("openai", "/openai/deployments/gpt-4.1/chat/completions", completion()),
    "anthropic": ("anthropic", CLAUDE_PATH, MESSAGE),
    "bedrock": ("bedrock", "/model/anthropic.claude-sonnet-4-5-20250929-v1:0/invoke", MESSAGE),
    "google_genai": ("google", "/v1beta/models/gemini-2.5-flash:generateContent", CONTENT),
    "mistralai": ("mistral", GPT_PATH, completion("mistral-small-latest")),
    "groq": ("openai", "/openai/v1/chat/completions", completion("llama-3.3-70b-versatile")),
    "together": ("openai", GPT_PATH, completion("meta-llama/Llama-3")),
    "cohere": ("cohere", "/v2/chat", COHERE),
    "ollama": ("ollama", "/api/chat", OLLAMA),
    "huggingface_hub": ("ollama", GPT_PATH, completion("meta-llama/Llama-3")),
    "replicate": ("replicate", "/v1/models/meta/llama-3/predictions", prediction("starting")),
    "litellm": ("openai", GPT_PATH, completion()),
    "langchain": ("openai", GPT_PATH, completion()),
    "pydantic_ai": ("openai", GPT_PATH, completion()),
    "llm": ("openai", GPT_PATH, completion()),
    "requests": ("openai", GPT_PATH, completion()),
    "instructor": ("openai", GPT_PATH, completion(text='{"content": "sunny"}')),
    "claudette": ("anthropic", CLAUDE_PATH, MESSAGE),
    "cosette": ("openai", "/v1/responses", RESPONSE),
    "lisette": ("openai", GPT_PATH, completion()),
}


def embeddings(form: str = "float") -> dict[str, Any]:
    packed = base64.b64encode(struct.pack("<3f", *VECTOR)).decode()
    vector = packed if form == "base64" else VECTOR
    return {
        "id": "b8a1f3c9",
        "object": "list",
        "model": "e",
        "data": [{"object": "embedding", "index": 0, "embedding": vector}],
        "usage": {"prompt_tokens": 6, "total_tokens": 6},
    }


def embed(asked: Asked) -> Answer:
    return answer(embeddings(asked.json.get("encoding_format", "float")))


def uploaded(asked: Asked) -> Answer:
    """Answer an upload with what arrived, so that a part that got lost shows."""
    size = len(asked.body)
    return answer(
        {
            "id": "file-abc123",
            "object": "file",
            "type": "file",
            "bytes": size if size < 100 else 300,
            "size_bytes": 300,
            "created_at": 1764000000,
            "filename": "notes.txt",
            "purpose": "user_data",
            "status": "processed",
        }
    )


def batch(status: str, **more: Any) -> Answer:
    return answer(
        {
            "id": JOB,
            "object": "batch",
            "endpoint": "/v1/chat/completions",
            "input_file_id": "file-1",
            "completion_window": "24h",
            "status": status,
            "created_at": 1764000000,
            **more,
        }
    )


JOB = "batch_abc123"


def jobs(path: str, *states: Answer) -> dict[str, tuple[Script, ...]]:
    """A job that is created at a path, and polled below it."""
    return {path: states[:1], f"{path}/{JOB}": states}


OPENAI_LIKE: dict[str, tuple[Script, ...]] = {
    "/embeddings": (embed,),
    "/files": (uploaded,),
    "/audio/transcriptions": (answer({"text": TEXT}),),
    "/audio/speech": (text_answer(MP3, kind="audio/mpeg"),),
    **jobs("/batches", batch("validating"), batch("in_progress"), batch("completed")),
}


def message_batch(state: str) -> Answer:
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
    }
    return answer(body)


def ended_batch(asked: Asked) -> Answer:
    """A batch that has ended names where its results are."""
    body = message_batch("ended")
    url = f"http://{asked.headers['host']}{asked.path}/results"
    return answer({**json.loads(body.body), "results_url": url})


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
    "/files/file_abc123/content": (text_answer(MP3, kind="application/octet-stream"),),
    **jobs(
        "/messages/batches",
        message_batch("in_progress"),
        message_batch("canceling"),
        message_batch("ended"),
    ),
    "/messages/batches/batch_ended123": (ended_batch,),
    "/messages/batches/batch_ended123/results": (
        Answer((result("one"), result("two")), 200, (("Content-Type", "application/x-jsonl"),)),
    ),
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Sun"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ny."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 6},
    },
    {"type": "message_stop"},
]


def aws_header(name: str, value: str) -> bytes:
    kind = b"\x07"  # text
    size = struct.pack(">H", len(value))
    return bytes([len(name)]) + name.encode() + kind + size + value.encode()


def aws_event(event: dict[str, Any]) -> bytes:
    """Frame an event as AWS does: lengths, headers, payload, each guarded by a CRC-32."""
    named = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        bytes([len(name)])
        + name.encode()
        + b"\x07"
        + struct.pack(">H", len(value))
        + value.encode()
        for name, value in named.items()
    )
    payload = json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    frame = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return frame + struct.pack(">I", zlib.crc32(frame))


BEDROCK: dict[str, tuple[Script, ...]] = {
    "/invoke-with-response-stream": (
        Answer(
            tuple(map(aws_event, EVENTS)),
            200,
            (("Content-Type", "application/vnd.amazon.eventstream"),),
        ),
    ),
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


def google_batch(state: str) -> Answer:
    kind = "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch"
    metadata = {
        "@type": kind,
        "model": "models/gemini-2.5-flash",
        "displayName": "one",
        "state": f"BATCH_STATE_{state}",
        "createTime": "2026-11-24T09:15:00.123456Z",
        "name": "batches/batch_abc123",
    }
    return answer({"name": "batches/batch_abc123", "metadata": metadata})


def start_upload(asked: Asked) -> Answer:
    """Say where the bytes go: Google's resumable uploads."""
    url = f"http://{asked.headers['host']}{asked.path}?upload_id=ABPtcPq"
    if "upload" in asked.headers.get("x-goog-upload-command", "").split(", "):
        return answer(GOOGLE_FILE, 200, ("X-Goog-Upload-Status", "final"))
    waits = (("X-Goog-Upload-Status", "active"), ("X-Goog-Upload-URL", url))
    return Answer(b"", 200, (("Content-Type", "text/plain"), *waits))


GOOGLE: dict[str, tuple[Script, ...]] = {
    "/v1beta/models/gemini-embedding-001:batchEmbedContents": (
        answer({"embeddings": [{"values": VECTOR}]}),
    ),
    "/upload/v1beta/files": (start_upload,),
    "/v1beta/files/abc123:download": (text_answer(MP3, kind="video/mp4"),),
    "/v1beta/models/gemini-2.5-flash:batchGenerateContent": (google_batch("PENDING"),),
    f"/v1beta/batches/{JOB}": (
        google_batch("PENDING"),
        google_batch("RUNNING"),
        google_batch("SUCCEEDED"),
    ),
}


def mistral_job(state: str) -> Answer:
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
    "/files/file-abc123/content": (text_answer(MP3, kind="application/octet-stream"),),
    **jobs("/batch/jobs", mistral_job("QUEUED"), mistral_job("RUNNING"), mistral_job("SUCCESS")),
}


def cohere_job(state: str) -> Answer:
    body = {
        "job_id": JOB,
        "status": state,
        "created_at": "2026-11-24T09:15:00Z",
        "input_dataset_id": "notes-1",
        "model": "embed-v4.0",
        "truncate": "END",
    }
    return answer(body)


def cohere_embed(asked: Asked) -> Answer:
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
OLLAMA_FURTHER: dict[str, tuple[Script, ...]] = {
    "/api/embed": (answer({"model": "e", "embeddings": [VECTOR], "total_duration": 14143917}),),
    f"/api/blobs/sha256:{hashlib.sha256(FILE).hexdigest()}": (Answer(b"", 201, ()),),
}
HUGGING_FACE: dict[str, tuple[Script, ...]] = {
    "/asr": (answer({"text": TEXT}),),
    "/tts": (text_answer(MP3, kind="audio/mpeg"),),
}


def predict(asked: Asked) -> Answer:
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
TOLD = sse_answer(
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
    "/out.png": (text_answer(MP3, kind="image/png"),),
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
FURTHER: dict[str, dict[str, tuple[Script, ...]]] = {
    "openai/v1": OPENAI_LIKE,
    "groq/openai/v1": OPENAI_LIKE,
    "together/v1": OPENAI_LIKE,
    "azure/openai/deployments/e": OPENAI_LIKE,
    "anthropic/v1": ANTHROPIC,
    "bedrock/model/anthropic.claude-sonnet-4-5-20250929-v1:0": BEDROCK,
    "google_genai": GOOGLE,
    "mistralai/v1": MISTRAL,
    "cohere": COHERE_FURTHER,
    "ollama": OLLAMA_FURTHER,
    "huggingface_hub": HUGGING_FACE,
    "replicate": REPLICATE,
    "litellm/v1": OPENAI_LIKE,
    "langchain/v1": OPENAI_LIKE,
    "pydantic_ai/v1": OPENAI_LIKE,
    "llm/v1": OPENAI_LIKE,
    "requests/v1": OPENAI_LIKE,
}


def serve(origin: Origin) -> None:
    """Script the answers of a provider for every SDK, each below a path of its module's name."""
    for module, (family, path, value) in PLAIN.items():
        ok = answer(value)
        origin.on(f"/{module}{path}", ok)
        for status in (400, 404, 422):
            origin.on(f"/{module}/{status}{path}", refusal(family, status))
        for busy in ("busy", "busy-recorded"):
            origin.on(f"/{module}/{busy}{path}", refusal(family, 429), ok)
    for busy in ("busy", "busy-recorded"):
        origin.on(f"/replicate/{busy}/v1/models/meta/llama-3", refusal("replicate", 429), LLAMA)
    for base, paths in FURTHER.items():
        for path, scripts in paths.items():
            origin.on(f"/{base}{path}", *scripts)


def polling(origin: Origin) -> list[str]:
    """List the surfaces of jobs, as the config names them."""
    paths = [f"/{base}{path}" for base, further in FURTHER.items() for path in further]
    authority = f"{origin.host}:{origin.port}"
    return [
        f"{authority}{path.removesuffix(JOB)}{{id}}" for path in paths if path.endswith(f"/{JOB}")
    ]
