"""`app`: the pages in a browser, from the repository or an installed wheel; the same as `streamlit run app.py`."""

import sys

from workbench.cli import DONE
from workbench.cli.flags import Flags
from workbench.installation import beside, needing


def run(arguments: list[str]) -> int:
    """Serve the app until it is stopped."""
    flags = Flags("app", "The pages in a browser. Stop it with Ctrl+C.")
    flags.add_argument("--host", default="localhost", help="the address to listen on; 0.0.0.0 lets others in")
    flags.add_argument("--port", type=int, default=8501, help="the port to listen on")
    given = flags.read(arguments)
    with needing("app", "the app"):
        from streamlit.web.cli import main
    address = [f"--server.address={given['host']}", f"--server.port={given['port']}"]
    sys.argv[0] = "streamlit"  # what its own messages call it
    main(["run", str(beside("app.py")), *address], standalone_mode=False)
    return DONE
