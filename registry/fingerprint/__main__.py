"""Entry point of `python -m registry.fingerprint`."""

from __future__ import annotations

from registry.fingerprint.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
