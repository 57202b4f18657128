"""Remote models behind any server that speaks the OpenAI protocol, defined by the operator and chosen by name."""

from workbench.endpoints.config import ChatModel, EmbeddingModel, Endpoint, Key, Remote
from workbench.endpoints.http import Chat, Usage, chat, embeddings, keep_usage, served, spent, usage_in
from workbench.endpoints.registry import VARIABLE, chat_models, define, defined, endpoint, remote_model, remote_models

__all__ = [
    "VARIABLE", "Chat", "ChatModel", "EmbeddingModel", "Endpoint", "Key", "Remote", "Usage", "chat", "chat_models",
    "define", "defined", "embeddings", "endpoint", "keep_usage", "remote_model", "remote_models", "served", "spent",
    "usage_in",
]  # fmt: skip
