"""How this server is run: by one person or for visitors, and which models visitors may name."""

import os

from workbench.errors import SpecError


def team_mode() -> bool:
    """Whether visitors share this server (`WORKBENCH_MODE=team`), each in a workspace of their own.

    They may name no folder of it, then, and no model outside a list.

    Raises:
        SpecError: the variable says neither team nor local.
    """
    mode = os.environ.get("WORKBENCH_MODE", "local")
    if mode not in ("local", "team"):
        raise SpecError(f"WORKBENCH_MODE ({mode!r}) must be local or team")
    return mode == "team"


def allowed_models() -> frozenset[str]:
    """The models beyond the packaged ones that team mode allows (`WORKBENCH_MODELS`), remote ones as endpoint/model."""
    return frozenset(filter(None, (n.strip() for n in os.environ.get("WORKBENCH_MODELS", "").split(","))))
