"""The commands of `python -m registry.fingerprint`; JSON on stdout, errors on stderr.

No Django, no database, no network.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import math
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Final, NoReturn, TextIO

from registry.fingerprint.compare import compare
from registry.fingerprint.comparison import Comparison
from registry.fingerprint.diff import diff_models
from registry.fingerprint.errors import FingerprintError, NoWeights, OutputError
from registry.fingerprint.families import Families
from registry.fingerprint.judging.opened import OpenedModel, open_weights
from registry.fingerprint.reading.files import read_start
from registry.fingerprint.reading.folder import model_name, open_model
from registry.fingerprint.sketching.codec import LIMIT_BYTES, MAGIC
from registry.fingerprint.sketching.making import sketch_files
from registry.fingerprint.sketching.sketch import ENGINE, Sketch
from registry.fingerprint.thresholds import RELATED_LOG10_P

MAX_CANDIDATES: Final = 10
MAX_LINE: Final = 500  # characters of an error
# 128 and the number of the signal: SIGINT, SIGPIPE.
INTERRUPTED: Final = 130
NO_READER: Final = 141


def main(arguments: list[str] | None = None, out: TextIO | None = None) -> int:
    """Run one command; return 0, or 2 after one line on stderr for bad input.

    Quiet when interrupted and when nobody reads the answer any more: returns
    what a shell reports for those signals.
    """
    stream = out or sys.stdout
    try:
        options = _options(arguments)
        run: Callable[[argparse.Namespace], Iterator[Any]] = options.run
        if stream is None:  # started with it closed
            raise OutputError("standard output: is closed")
        for item in run(options):
            _write(stream, json.dumps(item, allow_nan=False, ensure_ascii=True) + "\n")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop(stream)
        return NO_READER
    except (FingerprintError, OSError) as error:
        _complain(error)
        return 2
    return 0


@dataclass(frozen=True)
class Loaded:
    """A named model: its sketch, and its weights if more than that is there."""

    sketch: Sketch
    weights: OpenedModel | None


def load(path: Path) -> Loaded:
    """Return the sketch in the file at `path`, or of the model there."""
    if _starts_with_magic(path):
        return Loaded(Sketch.from_bytes(read_start(path, LIMIT_BYTES + 1)), None)
    opened = open_weights(path)
    return Loaded(sketch_files(opened.files), opened)


def answer(a: Loaded, b: Loaded, names: tuple[str, str]) -> Comparison:
    """Return the comparison of two loaded models, with their weights if at hand."""
    weights = (a.weights, b.weights) if a.weights and b.weights else None
    return compare(a.sketch, b.sketch, names=names, weights=weights)


def _sketch(options: argparse.Namespace) -> Iterator[Any]:
    _check_target(options.output)
    files = open_model(options.model)
    sketch = sketch_files(files)
    if options.hashes:
        sketch = replace(sketch, files=files.hashes())
    data = sketch.to_bytes()
    _write_whole(options.output, data)
    yield {
        "model": model_name(options.model),
        "params": sketch.params,
        "dtype": sketch.dtype,
        "n_tensors": sketch.n_tensors,
        "size_bytes": len(data),
        "engine": sketch.engine,
    }


def _compare(options: argparse.Namespace) -> Iterator[Any]:
    names = (model_name(options.a), model_name(options.b))
    yield answer(load(options.a), load(options.b), names).to_json()


def _matrix(options: argparse.Namespace) -> Iterator[Any]:
    loaded = [(name, _load_or_error(path)) for name, path in _named(options.dir)]
    families = _families(
        {name: model for name, model in loaded if isinstance(model, Loaded)}
    )
    for (a, left), (b, right) in combinations(loaded, 2):
        if isinstance(left, Loaded) and isinstance(right, Loaded):
            yield families.refined(answer(left, right, (a, b))).to_json()
        else:
            error = left if isinstance(left, str) else right
            yield {"a": a, "b": b, "error": error}


def _identify(options: argparse.Namespace) -> Iterator[Any]:
    name, query = model_name(options.a), load(options.a)
    found = [(other, _load_or_error(path)) for other, path in _named(options.against)]
    others = [(other, s) for other, s in found if isinstance(s, Loaded)]
    answers = [answer(query, other, (name, id_)) for id_, other in others]
    families = _families({name: query} | dict(others))
    answers = [families.refined(answer) for answer in answers]
    ranked = sorted(answers, key=_closeness)[:MAX_CANDIDATES]
    yield {
        "query": name,
        "n_compared": len(answers),
        "candidates": [_candidate(answer, len(answers)) for answer in ranked],
        "merge_of": [vars(part) for part in families.parents_of(name)],
    }


def _families(loaded: dict[str, Loaded]) -> Families:
    return Families(
        {name: model.sketch for name, model in loaded.items()},
        {name: model.weights for name, model in loaded.items() if model.weights},
    )


def _diff(options: argparse.Namespace) -> Iterator[Any]:
    yield diff_models(open_model(options.a), open_model(options.b))


def children(folder: Path) -> list[Path]:
    """Return the immediate children that are or claim to be models, by name.

    Folders with weight files, .safetensors files and sketch files. Raises
    NoWeights when `folder` is not a folder.
    """
    if not folder.is_dir():
        raise NoWeights(f"{folder.name}: not a folder")
    return [path for path in sorted(folder.iterdir()) if _looks_like_model(path)]


def _named(folder: Path) -> list[tuple[str, Path]]:
    """Return the models in a folder by name, with endings where names clash."""
    named = [(model_name(path), path) for path in children(folder)]
    counts = Counter(name for name, _ in named)
    return sorted(
        (name if counts[name] == 1 else _shown(path.name), path) for name, path in named
    )


def _looks_like_model(path: Path) -> bool:
    if path.name.startswith("."):
        return False
    try:
        if path.is_dir():
            return any(_is_weights(inside.name) for inside in path.iterdir())
        return path.suffix == ".safetensors" or _starts_with_magic(path)
    except OSError:  # whoever loads it will say what is wrong
        return True


def _is_weights(name: str) -> bool:
    return name.endswith((".safetensors", ".bin", ".safetensors.index.json"))


def _starts_with_magic(path: Path) -> bool:
    return path.is_file() and read_start(path, len(MAGIC)) == MAGIC


def _load_or_error(path: Path) -> Loaded | str:
    try:
        return load(path)
    except (FingerprintError, OSError) as error:
        return _one_line(error)


def _closeness(answer: Comparison) -> tuple[int, float, float, str]:
    rank = {True: 0, None: 1, False: 2}[answer.related]
    log10_p = 0.0 if answer.log10_p is None else answer.log10_p
    by_value = answer.relation in ("identical", "renamed", "cast")
    return rank - by_value, -(answer.effect or 0.0), log10_p, answer.b


def _candidate(answer: Comparison, n_compared: int) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": answer.b,
        "related": answer.related,
        "relation": answer.relation,
        "p_value": None,
        "effect": answer.effect,
    }
    if answer.log10_p is None:
        return item
    corrected = min(0.0, answer.log10_p + math.log10(n_compared))
    if answer.related and corrected > RELATED_LOG10_P:
        return item | {"related": None, "relation": "inconclusive", "effect": None}
    return item | {"p_value": 10**corrected}


def _check_target(path: Path) -> None:
    """Raise OSError where writing would replace something else than a file."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise OSError(errno.EEXIST, "exists and is not a regular file", str(path))


