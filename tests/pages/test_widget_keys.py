"""The keys of the pages' widgets: styles, tests and what a visit remembers go by them, so none may change its name.

`widget_keys.json` beside this file holds those of each page as it is opened. Record them again with RECORD=1.
"""

import json
import os
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from workbench.workspaces import Workspace

EXPECTED = Path(__file__).with_name("widget_keys.json")
PAGES = ("Bench", "Documents", "Models", "Golden_set", "Experiments", "Decision")
OWN = re.compile(r"[0-9a-f]{8,}|\d+")
"""What a key has of a document, a model or a count."""


def keys(app: AppTest) -> list[str]:
    """The keys of the widgets that are drawn; spaces at the end tell one drawing from the next."""
    kinds = "button checkbox multiselect number_input radio selectbox slider text_area text_input toggle button_group"
    found = {widget.key.rstrip() for kind in kinds.split() for widget in app.get(kind) if widget.key}
    return sorted({OWN.sub("#", key) for key in found})


@pytest.mark.parametrize("where", PAGES)
def test_no_key_of_a_widget_goes(visit, few: Workspace, where: str) -> None:
    found = keys(visit(where))
    known = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    if os.environ.get("RECORD"):
        EXPECTED.write_text(json.dumps(known | {where: found}, indent=1) + "\n")
        return
    assert set(known[where]) <= set(found)
