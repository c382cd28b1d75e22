"""The WSGI application that gunicorn serves."""

import gc
import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")

application = get_wsgi_application()
# What is loaded now stays for ever: the collector need not look through it while
# somebody waits.
import_module("registry.urls")
gc.freeze()
