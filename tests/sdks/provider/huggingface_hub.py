"""Hugging Face: sound to text, text to sound, embeddings."""

from __future__ import annotations

from loopback import Script, text_answer
from sdks.provider.words import MP3, TEXT, VECTOR, answer

HUGGING_FACE: dict[str, tuple[Script, ...]] = {
    "/asr": (answer({"text": TEXT}),),
    "/embed": (answer([VECTOR]),),
    "/tts": (text_answer(MP3, kind="audio/mpeg"),),
}
