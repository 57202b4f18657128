# What a user and CI run. Every target is safe to repeat.
HOST ?= localhost
PORT ?= 8501
SUITES ?=

.PHONY: help run test lint lock environments bench fuzz soak clean

help:
	@echo "make run     start the app on http://$(HOST):$(PORT) (PORT=... and HOST=... for another)"
	@echo "make test    lint, types, layers and every test, the browser's included (SUITES='unit laws' for some)"
	@echo "make lint    ruff, mypy and the layers alone"
	@echo "make lock    write requirements.lock: every package that requirements.txt brings, with its version"
	@echo "make environments  Python environments in which some tests run exported code (pip, once)"
	@echo "make bench   measure speed and size; prints a table"
	@echo "make fuzz    20,000 mutated files of all formats through the sandbox (MUTATIONS=... for another number)"
	@echo "make soak    30 users at once on a server of their own for 10 minutes (USERS=... MINUTES=...)"
	@echo "make clean   remove .venv and the tools' caches; workspaces in .workbench/ stay"

run:
	@.ci/install requirements.txt
	@.venv/bin/python -m streamlit run app.py --server.address $(HOST) --server.port $(PORT)

test:
	@.ci/install requirements.txt requirements-dev.txt
	@.venv/bin/python tests/suites.py $(SUITES)

lint:
	@.ci/install requirements.txt requirements-dev.txt
	@.venv/bin/python tests/suites.py ruff mypy layers

lock:
	@.ci/install requirements.txt requirements-dev.txt
	@.venv/bin/python .ci/lock > requirements.lock

environments:
	@.ci/install requirements.txt requirements-dev.txt
	@.venv/bin/python tests/environments.py

bench:
	@.ci/install requirements.txt requirements-dev.txt
	@.venv/bin/python -m benchmarks

fuzz:
	@.ci/install requirements.txt requirements-dev.txt
	@.venv/bin/python tests/hostile/fuzzing.py --mutations $(or $(MUTATIONS),20000)

soak:
	@.ci/install requirements.txt requirements-dev.txt
	@.venv/bin/python tests/soak.py --users $(or $(USERS),30) --minutes $(or $(MINUTES),10)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
