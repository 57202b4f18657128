"""A chunk that holds a part of a table carries the table's head row in its header, never in its text."""

from workbench.parsers import parse
from workbench.splitters import SPLITTERS
from workbench.splitters.splitter import MAX_HEAD


def chunks(name: str, text: str, size: int = 30):
    document = parse(name, text.encode())
    splitter = SPLITTERS["recursive"](chunk_size=size, chunk_overlap=0, unit="characters", header="path")
    return document, splitter(document)


def test_rows_below_the_head_row_carry_it():
    rows = "".join(f"| c{i} | {i} |\n" for i in range(9))
    table = "# Rates\n\nWords before it.\n\n| city | rate |\n|---|---|\n" + rows
    document, cut = chunks("a.md", table + "\nAfter the table.\n")
    head = table.index("| city")
    end = table.rindex("|") + 1
    assert sum(head < c.span.start < end for c in cut) > 2
    for chunk in cut:
        inside = head < chunk.span.start < end
        wanted = "Rates\n| city | rate |" if inside else "Rates" if chunk.span.start else ""
        assert chunk.header == wanted
        assert document[chunk.span] == document.text[chunk.span.start : chunk.span.end]


def test_csv_rows_carry_the_first_row_and_a_long_one_is_not_repeated():
    _, cut = chunks("a.csv", "name,price\n" + "".join(f"thing{i},{i}\n" for i in range(9)))
    assert set(cut.headers[1:]) == {"name,price"}
    assert cut.headers[0] == ""
    _, cut = chunks("a.csv", "n" * MAX_HEAD + ",price\n" + "".join(f"thing{i},{i}\n" for i in range(9)), 600)
    assert set(cut.headers) == {""}


def test_a_table_of_one_row_has_no_head():
    _, cut = chunks("a.html", "<table><tr><td>" + "word " * 40 + "</table>")
    assert set(cut.headers) == {""}
