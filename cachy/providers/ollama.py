"""Ollama, which also speaks OpenAI's wire format. https://docs.ollama.com/api"""

from __future__ import annotations

from cachy.providers.openai import OPENAI_WIRE
from cachy.providers.provider import Provider, parse_surfaces

OLLAMA = Provider(
    name="ollama",
    hosts=("ollama.com", "localhost:11434", "127.0.0.1:11434"),
    wire=OPENAI_WIRE,
    key_variables=("OLLAMA_API_KEY",),
    base_url_variables=("OLLAMA_HOST",),
    surfaces=parse_surfaces(
        "POST /api/chat generates",
        "POST /api/generate generates",
        "POST /api/embed generates",
        "POST /v1/chat/completions generates",
    ),
)
