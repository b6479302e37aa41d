"""Names of the fields that hold what was asked, said and counted, over all wire formats.

Each row follows the providers' API references: OpenAI, Anthropic, Gemini, Cohere, Ollama, Bedrock.
"""

from __future__ import annotations

# Of a request: the turns of a conversation or what stands for them; the last user text names it.
TURNS = ("system", "instructions", "systemInstruction", "messages", "input", "contents", "prompt")
SYSTEM_TURNS = frozenset({"system", "instructions", "systemInstruction"})
QUESTIONS = ("messages", "input", "contents", "prompt", "query", "message", "texts")
# Of a response: the answer, its text and what the model thought.
ANSWERS = ("choices", "output", "content", "candidates", "message", "response")
TEXTS = ("content", "text", "output_text", "input_text", "refusal", "transcript")
THOUGHTS = ("thinking", "reasoning_content", "reasoning")
THOUGHT_TYPES = ("summary_text", "reasoning_text")
CALL_TYPES = ("tool_use", "server_tool_use", "function_call", "custom_tool_call")
# The objects in which Bedrock puts a call and a thought.
WRAPPED_CALL, WRAPPED_THOUGHT = "toolUse", "reasoningContent"
# Why it ended, how many tokens it took, and the objects in which these lie.
FINISH_REASONS = (
    *("finish_reason", "stop_reason", "finishReason", "done_reason", "stopReason", "status"),
)
INPUT_TOKENS = (
    *("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_eval_count", "inputTokens"),
)
OUTPUT_TOKENS = (
    *("completion_tokens", "output_tokens", "candidatesTokenCount", "eval_count", "outputTokens"),
)
TOKENS_INSIDE = (
    *("choices", "candidates", "usage", "usageMetadata", "response", "message", "delta"),
    *("meta", "tokens"),
)
# Of a request: the most tokens that one answer may have, and how many answers are asked for.
OUTPUT_LIMITS = (
    *("max_tokens", "max_completion_tokens", "max_output_tokens", "max_tokens_to_sample"),
    *("maxOutputTokens", "num_predict"),
)
ANSWER_COUNTS = ("n", "best_of", "candidateCount", "num_generations")
