"""Some users at once on the real server, for a moment: no error, nobody sees another's document. See `make soak`."""

import pytest
import soak


@pytest.mark.slow
def test_users_at_once_see_no_error_and_nothing_of_each_other(tmp_path):
    tally = soak.soak(tmp_path / "home", users=4, seconds=12, seed=1)
    assert tally.failures == []
    assert len(tally.secrets) >= 4  # on a quick machine one who left has come again
    assert len(tally.seconds["open"]) == len(tally.secrets)
    assert len(tally.seconds["upload"]) >= len(tally.secrets)
