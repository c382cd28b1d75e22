"""Text that any Debian system has, and tokenizers made from it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer, Tokenizer

CORPUS_BYTES = 3_000_000
TEXT_FILES = {
    "licenses": ("/usr/share/common-licenses", "*"),
    "python": ("/usr/lib/python3.11", "[a-m]*.py"),
    "python-rest": ("/usr/lib/python3.11", "[n-z]*.py"),
    "perl": ("/usr/lib", "*/perl-base/**/*.p[lm]"),
    "copyrights": ("/usr/share/doc", "*/copyright"),
}
# The tokenizer of the committed models knew only two corpora when they were trained.
TEXTS_OF_TOKENIZER = {384: ("licenses", "python"), 1024: tuple(TEXT_FILES)}
END = "<|endoftext|>"


@cache
def text_of(corpus: str) -> str:
    """Return the corpus: files in the order of their names, cut to size."""
    folder, pattern = TEXT_FILES[corpus]
    files = sorted(p for p in Path(folder).glob(pattern) if p.is_file())
    text = "\n".join(p.read_text("utf-8", "replace") for p in files)
    return text[:CORPUS_BYTES]


@cache
def tokenizer(vocab: int) -> Tokenizer:
    """Return the byte-level BPE tokenizer that all models of one size share."""
    made = ByteLevelBPETokenizer()
    texts = [text_of(name)[:500_000] for name in TEXTS_OF_TOKENIZER[vocab]]
    made.train_from_iterator(texts, vocab, special_tokens=[END], show_progress=False)
    return Tokenizer.from_str(made.to_str())


def tokenizer_config() -> dict[str, object]:
    """Return tokenizer_config.json."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": END,
        "eos_token": END,
        "unk_token": END,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 128,
    }


@cache
def tokens_of(corpus: str, vocab: int) -> torch.Tensor:
    """Return the corpus as one long row of token ids."""
    return torch.tensor(tokenizer(vocab).encode(text_of(corpus)).ids)
