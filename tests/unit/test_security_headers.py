"""Each answer of the server carries the headers, and the policy lets no inline script run but Streamlit's own."""

import asyncio

from workbench.ui.security_headers import SecurityHeaders, headers


def answer(*sent: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """The headers of an answer that an app sent with these."""
    got = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": list(sent)})
        await send({"type": "http.response.body", "body": b"x"})

    async def send(message):
        got.append(message)

    asyncio.run(SecurityHeaders(app)({"type": "http"}, None, send))
    assert got[1] == {"type": "http.response.body", "body": b"x"}
    return got[0]["headers"]


def test_an_answer_has_each_header_once_and_keeps_its_own():
    found = answer((b"content-type", b"text/html"), (b"Referrer-Policy", b"unsafe-url"))
    names = [name for name, _ in found]
    assert len(set(names)) == len(names)
    assert dict(found)[b"content-type"] == b"text/html"
    assert dict(found)[b"referrer-policy"] == b"no-referrer"


def test_scripts_come_from_this_server_alone_and_none_stands_in_a_page():
    rules = dict(rule.split(" ", 1) for rule in headers()["Content-Security-Policy"].split("; "))
    scripts = rules["script-src"].split()
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:", "http:", "data:"} & set(scripts)
    assert sum(s.startswith("'sha256-") for s in scripts) >= 1, "Streamlit's own page would not start"
    assert rules["object-src"] == rules["frame-src"] == rules["base-uri"] == "'none'"
    for name in ("img-src", "connect-src", "default-src"):
        assert not {"*", "http:", "https:"} & set(rules[name].split()), name
