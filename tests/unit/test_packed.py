"""Packed layers: the same sums, and only where they are known to be."""

from typing import Any

import pytest
import torch
from transformers import BertConfig, BertModel, DistilBertConfig, DistilBertModel

from workbench.embedders.sentence_transformer import pack

SMALL = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


def network(model: Any) -> Any:
    """As sentence-transformers holds it."""
    first = torch.nn.Module()
    first.auto_model = model.eval()
    return torch.nn.Sequential(first)


def linear(model: Any) -> int:
    return sum(type(m) is torch.nn.Linear for m in model.modules())


@pytest.mark.parametrize("act", ["gelu", "relu"])
def test_a_packed_network_gives_the_same_states(act: str) -> None:
    torch.manual_seed(0)
    model = BertModel(BertConfig(**SMALL, hidden_act=act), add_pooling_layer=False)
    ids, mask = torch.randint(0, 50, (3, 17)), torch.ones(3, 17, dtype=torch.long)
    mask[1, 9:] = 0
    with torch.inference_mode():
        before = network(model)[0].auto_model(input_ids=ids, attention_mask=mask).last_hidden_state
        pack(network(model))
        after = model(input_ids=ids, attention_mask=mask).last_hidden_state
    assert torch.backends.mkldnn.is_available() == (linear(model) == 0)
    torch.testing.assert_close(after, before, atol=1e-5, rtol=0)


def test_what_is_not_known_stays() -> None:
    other = DistilBertModel(DistilBertConfig(vocab_size=50, dim=32, n_layers=1, n_heads=4, hidden_dim=64))
    half = BertModel(BertConfig(**SMALL), add_pooling_layer=False).half()
    for model in (other, half):
        n = linear(model)
        pack(network(model))
        assert linear(model) == n > 0
