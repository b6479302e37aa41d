"""groq."""

from __future__ import annotations

import groq
from sdks.asking import ASK, FILE, SOUND, Calls, until_done
from sdks.calls.stainless import chats, raw, refusals, structured

LLAMA = "llama-3.3-70b-versatile"


def calls(foreign: str, own: str) -> Calls:
    client, other = groq.Groq(base_url=foreign), groq.AsyncGroq(base_url=foreign)
    ours = groq.Groq(base_url=own)

    def polled() -> object:
        batch = ours.batches.create(
            input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h"
        )
        return until_done(
            lambda: ours.batches.retrieve(batch.id), lambda state: state.status == "completed"
        )

    return {
        **chats(client, other, LLAMA),
        **raw(client, LLAMA),
        **structured(client, LLAMA),
        **refusals(groq.Groq, own, LLAMA, ""),
        "embeddings: float": lambda: ours.embeddings.create(model="e", input=ASK),
        "embeddings: base64": lambda: ours.embeddings.create(
            model="e", input=ASK, encoding_format="base64"
        ),
        "upload": lambda: ours.files.create(file=("notes.txt", FILE), purpose="batch"),
        "upload: transcription": lambda: ours.audio.transcriptions.create(
            model="whisper-large-v3", file=("sound.mp3", SOUND)
        ),
        "binary": lambda: ours.audio.speech.create(model="t", voice="v", input=ASK).read(),
        "polling": polled,
    }
