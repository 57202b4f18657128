"""The process in which foreign files are read: `python -m workbench.parsers.child`, asked over its standard streams.

A request is a line of JSON (name, parser, format, limits, size) followed by `size` bytes; an answer is the length in
8 bytes and JSON: {"draft": …} or {"error": …}. Nothing else can reach the answering stream.
"""

import contextlib
import json
import os
import struct
from typing import Any, BinaryIO


def main() -> None:
    """Answer requests until the other side closes."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    # Before the first limit is set, so that its memory counts towards no file.
    from workbench.parsers import languages, methods  # noqa: F401

    while line := requests.readline():
        request = json.loads(line)
        data = requests.read(request["size"])
        if len(data) < request["size"]:
            return
        _limit(request)
        try:
            answer: dict[str, Any] = {"draft": _draft(request, data)}
        except Exception as error:  # noqa: BLE001 - whatever a foreign file breaks goes back as a refusal
            from workbench.errors import DocumentError

            if not isinstance(error, DocumentError):
                error = DocumentError(f"{type(error).__name__}: {error}")
                error.__cause__ = error
            # A refusal is nothing out of the way; after anything else this process has had its day.
            answer = {"error": str(error), "spent": error.__cause__ is not None}
        del data
        _send(answers, answer, request["output_bytes"])
        if answer.get("spent"):
            return


def _draft(request: dict[str, Any], data: bytes) -> dict[str, Any]:
    from workbench.parsers.methods import PARSERS, parse_draft
    from workbench.specs import from_dict

    parser = from_dict(PARSERS, request["parser"], "parser")
    return parse_draft(request["name"], data, parser, request["format"]).to_plain()


def _send(answers: BinaryIO, answer: dict[str, Any], limit: int) -> None:
    try:
        body = json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace")
    except MemoryError:
        body = b""
    if not body or len(body) > limit:
        body = json.dumps({"error": "", "large": True, "spent": True}).encode()
    answers.write(struct.pack(">Q", len(body)))
    answers.write(body)
    answers.flush()


def _limit(request: dict[str, Any]) -> None:
    """Bound processor time and memory for this request. Systems without such limits have the wall clock alone."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + request["cpu_seconds"]) + 1
    for kind, value in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_AS, request["memory_bytes"]),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # a system that does not know this limit
            resource.setrlimit(kind, (soft, hard))


if __name__ == "__main__":
    main()
