"""Headers that tell a browser what a page may do: nothing of a document runs, and no address of a workspace leaves.

A workspace's id stands in the URL and is all that guards it, so no other site may learn it as a referrer.
"""

import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from hashlib import sha256
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

POLICY = {
    "default-src": "'self'",
    # Streamlit's files and, as blob:, the components' scripts. No inline script and no eval: event handlers and
    # javascript: links do nothing, whatever markup may have found its way into a page.
    "script-src": "'self' blob: 'wasm-unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",  # Streamlit and plotly write styles into the page
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "media-src": "'self' data: blob:",
    "connect-src": "'self' data: blob:",
    "worker-src": "'self' blob:",
    "frame-src": "'none'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'self'",
}
"""The content security policy: a page loads from this server alone."""

_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def headers() -> dict[str, str]:
    """Return header → value, the same for every answer."""
    policy = {**POLICY, "script-src": " ".join([POLICY["script-src"], *_hashes()])}
    return {
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "SAMEORIGIN",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def _hashes() -> list[str]:
    """Return the hashes of the inline scripts of Streamlit's own page: they change with its version."""
    import streamlit

    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text("utf-8")
    return [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in _INLINE.findall(page)]


class SecurityHeaders:
    """ASGI middleware that adds `headers` to every answer."""

    def __init__(self, app: Asgi) -> None:
        self._app = app
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers().items()]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in self._headers}
                kept = [pair for pair in message.get("headers", []) if pair[0].lower() not in own]
                message = {**message, "headers": [*kept, *self._headers]}
            await send(message)

        await self._app(scope, receive, with_headers)
