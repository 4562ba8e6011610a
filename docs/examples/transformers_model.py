"""A transformers model with random weights, compiled, and fed sentences of different lengths."""

import torch
from transformers import BertConfig, BertModel

torch.manual_seed(0)
config = BertConfig(
    vocab_size=100,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=64,
)
model = BertModel(config).eval()
model.compile(backend="eager")
with torch.no_grad():
    for length in [12, 12, 20, 33]:  # @lengths
        out = model(input_ids=torch.randint(0, 100, (2, length)))
print("hidden size", out.last_hidden_state.shape[-1])
