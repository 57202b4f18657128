"""What a spreadsheet would run is not a formula in any cell of a table; numbers and other texts stay as they are."""

import pytest

from workbench.reports.render import cell
from workbench.ui.layout import cells


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "  =1",
        "\r=1",
        "\n=1",
        "＝1",
        '=HYPERLINK("x")',
        "-a",
        "+",
    ],
)
def test_a_formula_stands_behind_an_apostrophe(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=b", "-5", "+1.5", "-1,204", "- ", "heron", "'=1", "12 %", "-3%"])
def test_other_texts_and_numbers_stay(text):
    assert cell(text) == (f"'{text}" if text == "- " else text)


def test_rows_keep_their_numbers_and_lists_are_looked_into():
    assert cells([{"=name": "=1", "n": -1, "tags": ["@x", "y"], "none": None}]) == [
        {"'=name": "'=1", "n": -1, "tags": ["'@x", "y"], "none": None}
    ]
