"""The process in which foreign files are read: `python -m workbench.parsers.child`, asked over its standard streams.

A request is a line of JSON (task, name, arguments, limits, size) followed by `size` bytes; an answer is the length in
8 bytes and JSON: {"result": …} or {"error": …}. Nothing else can reach the answering stream.
"""

import contextlib
import errno
import json
import os
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from workbench.errors import DocumentError
from workbench.parsers import detect, sandbox
from workbench.parsers.pdf import page_images
from workbench.parsers.registry import PARSERS, added_formats, parse_draft
from workbench.specs import from_dict


def parse(name: str, data: bytes, parser: Mapping[str, Any], format: str) -> dict[str, Any]:
    """Return the raw document as plain values."""
    return parse_draft(name, data, from_dict(PARSERS, parser, "parser"), format).to_plain()


TASKS: dict[str, Callable[..., Any]] = {
    "parse": parse,
    "image": page_images.draw,
    "boxes": page_images.measure,
}
"""The tasks; each takes a name, bytes and plain JSON arguments."""

_SHUT_OUT = ("torch", "tensorflow", "jax", "cupy", "mxnet")
_NICE = 5  # whoever waits for the app itself comes first


def main() -> None:
    """Answer requests until the other side closes."""
    requests = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_NICE)
    shut_out()
    network = sandbox.shut_network()
    detect.identifier()  # before the first limit is set: it counts towards no file, and writes a file once
    added_formats()  # other packages load here, and may be large
    while line := requests.readline():
        request = json.loads(line)
        data = requests.read(request["size"])
        if len(data) < request["size"]:
            return
        held = sandbox.bound(request["limits"])
        try:
            if request["task"] == "isolation":
                result: Any = {"network": network, "limits": held}
            else:
                result = TASKS[request["task"]](request["name"], data, **request["arguments"])
            answer: dict[str, Any] = {"result": result}
        except Exception as error:  # noqa: BLE001 - whatever a foreign file breaks goes back as a refusal
            answer = _refusal(request, error)
        del data
        _send(answers, answer, request["limits"]["output_bytes"])
        if answer.get("spent"):
            return


def shut_out() -> None:
    """Keep the parsers' libraries from loading a model framework, as spaCy does if it finds one."""
    for name in _SHUT_OUT:
        sys.modules[name] = None  # type: ignore[assignment]


def _refusal(request: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    """Return the answer for a failure; `spent` says that the process must end, after all but an orderly refusal."""
    cause = error.__cause__ or error
    limits = request["limits"]
    if isinstance(cause, OSError) and cause.errno == errno.EMFILE:
        said = f"reading it opens more than {limits['open_files']} files at once, the limit. Save it again."
    elif isinstance(cause, OSError) and cause.errno == errno.EFBIG:
        said = f"reading it writes more than {limits['output_bytes'] / 1e6:,.0f} MB, the limit. Split it into parts."
    elif isinstance(error, DocumentError):
        return {"error": str(error), "spent": error.__cause__ is not None}
    else:
        said = f"it cannot be read ({type(error).__name__}: {error}). Save it again."
    return {"error": f"{detect.label(request['name'])}: {said}", "spent": True}


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


if __name__ == "__main__":
    main()
