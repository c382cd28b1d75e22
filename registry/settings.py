"""The one settings file. Everything that differs between places comes from env."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kombu import Queue

from registry import env, logs
from registry.vocabulary import Category

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env.text("DATA_DIR", str(BASE_DIR / "var"))).resolve()

# Addresses. PUBLIC_URL is what links, cookies and HSTS follow.
DEBUG = env.flag("DEBUG", default=False)
PORT = env.number("PORT", 8000)
PUBLIC_URL = env.text("PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = [
    *env.words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]"),
    _public.hostname or "localhost",
]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECRET_KEY = env.secret("SECRET_KEY", kept_in=DATA_DIR / "secret_key")

# Rooms
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "registry",
    "lineage",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "registry.middleware.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "registry.middleware.RequestLogMiddleware",
    "registry.middleware.RefuseNulMiddleware",
    "registry.middleware.PersonalAnswersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "registry.middleware.RateLimitMiddleware",
    "registry.middleware.TurnsMiddleware",
]
ROOT_URLCONF = "registry.urls"
WSGI_APPLICATION = "registry.wsgi.application"
APPEND_SLASH = True
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
            ]
        },
    }
]

# Database: SQLite beside the data, or PostgreSQL. Both serialise writers that
# check before they write: SQLite by BEGIN IMMEDIATE, PostgreSQL by advisory locks.
DATABASES = {
    "default": env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'baimo.sqlite3'}")
}
if DATABASE_PASSWORD := env.text("DATABASE_PASSWORD", ""):
    DATABASES["default"]["PASSWORD"] = DATABASE_PASSWORD
IS_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if IS_SQLITE:
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Opening even a file costs milliseconds, and its pages are read anew.
DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Queue: the Job row is the truth, a Celery message only rings the bell.
REDIS_URL = env.text("REDIS_URL", "")
QUEUE_DIR = DATA_DIR / "queue"
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {"visibility_timeout": 3600}
    if REDIS_URL
    else {
        # One folder for both directions; the default poll of 1 s is too slow.
        "data_folder_in": str(QUEUE_DIR / "messages"),
        "data_folder_out": str(QUEUE_DIR / "messages"),
        "control_folder": str(QUEUE_DIR / "control"),
        "polling_interval": 0.2,
    }
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Threads: a pool of processes takes twice the memory, and its members stay at work
# when their head is killed.
CELERY_WORKER_POOL = "threads"
CELERY_WORKER_CONCURRENCY = env.number("WORKER_THREADS", 2)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Nobody asks a worker questions over the queue: the Job row has the answers.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_TASK_ROUTES = {"registry.tasks.fingerprint_revision": {"queue": "fingerprint"}}
CELERY_TASK_DEFAULT_QUEUE = "default"
# A worker listens to both unless told otherwise, as a machine with a GPU may be.
CELERY_TASK_QUEUES = [Queue("default"), Queue("fingerprint")]
JOB_LEASE_SECONDS = env.number("JOB_LEASE_SECONDS", 60)
JOB_MAX_ATTEMPTS = env.number("JOB_MAX_ATTEMPTS", 5)

# Counts of how often somebody asked: Redis where several processes answer, else the
# memory of the one web process.
CACHES: dict[str, Any] = {
    "default": {
        "BACKEND": "registry.caches.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "baimo",
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
# How often one person or address may ask, as (number, seconds); 0: without limit.
RATE_LIMITS = {
    "read": (env.number("RATE_LIMIT_READ", 30_000), 60),
    "costly": (env.number("RATE_LIMIT_COSTLY", 6_000), 60),
    "write": (env.number("RATE_LIMIT_WRITE", 6_000), 60),
    "form": (env.number("RATE_LIMIT_FORM", 600), 60),
    "invitation": (env.number("RATE_LIMIT_INVITATION", 100), 3600),
}
# So many last entries of X-Forwarded-For were written by proxies of ours.
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", 0)

# Verdicts are signed with SIGNING_KEY, else with a key that is made once and kept in
# the folder, where the public keys of all that ever signed stay.
SIGNING_KEY = env.text("SIGNING_KEY", "")
SIGNING_DIR = DATA_DIR / "signing"

# Addresses that people give us to ask: public hosts, and these networks.
OUTBOUND_PRIVATE_NETWORKS = env.networks("OUTBOUND_PRIVATE_NETWORKS")

# Hubs from which models are imported by their id
IMPORT_HUBS = [
    hub.rstrip("/")
    for hub in env.words("IMPORT_HUBS", "https://huggingface.co,https://hf-mirror.com")
]

# Files
STORAGE_DIR = DATA_DIR / "files"
INDEX_DIR = DATA_DIR / "index"
MAX_FILE_BYTES = env.number("MAX_FILE_BYTES", 500 * 1000**3)
MAX_INLINE_BYTES = env.number("MAX_INLINE_BYTES", 10 * 1024**2)
# Larger files arrive in parts of this size; what has arrived is never sent again.
PART_BYTES = max(env.number("PART_BYTES", 32 * 1024**2), 64 * 1024)
# What was sent and belongs to no commit is kept for so long: longer than any push
# takes, and time to go on with one after a weekend.
UPLOADS_KEPT_DAYS = env.number("UPLOADS_KEPT_DAYS", 7)
ORGANIZATION_MAX_BYTES = env.number("ORGANIZATION_MAX_BYTES", 0)
MIN_FREE_BYTES = env.number("MIN_FREE_BYTES", 256 * 1024**2)
# A verdict reads the weights again where sketches leave doubt, unless they are larger.
LOOK_MAX_BYTES = env.number("LOOK_MAX_BYTES", 4 * 1024**3)
# How long a team can answer a verdict that contradicts it before everybody reads it.
VERDICT_WINDOW_HOURS = env.number("VERDICT_WINDOW_HOURS", 0)
# How long the other side of a dispute has to answer.
DISPUTE_ANSWER_DAYS = max(env.number("DISPUTE_ANSWER_DAYS", 14), 1)
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    }
}

# Languages: English without prefix, Chinese under /zh-hans/.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "registry" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

# Accounts
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
EMAIL_HOST = env.text("EMAIL_HOST", "")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", default=False)
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "baimo@localhost")
if not EMAIL_HOST:
    EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
# Without a mail server nobody could ever confirm an address.
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_HOST else "none"
if EMAIL_HOST:
    ACCOUNT_SIGNUP_FIELDS[1] = "email*"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_ADAPTER = "registry.views.accounts.AccountAdapter"
# In allauth's words: so many in a time, by address (ip) or account (key).
ACCOUNT_RATE_LIMITS = {
    "login": env.text("RATE_LIMIT_LOGIN", "300/m/ip"),
    "login_failed": env.text("RATE_LIMIT_LOGIN_FAILED", "60/m/ip,10/5m/key"),
    "signup": env.text("RATE_LIMIT_SIGNUP", "120/m/ip"),
    "reset_password": env.text("RATE_LIMIT_RESET_PASSWORD", "60/m/ip,5/10m/key"),
}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "registry:organizations"

# API
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["registry.api.auth.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticatedOrReadOnly"
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "registry.api.errors.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "STRICT_JSON": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Baimo 百模谱",
    "DESCRIPTION": "The family register of large models: who derives from whom.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "EntryKindEnum": ("model", "product", "tool"),
        "DisputeState": "lineage.models.Dispute.State",
        "RuledState": "lineage.services.rulings.STATES",
        "RuledRelation": "lineage.services.rulings.RELATIONS",
        "CategoryEnum": [word.value for word in Category],
        "WrapperCategoryEnum": ("prompt-wrapper", "api-reskin"),
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# Security
IS_HTTPS = _public.scheme == "https"
SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Logs: one line of JSON each, to standard output.
LOG_LEVEL = env.text("LOG_LEVEL", "INFO").upper()
LOGGING = logs.configuration(LOG_LEVEL)
