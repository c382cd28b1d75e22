"""A trained low-rank adapter alone, as the PEFT library stores it."""

from __future__ import annotations

import json
from pathlib import Path

from networks import Weights
from recipes import Recipe
from safetensors.torch import save_file


def write(folder: Path, recipe: Recipe, weights: Weights) -> None:
    """Write adapter_model.safetensors and adapter_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    halves = {
        f"base_model.model.{name}": value.detach().bfloat16()
        for name, value in weights.items()
        if "lora_" in name
    }
    path = folder / "adapter_model.safetensors"
    save_file(halves, path, metadata={"format": "pt"})
    targets = {name.split(".lora_")[0].split(".")[-1] for name in halves}
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": recipe.parent,
        "r": recipe.lora,
        "lora_alpha": 2 * recipe.lora,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": recipe.shape.kind == "gpt2",
        "target_modules": sorted(targets),
    }
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(config, indent=2) + "\n")
