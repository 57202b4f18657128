"""`embedder.py` of an export, and the lines that name a model."""

from workbench.embedders import Embedder
from workbench.exports.splitting import hub_name

_STATIC = '''"""Static embedding: a text's vector is the mean of its tokens' fixed vectors. Needs numpy and a tokenizer.

The model's folder is MODEL_PATH, where that is set, or {where}.
"""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer


def folder() -> Path:
    """Where the model's files lie."""
    given = os.environ.get("MODEL_PATH")
    return Path(given) if given else _default()


@cache
def _model() -> tuple[Tokenizer, NDArray[np.float32]]:
    tokenizer = Tokenizer.from_file(str(folder() / "{tokenizer}"))
    tokenizer.no_padding()
    tensors = load_file(folder() / "{weights}")
    table = tensors["embedding.weight"] if "embedding.weight" in tensors else tensors["embeddings"]
    return tokenizer, np.ascontiguousarray(table, np.float32)


def encode(texts: Sequence[str]) -> NDArray[np.float32]:
    """(n, dim) float32, a row for each text; zeros for an empty one."""
    tokenizer, table = _model()
    rows = np.zeros((len(texts), table.shape[1]), np.float32)
    for i, encoding in enumerate(tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)):
        if encoding.ids:
            rows[i] = table[encoding.ids].mean(axis=0)
{unit}    return rows


def _default() -> Path:
{default}
'''

_UNIT = """    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
"""


def static_source(embedder: Embedder) -> str:
    """The text of `embedder.py` for a static model."""
    model = embedder.source
    if model.home.startswith("package "):
        where = f"the one in the package {model.folder.name}"
        default = "    from importlib.util import find_spec\n\n"
        default += f'    return Path(find_spec("{model.folder.name}").origin).parent\n'
    elif model.home == "folder":
        where = "the folder that the pipeline names"
        default = f"    return Path({model.name!r})\n"
    else:
        where = "the hub's"
        default = "    from huggingface_hub import snapshot_download\n\n"
        default += f"    return Path(snapshot_download({model.name!r}))\n"
    text = _STATIC.replace("{where}", where).replace("{default}", default.rstrip("\n"))
    text = text.replace("{tokenizer}", model.tokenizer.relative_to(model.folder).as_posix())
    text = text.replace("{weights}", model.weights[0].relative_to(model.folder).as_posix())
    cut = getattr(embedder, "truncate_dim", 0)
    after = (f"    rows = rows[:, :{cut}]\n" if cut else "") + (_UNIT if embedder.normalised else "")
    return text.replace("{unit}", after)


def model_line(embedder: Embedder) -> str:
    """`MODEL = …` with the way to name a local folder."""
    return f'MODEL = os.environ.get("MODEL_PATH", "{hub_name(embedder.source.name)}")'


def needs_unit(embedder: Embedder, metric: str) -> bool:
    """Whether vectors are brought to length 1 for the index: cosine asks for it; half formats, truncation."""
    dtype = getattr(embedder, "dtype", "float32")
    shorter = bool(getattr(embedder, "truncate_dim", 0))
    return metric == "cosine" or (embedder.normalised and (dtype != "float32" or shorter))
