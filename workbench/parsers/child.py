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
from collections.abc import Mapping
from typing import Any, BinaryIO

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
    from workbench.parsers import confinement

    network = confinement.shut_network()
    # Before the first limit is set, so that its memory counts towards no file; the languages' model writes a file once.
    from workbench.parsers import languages, tasks

    languages.identifier()
    tasks.added_formats()  # other packages load here, and may be large
    while line := requests.readline():
        request = json.loads(line)
        data = requests.read(request["size"])
        if len(data) < request["size"]:
            return
        held = confinement.bound(request["limits"])
        try:
            if request["task"] == "isolation":
                result: Any = {"network": network, "limits": held}
            else:
                result = tasks.TASKS[request["task"]](request["name"], data, **request["arguments"])
            answer: dict[str, Any] = {"result": result}
        except Exception as error:  # noqa: BLE001 - whatever a foreign file breaks goes back as a refusal
            answer = _refusal(request, error)
        del data
        _send(answers, answer, request["limits"]["output_bytes"])
        if answer.get("spent"):
            return


def shut_out() -> None:
    """Let no parser's library load a model framework here, as spaCy's does where it finds one."""
    for name in _SHUT_OUT:
        sys.modules[name] = None  # type: ignore[assignment]


def _refusal(request: Mapping[str, Any], error: Exception) -> dict[str, Any]:
    """What is said of a failure. After anything but a refusal in good order the process has had its day."""
    from workbench.errors import DocumentError
    from workbench.parsers.names import label

    cause = error.__cause__ or error
    limits = request["limits"]
    if isinstance(cause, OSError) and cause.errno == errno.EMFILE:
        said = f"reading it opens more than {limits['open_files']} files at once, the limit. Save it anew."
    elif isinstance(cause, OSError) and cause.errno == errno.EFBIG:
        said = f"reading it writes more than {limits['output_bytes'] / 1e6:,.0f} MB, the limit. Split it into parts."
    elif isinstance(error, DocumentError):
        return {"error": str(error), "spent": error.__cause__ is not None}
    else:
        said = f"it cannot be read ({type(error).__name__}: {error}). Save it anew."
    return {"error": f"{label(request['name'])}: {said}", "spent": True}


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
