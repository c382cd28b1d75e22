"""The product's settings in a throw-away place; only servers come from outside."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_FROM_OUTSIDE = {"DATABASE_URL", "REDIS_URL"}


def _prepare_environment() -> Path:
    """Forget the developer's settings and return a fresh folder for data."""
    example = (_ROOT / ".env.example").read_text(encoding="utf-8")
    for name in re.findall(r"^#?\s?([A-Z_]+)=", example, re.M):
        if name not in _FROM_OUTSIDE:
            os.environ.pop(name, None)
    folder = tempfile.mkdtemp(prefix="baimo-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update(DATA_DIR=folder, SECRET_KEY="only for tests", LOG_LEVEL="ERROR")
    return Path(folder)


_data_dir = _prepare_environment()

from registry.settings import *  # noqa: E402, F403
from registry.settings import DATABASES, IS_SQLITE, STATIC_ROOT, STORAGES  # noqa: E402

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
# Each process counts for itself, also where the queue is in Redis.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
# WhiteNoise warns when there is no such folder.
STATIC_ROOT.mkdir()
if IS_SQLITE:
    # In a file, as in the product: threads then race as they would for users.
    DATABASES["default"]["TEST"] = {"NAME": str(_data_dir / "test.sqlite3")}
