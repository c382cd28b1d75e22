"""What an adapter says about itself; the base that it names is never evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

CONFIG: Final = "adapter_config.json"
WEIGHTS: Final = "adapter_model.safetensors"
_LONGEST: Final = 200


@dataclass(frozen=True)
class AdapterConfig:
    """The parts of adapter_config.json that matter here; None where it is silent."""

    kind: str | None
    rank: int | None
    targets: tuple[str, ...]
    named_base: str | None
    transposed: bool

    def to_json(self) -> dict[str, Any]:
        """Return the parts as JSON."""
        return {
            "kind": self.kind,
            "rank": self.rank,
            "targets": list(self.targets),
            "named_base": self.named_base,
        }


def read_config(raw: Mapping[str, Any]) -> AdapterConfig:
    """Return the parts of a parsed adapter_config.json; odd values count as absent."""
    rank, targets = raw.get("r"), raw.get("target_modules")
    if isinstance(targets, str):
        targets = [targets]
    listed = targets if isinstance(targets, list) else []
    return AdapterConfig(
        kind=_text(raw.get("peft_type")),
        rank=rank if type(rank) is int and rank > 0 else None,
        targets=tuple(sorted({text for item in listed if (text := _text(item))})),
        named_base=_text(raw.get("base_model_name_or_path")),
        transposed=raw.get("fan_in_fan_out") is True,
    )


def _text(value: Any) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) and value else None
