#!/bin/sh
# Makes the example review anew from the sample corpus, with the model that is installed along with the workbench.
set -e
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
$python -m workbench sweep sample_docs --golden sample_docs/golden.jsonl --grid docs/example-review/grid.yaml \
    --held-out 0.25 --out .workbench/example-review
$python -m workbench report sample_docs --golden sample_docs/golden.jsonl --runs .workbench/example-review \
    --chosen 'recursive 200/20 tokens · wordllama-256 · hybrid' \
    --question 'How should the support handbook be cut and searched, with the model that needs no GPU?' \
    --decided-by 'the example' --date 2026-11-24 \
    --why 'Half the context of the leaders, which the questions do not set apart from it; hybrid finds codes and paraphrases.' \
    --documents 2000 --queries 50000 --context-price 3 --embedding-price 0 \
    --out docs/example-review/pack.html --out docs/example-review/pack.md
