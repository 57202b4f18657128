"""Answers from `/chat/completions`."""

from collections.abc import Callable, Mapping, Sequence

from workbench.endpoints.calls import ask
from workbench.endpoints.embeddings import reported
from workbench.endpoints.offers import check_allowed, endpoint
from workbench.endpoints.usage import Usage, count
from workbench.errors import ModelUnavailable, SpecError

MOST = 4 << 20
"""Bytes that an answer may have."""

Chat = Callable[[Sequence[Mapping[str, str]]], str]
"""Messages, each {role, content}, to the text of the answer."""


def chat(endpoint_name: str, model: str, *, temperature: float | None = None, max_tokens: int | None = None) -> Chat:
    """A function from messages ({role, content} each) to the model's answer, over the endpoint's chat completions.

    What is left open is not sent, because servers differ in what they take; the server's own default holds then.

    Raises:
        ModelUnavailable: the endpoint is not defined, has no such chat model, or team mode does not allow it.
    """
    found = endpoint(endpoint_name)
    if model not in found.chat_models:
        offered = ", ".join(found.chat_models) or "none"
        raise ModelUnavailable(f"endpoint {endpoint_name} has no chat model {model!r}; defined for it: {offered}")
    name = f"{endpoint_name}/{model}"
    check_allowed(name)
    defined = found.chat_models[model]
    options = {"temperature": temperature, "max_tokens": max_tokens}
    settings = {"model": defined.id or model} | {name: value for name, value in options.items() if value is not None}

    def answer(messages: Sequence[Mapping[str, str]]) -> str:
        if not messages:
            raise SpecError("a chat needs at least one message")
        said = ask(found, "chat/completions", {**settings, "messages": [dict(m) for m in messages]}, MOST)
        read, written = reported(said, "prompt_tokens"), reported(said, "completion_tokens")
        money = (read * (defined.price or 0.0) + written * (defined.output_price or 0.0)) / 1e6
        count(name, Usage(1, read + written, money))
        try:
            text = said["choices"][0]["message"]["content"]
        except (LookupError, TypeError):
            text = None
        if not isinstance(text, str):
            raise ModelUnavailable(
                f"endpoint {found.name} ({found.host}), model {model}, answered without a text; is it a chat model?"
            )
        return text

    return answer
