"""Hugging Face: sound to text, and text to sound."""

from __future__ import annotations

from loopback import Script, text_answer
from sdks.provider.words import MP3, TEXT, answer

HUGGING_FACE: dict[str, tuple[Script, ...]] = {
    "/asr": (answer({"text": TEXT}),),
    "/tts": (text_answer(MP3, kind="audio/mpeg"),),
}
