"""Pages with more documents than a list can offer."""

from workbench.ui import offering


def test_of_many_documents_a_part_is_offered_and_the_others_are_found_by_name(visit, monkeypatch):
    monkeypatch.setattr(offering, "MOST_OFFERED", 3)
    app = visit("Bench")
    choice = app.selectbox(key="bench-document")
    assert len(choice.options) == 3
    shown = choice.value
    app.text_input(key="bench-find").set_value("TRAVEL").run()
    choice = app.selectbox(key="bench-document")
    assert [option for option in choice.options if "travel" in option]
    assert choice.value == shown  # what is read stays until another is chosen
    wanted = next(option for option in choice.options if "travel" in option)
    choice.select(wanted).run()
    assert not app.exception
    assert "travel" in app.selectbox(key="bench-document").options[0]
