"""Search words that mean the same however they are written; no database.

Text becomes tokens between blanks: runs of letters, runs of digits, and pairs of
neighbouring Chinese characters, so that "Qwen2.5-7B" and "qwen 2.5" meet and a word of
two characters is found inside a longer one. Both databases search the result with a
plain substring.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

MAX_WORDS: Final = 20

_RUNS: Final = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿가-힯]+|[^\W\d_]+|\d+")
_EAST_ASIAN: Final = re.compile(r"[぀-ヿ㐀-䶿一-鿿豈-﫿가-힯]")
# Between texts, so that no phrase runs from one into the next.
_BREAK: Final = " | "


def searchable(texts: Iterable[str]) -> str:
    """Return what to store of an entry's names: tokens with a blank on either side."""
    joined = (" ".join(tokens(text)) for text in texts if text)
    return _BREAK + _BREAK.join(joined) + _BREAK


def phrases(query: str) -> list[str]:
    """Return the substrings that a match must all contain, at most MAX_WORDS.

    What the reader wrote together must stand together. A number matches from its
    beginning, so that "7b" does not find 17B; letters match anywhere in a word, so
    that "gpt" finds ChatGPT. A query of punctuation alone gives nothing.
    """
    found = (phrase for word in query.split() for phrase in _phrases(word))
    return list(dict.fromkeys(found))[:MAX_WORDS]


def tokens(text: str) -> list[str]:
    """Return the tokens of a name, by which two of them are compared."""
    found = []
    for run in _RUNS.findall(_plain(text)):
        if _EAST_ASIAN.match(run):
            found += [run[i : i + 2] for i in range(len(run))]
        else:
            found.append(run)
    return found


def beginnings(words: Iterable[str]) -> list[str]:
    """Return substrings, one of which a name holds that is a spelling of these tokens.

    Numbers and single letters say nothing of which model is meant.
    """
    letters = (word for word in words if len(word) > 1 and not word.isdigit())
    return [f" {word[:3]}" for word in letters][:MAX_WORDS]


def _phrases(word: str) -> Iterable[str]:
    """Yield a phrase for each stretch of one kind of script."""
    stretch: list[str] = []
    for run in _RUNS.findall(_plain(word)):
        if not _EAST_ASIAN.match(run):
            stretch.append(run)
            continue
        if stretch:
            yield _bounded(stretch)
            stretch = []
        pairs = [run[i : i + 2] for i in range(max(1, len(run) - 1))]
        yield " " + " ".join(pairs)
    if stretch:
        yield _bounded(stretch)


def _bounded(stretch: list[str]) -> str:
    phrase = " ".join(stretch)
    return f" {phrase}" if phrase[0].isdigit() else phrase


def _plain(text: str) -> str:
    """Return the text in one width and without case or accents."""
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in folded if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", bare)
