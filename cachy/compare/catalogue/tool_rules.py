"""The rules of what MCP servers declare: their tools, and what these may be given."""

from __future__ import annotations

from cachy.compare.catalogue.rule_type import Rule

TOOL_RULES = (
    Rule(
        "tool-added",
        "compatible",
        "An MCP server offers a tool that the recorded list lacks.",
        "Nothing breaks: a model may choose it.",
        '{"tools": []} -> {"tools": [{"name": "add"}]}',
        "Accept it; tests that list the tools see it.",
    ),
    Rule(
        "tool-removed",
        "breaking",
        "An MCP server no longer offers a tool.",
        "Every call of the tool fails.",
        '{"tools": [{"name": "add"}]} -> {"tools": []}',
        "Stop calling the tool, or find the one that replaces it.",
        evidence="absence",
    ),
    Rule(
        "parameter-added",
        "compatible",
        "A tool of an MCP server has a new optional parameter.",
        "Nothing breaks: calls without it are valid.",
        '{"properties": {}} -> {"properties": {"unit": {"type": "string"}}}',
        "Accept it; use the parameter where it helps.",
    ),
    Rule(
        "parameter-removed",
        "breaking",
        "A tool of an MCP server no longer has a parameter.",
        "Calls that pass it are refused, or do something else than they ask for.",
        '{"properties": {"unit": {"type": "string"}}} -> {"properties": {}}',
        "Stop passing the parameter.",
        evidence="absence",
    ),
    Rule(
        "parameter-required",
        "breaking",
        "A tool of an MCP server requires a parameter that is new or was optional.",
        "Calls without it are refused.",
        '{"required": []} -> {"required": ["unit"]}',
        "Pass the parameter in each call.",
    ),
    Rule(
        "parameter-changed",
        "breaking",
        "A parameter of a tool no longer accepts a type or a value that it accepted.",
        "Calls that pass one are refused.",
        '{"type": "string"} -> {"type": "integer"}',
        "Pass what the parameter accepts now.",
    ),
)
