"""What environment variables say of this server: where it keeps things, and whether visitors share it."""

import os
from pathlib import Path

from workbench.errors import SpecError


def home() -> Path:
    """Return the folder of workspaces and cache: `WORKBENCH_HOME`, or `.workbench/` where the command was started."""
    return Path(os.environ.get("WORKBENCH_HOME") or ".workbench").resolve()


def team_mode() -> bool:
    """Return whether visitors share this server (`WORKBENCH_MODE=team`), each in a workspace of their own.

    They may name no folder of it, then, and no model outside a list.

    Raises:
        SpecError: the variable says neither team nor local.
    """
    mode = os.environ.get("WORKBENCH_MODE", "local")
    if mode not in ("local", "team"):
        raise SpecError(f"WORKBENCH_MODE ({mode!r}) must be local or team")
    return mode == "team"


def allowed_models() -> frozenset[str]:
    """Return the models beyond the packaged ones that team mode allows (`WORKBENCH_MODELS`), as endpoint/model too."""
    return frozenset(filter(None, (n.strip() for n in os.environ.get("WORKBENCH_MODELS", "").split(","))))