def _write_whole(path: Path, data: bytes) -> None:
    """Write the file at once, so that a failure leaves nothing half written."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".sketch-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).replace(path)
        except BaseException:  # an interrupt too
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:  # which names the passing file, or none
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write(stream: TextIO, text: str) -> None:
    """Write all of the text now, while somebody is there to hear of a failure."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _drop(stream)
        raise OutputError(f"standard output: {error.strerror}") from error


def _drop(stream: TextIO) -> None:
    """Send what is still buffered nowhere, or Python complains about it at exit."""
    with contextlib.suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


def _complain(error: Exception) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"error: {_one_line(error)}\n")
    except OSError:  # the status says it too
        _drop(sys.stderr)


def _one_line(error: Exception) -> str:
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        named = f"{error.filename}: " if error.filename else ""
        text = named + error.strerror
    return _shown(text)


def _shown(text: str) -> str:
    """Return the text on one line of a terminal, whatever is in it."""
    start = text[: MAX_LINE + 1]  # the rest may be megabytes
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in start)
    return line if len(line) <= MAX_LINE else line[: MAX_LINE - 3] + "..."


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error does."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {_shown(message)}; see --help\n")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    try:
        return _parser().parse_args(arguments)
    except SystemExit:
        if sys.stdout is not None:
            _write(sys.stdout, "")  # what is left of the help
        raise


def _path(text: str) -> Path:
    """Return the path; raises ArgumentTypeError for what no file can be called."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError("a path is needed")
    return Path(text)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m registry.fingerprint",
        description="Fingerprint models and compare them by their weights.",
        epilog="Exit status: 0 when done, 2 with one line on bad input.",
    )
    parser.add_argument("--version", action="version", version=ENGINE)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    model = "a model folder or a .safetensors file"
    either = f"{model}, or a sketch file"

    one = commands.add_parser("sketch", help="write the sketch of a model")
    one.add_argument("model", type=_path, metavar="MODEL", help=model)
    one.add_argument("-o", "--output", type=_path, required=True, metavar="FILE")
    one.add_argument(
        "--hashes",
        action="store_true",
        help="note the SHA-256 of the weight files, as a sketch that is pushed needs",
    )
    one.set_defaults(run=_sketch)

    two = commands.add_parser("compare", help="say what two models have in common")
    two.add_argument("a", type=_path, metavar="A", help=either)
    two.add_argument("b", type=_path, metavar="B", help=either)
    two.set_defaults(run=_compare)

    every = commands.add_parser("matrix", help="compare every pair of models in DIR")
    every.add_argument("dir", type=_path, metavar="DIR")
    every.set_defaults(run=_matrix)

    who = commands.add_parser("identify", help="find the relatives of A in DIR")
    who.add_argument("a", type=_path, metavar="A", help=either)
    who.add_argument("--against", type=_path, required=True, metavar="DIR")
    who.set_defaults(run=_identify)

    what = commands.add_parser("diff", help="list what differs besides weights")
    what.add_argument("a", type=_path, metavar="A", help=model)
    what.add_argument("b", type=_path, metavar="B", help=model)
    what.set_defaults(run=_diff)

    for command in (two, every, who, what):
        command.add_argument("--json", action="store_true", help="the only format")
    return parser
