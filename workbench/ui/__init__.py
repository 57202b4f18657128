"""The app's side of the workbench: the only place, with the pages, that imports Streamlit."""
