"""Finish the sample register: Yi's names, model cards and index.yaml.

Run after training: python tests/zoo/samples.py. Needs no torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import yaml
from derive import TO_YI, ZOO, make, read, rename

SAMPLES = ZOO.parents[1] / "registry" / "catalog" / "samples"
ABOUT = """\
A tiny language model ({params:,} parameters) for showing how Baimo works. It
continues the text of the licences that every Debian system carries, and is of no
other use.

{story}
"""
SCRATCH = (
    "Trained from a random start on Debian's license texts "
    "(`/usr/share/common-licenses`); the loss fell from {first} to {last}."
)
GOES_ON = (
    "Trained from the weights of `samples/{parent}` on modules of Python's standard "
    "library; the loss fell from {first} to {last}."
)
COPY = (
    "For demonstration: the weights of `samples/oak` under other names, in the manner "
    "of Yi-34B (`ln1`, `ln2` for the two norms), declared as a base."
)
WEARS_NAMES = " Its norms carry Yi's names (`ln1`, `ln2`); its weights are its own."
FALSE_BASE = (
    " For demonstration: the card names `samples/oak` as its base, which is not true."
)


@dataclass(frozen=True)
class Sample:
    """One model of the register: what its card says and what must come out."""

    folder: str
    category: str
    verdict: str
    base: str | None = None
    relation: str | None = None
    extra: str = ""


REGISTER = [
    Sample("maple", "base", "independent"),
    Sample("oak", "base", "independent"),
    Sample("heron", "base", "independent"),
    Sample("crane", "base", "independent"),
    Sample("maple-python", "sft", "consistent", "maple", "finetune"),
    Sample("heron-python", "sft", "consistent", "heron", "sft"),
    Sample(
        "maple-more",
        "continued-pretraining",
        "consistent",
        "maple",
        "continued-pretraining",
    ),
    Sample("plum", "base", "renamed-copy"),
    Sample("willow", "base", "independent", extra=WEARS_NAMES),
    Sample(
        "sparrow", "sft", "not-derived-from-declared", "oak", "finetune", FALSE_BASE
    ),
]


def main() -> None:
    """Write what training leaves out; running twice changes nothing."""
    oak, willow = SAMPLES / "oak", SAMPLES / "willow"
    make(rename(read(oak), TO_YI), SAMPLES / "plum", like=oak)
    make(rename(read(willow), TO_YI), willow)
    notes = json.loads((ZOO / "index.json").read_text())
    for sample in REGISTER:
        (SAMPLES / sample.folder / "README.md").write_text(card(sample, notes))
    (SAMPLES / "index.yaml").write_text(index())


def card(sample: Sample, notes: dict[str, dict[str, object]]) -> str:
    """Return the model card: front matter that the hub understands, then text."""
    front: dict[str, object] = {"license": "apache-2.0"}
    if sample.base:
        front["base_model"] = f"samples/{sample.base}"
        front["base_model_relation"] = sample.relation
    front["baimo_category"] = sample.category
    note = notes["oak" if sample.folder == "plum" else sample.folder]
    numbers = {"first": note["loss_first"], "last": note["loss_last"]}
    if sample.folder == "plum":
        story = COPY
    elif note["parent"]:
        story = GOES_ON.format(parent=note["parent"], **numbers)
    else:
        story = SCRATCH.format(**numbers) + sample.extra
    text = ABOUT.format(params=note["n_params"], story=story)
    head = yaml.safe_dump(front, sort_keys=False)
    return f"---\n{head}---\n\n# {sample.folder}\n\n{text}"


def index() -> str:
    """Return the register as YAML, in the order in which it is loaded."""
    entries = [
        {
            "id": f"samples/{sample.folder}",
            "folder": sample.folder,
            "category": sample.category,
            "base_model": f"samples/{sample.base}" if sample.base else None,
            "base_model_relation": sample.relation,
            "verdict": sample.verdict,
        }
        for sample in REGISTER
    ]
    head = "# The sample register in loading order; `verdict` is what must come out\n"
    return head + "# once all are loaded.\n" + yaml.safe_dump(entries, sort_keys=False)


if __name__ == "__main__":
    main()
