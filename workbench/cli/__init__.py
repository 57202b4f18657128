"""The workbench as commands: `python -m workbench COMMAND`.

Results go to stdout, progress and errors to stderr. To add a command, write `run(arguments) -> int` in a module of its
name here, and name it in COMMANDS; the module is imported only when its command is called.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from io import TextIOWrapper

from workbench.errors import SpecError, WorkbenchError
from workbench.installation import install

COMMANDS = {
    "parse": "what the parser makes of files: text, sections, pages, warnings",
    "chunk": "the chunks that a splitter cuts, each with its exact place in the text",
    "search": "the best chunks of files and folders for a query",
    "evaluate": "how well a pipeline finds the passages of a golden set",
    "doctor": "what is wrong with the chunks, no labels needed",
    "adapt": "whether an adapter learned from a golden set finds more, and the pipeline with it",
    "sweep": "a grid of pipelines measured on a golden set, and which differences are real",
    "compare": "two runs, question by question",
    "check": "whether a pipeline is significantly worse than a run that was kept",
    "export": "a pipeline as code for LangChain, LlamaIndex or Haystack, or as a bundle of data",
    "verify": "whether exported code gives what the workbench gives: every chunk, vector and hit",
    "report": "the review report of a sweep, one HTML file or Markdown",
    "models": "the embedding models, and whether each can be had here and now",
    "app": "the pages in a browser",
}
"""Name → one line about it. The command is the function `run` of the module of this name."""

_READING = ("parse", "chunk", "search", "evaluate", "doctor", "sweep", "check")  # they read files at once

DONE, NOT_HELD, WRONG_INPUT, FAULT, CANNOT_TELL = 0, 1, 2, 3, 4
"""What a command returns: all went well; a check did not hold; the user's input was wrong; a fault of our own; a
gate that could not have seen any drop."""

INTERRUPTED, PIPE_CLOSED = 130, 141  # as shells have it: 128 and the signal's number


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status of a command line; every failure has become one line on stderr."""
    _settle_streams()
    try:
        try:
            return _run(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            sys.stdout.flush()  # here, where its failure can still be told
    except WorkbenchError as error:
        _say(f"error: {error}")
        return WRONG_INPUT
    except ModuleNotFoundError as error:  # of an extra; what a user is likely to meet says so by itself
        _say(f"error: {(error.name or 'a library').partition('.')[0]} is not installed; {install('all')}")
        return WRONG_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read has enough, as `head` does
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 — the last stop before the user
        _say(f"unexpected error: {type(error).__name__}: {error}. WORKBENCH_DEBUG=1 shows where it happened")
        return FAULT


def _run(arguments: list[str]) -> int:
    if not arguments:
        raise SpecError(f"no command is named; there are {', '.join(COMMANDS)}, and --help")
    name, *rest = arguments
    if name in ("-h", "--help", "help"):
        print(_help())
        return DONE
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, n=1)
        meant = f"did you mean {near[0]}? There" if near else "there"
        raise SpecError(f"there is no command {name!r}; {meant} are {', '.join(COMMANDS)}, and --help")
    if name in _READING and not {"-h", "--help"} & set(rest):
        import_module("workbench.parsers.sandbox").begin()
    status: int = import_module(f"workbench.cli.{name}").run(rest)
    return status


def _help() -> str:
    lines = "\n".join(f"  {name:<8} {about}" for name, about in COMMANDS.items())
    return (
        "usage: python -m workbench COMMAND …\n\n"
        f"{lines}\n\n"
        "COMMAND --help tells a command's flags. Results go to stdout, progress and errors to stderr.\n"
        "Exit status: 0 done, 1 a check did not hold, 2 the input was wrong, 3 a fault of the workbench,\n"
        "4 a gate that could not have seen a drop."
    )


def _say(message: str) -> None:
    """One line on stderr; the traceback before it if WORKBENCH_DEBUG=1."""
    if os.environ.get("WORKBENCH_DEBUG", "") == "1":
        traceback.print_exc()
    print(" ".join(message.split()), file=sys.stderr)


def _settle_streams() -> None:
    """UTF-8 whatever the locale; half a character, which UTF-8 cannot hold, as the escape that JSON has for it."""
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 — stays open as long as the process
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    if isinstance(sys.stderr, TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    if not sys.warnoptions and os.environ.get("WORKBENCH_DEBUG", "") != "1":
        import warnings

        warnings.simplefilter("ignore")  # libraries' notes to programmers
