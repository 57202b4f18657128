"""Remote models behind any server that speaks the OpenAI protocol, defined by the operator and chosen by name."""

from typing import Any

from workbench.endpoints.config import ChatModel, EmbeddingModel, Endpoint, Key, Remote
from workbench.endpoints.http import Chat, Refused, Usage, ask, chat, embeddings, keep_usage, spent, usage_in
from workbench.endpoints.registry import VARIABLE, chat_models, define, defined, endpoint, remote_model, remote_models


def served(found: Endpoint) -> frozenset[str] | None:
    """The ids of the models that the server says it has, asked once; None where it gives no such list, as some do not.

    Nothing but the key is sent.

    Raises:
        ModelUnavailable: it cannot be reached, or refuses.
    """
    try:
        answer: Any = ask(found, "models", None, 4 << 20, attempts=1)
    except Refused as refusal:
        if refusal.status in (404, 405, 501):
            return None
        raise
    entries = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return None
    return frozenset(str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry)


__all__ = [
    "VARIABLE", "Chat", "ChatModel", "EmbeddingModel", "Endpoint", "Key", "Remote", "Usage", "chat", "chat_models",
    "define", "defined", "embeddings", "endpoint", "keep_usage", "remote_model", "remote_models", "served", "spent",
    "usage_in",
]  # fmt: skip
