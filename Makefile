# What a user and CI run. Every target is safe to repeat.
PORT ?= 8501

.PHONY: help run test bench clean

help:
	@echo "make run     start the app on http://localhost:$(PORT) (PORT=... for another port)"
	@echo "make test    lint, types, layers and every test, the browser's included"
	@echo "make bench   measure speed and size; prints a table"
	@echo "make clean   remove .venv and the tools' caches; workspaces in .workbench/ stay"

run:
	@.ci/install requirements.txt
	@.venv/bin/python -m streamlit run app.py --server.port $(PORT)

test:
	@.ci/install requirements.txt requirements-dev.txt
	@.venv/bin/python tests/suites.py

bench:
	@.ci/install requirements.txt requirements-dev.txt
	@.venv/bin/python -m benchmarks

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
