"""Hugging Face: sound to text, text to sound, embeddings."""

from __future__ import annotations

from scripted_server import Script, text_response
from sdks.provider.words import MP3, TEXT, VECTOR, answer

HUGGING_FACE: dict[str, tuple[Script, ...]] = {
    "/asr": (answer({"text": TEXT}),),
    "/embed": (answer([VECTOR]),),
    "/tts": (text_response(MP3, kind="audio/mpeg"),),
}
