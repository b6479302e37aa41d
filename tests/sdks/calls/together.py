"""together."""

from __future__ import annotations

import together
from sdks.asking import ASK, JOB, SOUND, Calls, until_done
from sdks.calls.stainless import chats, raw, refusals, structured

LLAMA = "meta-llama/Llama-3"


def calls(foreign: str, own: str) -> Calls:
    client, other = together.Together(base_url=foreign), together.AsyncTogether(base_url=foreign)
    ours = together.Together(base_url=own)

    def polled() -> object:
        return until_done(
            lambda: ours.batches.retrieve(JOB),
            lambda state: str(state.status).upper() == "COMPLETED",
        )

    return {
        **chats(client, other, LLAMA),
        **raw(client, LLAMA),
        **structured(client, LLAMA),
        **refusals(together.Together, own, LLAMA, ""),
        "embeddings": lambda: ours.embeddings.create(model="e", input=ASK),
        "upload": lambda: ours.audio.transcriptions.create(
            model="openai/whisper-large-v3", file=("sound.mp3", SOUND)
        ),
        "binary": lambda: ours.audio.speech.create(model="t", voice="v", input=ASK).read(),
        "polling": polled,
    }
