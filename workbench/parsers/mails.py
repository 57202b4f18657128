"""E-mail (.eml) through the standard library: headers, then each part's plain text, or its HTML where there is none."""

import email
import email.policy
from collections.abc import Iterator
from email.message import Message

from workbench.parsers.encodings import decode
from workbench.parsers.html import write_html
from workbench.parsers.names import label
from workbench.parsers.writers import Writer

_HEADERS = ("From", "To", "Cc", "Date")


def read_eml(data: bytes, writer: Writer) -> None:
    """The subject as heading, the sender, receivers and date, and the message; attachments are named in a warning."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    if subject := _header(message, "Subject"):
        with writer.section("heading", 1):
            writer.write(subject)
        writer.separate(2)
    with writer.section("header"):
        for name in _HEADERS:
            if value := _header(message, name):
                writer.separate(1)
                writer.write(f"{name}: {value}")
    attachments = []
    for part in _parts(message):
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


def _header(message: Message, name: str) -> str:
    try:
        return " ".join(str(message.get(name) or "").split())
    except (ValueError, IndexError, AttributeError, TypeError):  # headers that the standard library's parser trips over
        return ""


def _parts(message: Message) -> Iterator[Message]:
    """The parts to read: of alternatives the plain text if it says anything, else the last one that can be read."""
    stack = [message]
    while stack:
        part = stack.pop()
        payload = part.get_payload()
        if not (part.is_multipart() and isinstance(payload, list)):
            yield part
            continue
        parts = [p for p in payload if isinstance(p, Message)]
        if part.get_content_type() == "multipart/alternative":
            plain = [
                p
                for p in parts
                if p.get_content_type() == "text/plain" and bytes(p.get_payload(decode=True) or b"").strip()
            ]
            rich = [p for p in parts if p.get_content_type() == "text/html" or p.is_multipart()]
            parts = plain[:1] or rich[-1:] or parts[-1:]
        stack.extend(reversed(parts))
