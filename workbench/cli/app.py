"""`app`: the pages in a browser, from the repository or an installed wheel; the same as `streamlit run app.py`."""

import os
import sys

from workbench.cli.flags import Flags
from workbench.errors import WorkbenchError
from workbench.installation import beside, install, is_installed


def run(arguments: list[str]) -> int:
    """Become the app's server, which runs until it is stopped."""
    flags = Flags("app", "The pages in a browser. Stop it with Ctrl+C.")
    flags.add_argument("--host", default="localhost", help="the address to listen on; 0.0.0.0 lets others in")
    flags.add_argument("--port", type=int, default=8501, help="the port to listen on")
    given = flags.read(arguments)
    if not is_installed("streamlit"):
        raise WorkbenchError(f"the app needs streamlit, which is not installed; {install('app')}")
    address = [f"--server.address={given['host']}", f"--server.port={given['port']}"]
    command = [sys.executable, "-m", "streamlit", "run", str(beside("app.py")), *address]
    os.execv(sys.executable, command)  # its signals and its exit status are ours
