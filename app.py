"""The app: which pages there are, in which order. `make run`, `workbench app` and `streamlit run app.py` start it.

Streamlit imports this file once, for the server in `app`, and runs it as `__main__` for each run of a page.
"""

import streamlit as st

from workbench.ui import server

PAGES = {
    "pages/1_Bench.py": ":material/tune:",
    "pages/2_Documents.py": ":material/description:",
    "pages/3_Models.py": ":material/hub:",
    "pages/4_Golden_set.py": ":material/fact_check:",
    "pages/5_Experiments.py": ":material/science:",
    "pages/6_Decision.py": ":material/gavel:",
}

if __name__ == "__main__":
    server.run_page(PAGES)
else:
    app = st.App(__file__, lifespan=server.lifespan, middleware=server.MIDDLEWARE)  # found by name, not executed first
