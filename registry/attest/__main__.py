"""Entry point of `python -m registry.attest`."""

from __future__ import annotations

from registry.attest.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
