"""E-mail (.eml) through the standard library: headers, then each part's plain text, or its HTML where there is none."""

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import Message

from workbench.parsers.encodings import decode
from workbench.parsers.html import write_html
from workbench.parsers.names import label
from workbench.parsers.writers import Writer

_UNSHOWN = re.compile(rb"<style.*?</style\s*>|<script.*?</script\s*>|<!--.*?-->|<[^<>]*>|&\w+;", re.S | re.I)
_HEADERS = ("From", "To", "Cc", "Date")


def read_eml(data: bytes, writer: Writer) -> None:
    """The subject as heading, the sender, receivers and date, and the message; attachments are named in a warning."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    _head(message, writer, 1)
    attachments = []
    for part in _parts(message):
        if part.get_content_type() == "message/rfc822":
            for inner in part.get_payload():
                if isinstance(inner, Message):
                    _head(inner, writer, 2)
            continue
        file = part.get_filename()
        if file or part.get_content_maintype() != "text":
            attachments.append(label(file or part.get_content_type()))
            continue
        writer.separate(2)
        body = part.get_payload(decode=True)
        text, warnings = decode(
            body if isinstance(body, bytes) else b"", writer.encoding, part.get_content_charset() or ""
        )
        for warning in warnings:
            writer.warn(warning)
        if part.get_content_subtype() == "html":
            write_html(text, writer)
        else:
            writer.write(text.replace("\r\n", "\n").strip("\n"))
    if attachments:
        writer.warn(f"attachments are not read; upload them as files of their own: {', '.join(attachments[:20])}")


def _head(message: Message, writer: Writer, level: int) -> None:
    """The subject as heading, and who wrote to whom and when."""
    writer.separate(2)
    if subject := _header(message, "Subject"):
        with writer.section("heading", level):
            writer.write(subject)
        writer.separate(2)
    with writer.section("header", level):
        for name in _HEADERS:
            if value := _header(message, name):
                writer.separate(1)
                writer.write(f"{name}: {value}")
    writer.separate(2)


def _header(message: Message, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except (ValueError, IndexError, AttributeError, TypeError):  # headers that the standard library's parser trips over
        return ""


def _parts(message: Message) -> Iterator[Message]:
    """The parts to read: of alternatives the plain text if it says as much, else the last one that can be read.

    A message inside comes itself, for its headers, and then its parts.
    """
    stack = [message]
    while stack:
        part = stack.pop()
        payload = part.get_payload()
        if not (part.is_multipart() and isinstance(payload, list)):
            yield part
            continue
        if part.get_content_type() == "message/rfc822":
            yield part
        parts = [p for p in payload if isinstance(p, Message)]
        if part.get_content_type() == "multipart/alternative":
            plain = [
                p
                for p in parts
                if p.get_content_type() == "text/plain" and bytes(p.get_payload(decode=True) or b"").strip()
            ]
            rich = [p for p in parts if p.get_content_type() == "text/html" or p.is_multipart()]
            parts = (plain[:1] if not (plain and rich and _stub(plain[0], rich[-1])) else []) or rich[-1:] or parts[-1:]
        stack.extend(reversed(parts))


def _stub(plain: Message, rich: Message) -> bool:
    """Whether the plain text only says that the message is in HTML: it has far fewer words than that."""
    if rich.is_multipart():
        return False
    words = len(re.findall(rb"\w+", _bytes(plain)))
    shown = _UNSHOWN.sub(b" ", _bytes(rich))
    return words < 40 and len(re.findall(rb"\w+", shown)) > 5 * words + 20


def _bytes(part: Message) -> bytes:
    body = part.get_payload(decode=True)
    return body[:200_000] if isinstance(body, bytes) else b""
