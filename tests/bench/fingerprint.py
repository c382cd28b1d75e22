"""Time of a sketch beside sha256sum of the same warm file: one row of markdown.

    python tests/bench/fingerprint.py [--gigabytes 1] [--runs 3] [--dtype BF16]
    python tests/bench/fingerprint.py --seven      # LLaMA-7B's shape, 13.5 GB

The file has the form of a LLaMA model; its values are those of a small trained model,
repeated to that width. It is for timing only and is deleted afterwards.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

VOCAB = 32_000
# d, h: of TinyLlama, and of LLaMA-7B with its 32 layers and untied head.
SMALL, SEVEN = (2048, 5632), (4096, 11_008)
TRAINED = Path(__file__).parents[1] / "zoo/small-1/model.safetensors"
ITEM_BYTES = {"BF16": 2, "F16": 2, "F32": 4}
# The command line, then its peak memory in KiB (Linux).
SKETCH = """
import re, sys
from registry.fingerprint.cli import main
status = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
sys.exit(status)
"""
ROW = "| {dtype} {size:.2f} GB | {ours:.2f} s | {sha:.2f} s | {x:.2f} | {ssl:.2f} s "
ROW_END = "| {y:.2f} | {rss:.0f} MiB |"


def main() -> None:
    """Make the file, time the commands in turn, print the row."""
    options = _parser().parse_args()
    if not 0 < options.gigabytes <= 16 or not 1 <= options.runs <= 20:
        raise SystemExit("at most 16 GB and 20 runs")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.dir) as folder:
        path = Path(folder) / "model.safetensors"
        size = write_model(path, options)
        sketch = ["sketch", str(path), "-o", str(Path(folder) / "sketch")]
        commands = [
            [sys.executable, "-c", SKETCH, *sketch],
            ["sha256sum", str(path)],
            [shutil.which("openssl") or "openssl", "dgst", "-sha256", str(path)],
        ]
        subprocess.run(commands[1], check=True, stdout=subprocess.DEVNULL)  # warm
        runs = [[timed(command) for command in commands] for _ in range(options.runs)]
    by_command = list(zip(*runs, strict=True))
    ours, sha, ssl = (statistics.median(s for s, _ in made) for made in by_command)
    rss = max(int(said.splitlines()[-1]) for _, said in by_command[0]) / 1024
    row = {"dtype": options.dtype, "size": size / 1e9, "ours": ours, "sha": sha}
    row |= {"x": ours / sha, "ssl": ssl, "y": ours / ssl, "rss": rss}
    print("| file | sketch | sha256sum | ratio | openssl | ratio | peak memory |")
    print("|---|---|---|---|---|---|---|")
    print((ROW + ROW_END).format(**row))


def timed(command: list[str]) -> tuple[float, str]:
    """Return the wall time of a command in seconds, and what it printed."""
    started = time.perf_counter()
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - started, said


def write_model(path: Path, options: argparse.Namespace) -> int:
    """Write a LLaMA-shaped file as the options say; return its size."""
    shapes = _shapes(options)
    item = ITEM_BYTES[options.dtype]
    at, header = 0, {}
    for name, shape in shapes.items():
        end = at + shape[0] * shape[1] * item
        header[name] = {
            "dtype": options.dtype,
            "shape": shape,
            "data_offsets": [at, end],
        }
        at = end
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    tile = _tile(options.dtype)
    with path.open("wb") as file:
        file.write(len(head).to_bytes(8, "little") + head)
        for written in range(0, at, len(tile)):
            file.write(tile[: at - written])
    return path.stat().st_size


def _shapes(options: argparse.Namespace) -> dict[str, tuple[int, int]]:
    d, h = SEVEN if options.seven else SMALL
    tables = {"model.embed_tokens.weight": (VOCAB, d)}
    n_layers = 32
    if options.seven:
        tables["lm_head.weight"] = (VOCAB, d)
    else:
        values = options.gigabytes * 1e9 / ITEM_BYTES[options.dtype] - VOCAB * d
        n_layers = max(1, round(values / (4 * d * d + 3 * d * h)))
    layers = [_layer(layer, d, h) for layer in range(n_layers)]
    return {name: shape for part in (tables, *layers) for name, shape in part.items()}


def _layer(layer: int, d: int, h: int) -> dict[str, tuple[int, int]]:
    at = f"model.layers.{layer}."
    attention = {f"{at}self_attn.{x}_proj.weight": (d, d) for x in "qkvo"}
    ffn = {f"{at}mlp.{x}_proj.weight": (h, d) for x in ("gate", "up")}
    return attention | ffn | {f"{at}mlp.down_proj.weight": (d, h)}


def _tile(dtype: str) -> bytes:
    """Return the trained model's values, an odd number, so that no tensors repeat."""
    data = TRAINED.read_bytes()
    at = 8 + int.from_bytes(data[:8], "little")
    values = np.frombuffer(data, "<u2", offset=at)
    values = values[: (values.size - 1) // 2 * 2 + 1]
    if dtype == "BF16":
        return values.tobytes()
    wide = (values.astype(np.uint32) << 16).view(np.float32)
    return wide.astype(np.float16 if dtype == "F16" else np.float32).tobytes()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--seven", action="store_true", help="LLaMA-7B's shape")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--dtype", choices=sorted(ITEM_BYTES), default="BF16")
    parser.add_argument("--dir", type=Path, default=None, help="where the file goes")
    return parser


if __name__ == "__main__":
    main()
