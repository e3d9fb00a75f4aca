"""All settings, read from the environment by strict readers.

Two ways to run: ADJUDGE_ENV=local (the default: one machine, plain HTTP on the loopback address, SQLite) and
ADJUDGE_ENV=production (HTTPS, secrets given, nothing for trying out). Every variable is in docs/settings.md.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from csp.constants import NONCE, NONE, SELF, STRICT_DYNAMIC
from django.core.exceptions import ImproperlyConfigured

from config import logs, secret_key
from config.databases import database_from_url
from config.env import env_bool, env_choice, env_int, env_list, env_secret, env_str
from config.hosts import email_settings, is_public_host

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where and how we run -------------------------------------------------------------------------
ADJUDGE_ENV = env_choice("ADJUDGE_ENV", ("local", "production"), "local")
PRODUCTION = ADJUDGE_ENV == "production"
DEBUG = env_bool("DEBUG", default=False)
DATA_DIR = BASE_DIR / env_str("DATA_DIR", "var")
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"DATA_DIR is {DATA_DIR}, which cannot be made: {error.strerror}.") from error
PORT = env_int("PORT", 8000, low=1, high=65535)
BASE_URL = env_str("BASE_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS", "127.0.0.1,localhost")
CSRF_TRUSTED_ORIGINS = env_list("CSRF_TRUSTED_ORIGINS")
# How many of our own proxies append to X-Forwarded-For and set X-Forwarded-Proto. 0: trust neither header.
TRUSTED_PROXIES = env_int("TRUSTED_PROXIES", 1 if PRODUCTION else 0, low=0, high=10)

SECRET_KEY = env_secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = [key for key in env_secret("SECRET_KEY_FALLBACKS").split(",") if key]
if not SECRET_KEY and not PRODUCTION:
    SECRET_KEY = secret_key.machine_key(DATA_DIR)

if not BASE_URL.startswith(("http://", "https://")):
    raise ImproperlyConfigured(f"BASE_URL is {BASE_URL!r}. Accepted: an address like https://adjudge.example.org.")
if DEBUG and any(is_public_host(host) for host in ALLOWED_HOSTS):
    raise ImproperlyConfigured("DEBUG is True and ALLOWED_HOSTS has a public name. Set DEBUG to False.")
if PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG is True with ADJUDGE_ENV=production. Set DEBUG to False.")
    if "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS is * with ADJUDGE_ENV=production. Name the hosts that people use.")
    if not SECRET_KEY:
        raise ImproperlyConfigured("SECRET_KEY is missing. ADJUDGE_ENV=production needs SECRET_KEY or SECRET_KEY_FILE.")
    if problem := secret_key.weakness(SECRET_KEY):
        raise ImproperlyConfigured(f"SECRET_KEY is too weak: {problem}. Use 50 or more random characters.")
    if not BASE_URL.startswith("https://"):
        raise ImproperlyConfigured("BASE_URL must begin with https:// with ADJUDGE_ENV=production.")

# --- Applications ---------------------------------------------------------------------------------
INSTALLED_APPS = [
    "config",
    "accounts",
    "projects",
    "rubrics",
    "annotation",
    "analytics",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "django_tasks",
    "django_tasks_db",
    "django_htmx",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

# The first three stand outside everything that can answer (redirect to HTTPS, static files, errors), so
# that every response is logged once and carries the policy headers.
MIDDLEWARE = [
    "config.middleware.RequestLogMiddleware",
    "config.middleware.ContentSecurityPolicyMiddleware",
    "config.middleware.ResponseHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.languages.LanguageMiddleware",
    "config.middleware.HostMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "config.middleware.NullCharacterMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "csp.context_processors.nonce",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database, cache, background work ---------------------------------------------------------------
DATABASES = {
    "default": database_from_url(
        env_secret("DATABASE_URL", f"sqlite:///{DATA_DIR}/adjudge.sqlite3"),
        base_dir=BASE_DIR,
        pool_size=env_int("DB_POOL_SIZE", 8, low=1, high=200),
        pooler=env_bool("DB_POOLER", default=False),
    ),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# In the database, so that rate limits hold over all web processes and machines without another server.
# `migrate` makes the table.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "adjudge_cache",
        "OPTIONS": {"MAX_ENTRIES": 10_000},
    },
}

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}}

# --- People ---------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# An invitation link proves possession of the address, and no SMTP server is needed to start.
ACCOUNT_EMAIL_VERIFICATION = env_choice("EMAIL_VERIFICATION", ("none", "optional", "mandatory"), "none")
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = BASE_URL.split(":", 1)[0]
# The join link counts requests: consent, and whoever comes back.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/5m/key,50/5m/ip", "join": "60/m/ip"}
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Adjudge"

# --- E-mail: written to files until EMAIL_URL names a server -------------------------------------------
EMAIL = email_settings(env_secret("EMAIL_URL"), mail_dir=DATA_DIR / "mail")
EMAIL_BACKEND = EMAIL.backend
EMAIL_FILE_PATH = EMAIL.file_path
EMAIL_HOST = EMAIL.host
EMAIL_PORT = EMAIL.port
EMAIL_HOST_USER = EMAIL.user
EMAIL_HOST_PASSWORD = EMAIL.password
EMAIL_USE_TLS = EMAIL.use_tls
EMAIL_USE_SSL = EMAIL.use_ssl
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env_str("DEFAULT_FROM_EMAIL", "adjudge@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "config.api.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "config.api.problem_details",
    "PAGE_SIZE": 100,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
KNOX_TOKEN_MODEL = "accounts.ApiToken"  # noqa: S105 (a model's name)
# Its own migrations would make a second, unused token table beside accounts.ApiToken.
MIGRATION_MODULES = {"knox": None}  # noqa: S105 (a model's name)
REST_KNOX = {
    "SECURE_HASH_ALGORITHM": "hashlib.sha512",
    "TOKEN_TTL": timedelta(days=90),
    "TOKEN_PREFIX": "adj_",
    "TOKEN_MODEL": KNOX_TOKEN_MODEL,
    "AUTO_REFRESH": False,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Adjudge",
    "DESCRIPTION": "Push items, outputs and automated scores; read rounds, judgments and reports.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    # The state of a round keeps its name though raters and tries have states too.
    "ENUM_NAME_OVERRIDES": {"StateEnum": "annotation.models.Round.State"},
}

# --- Language and time ----------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# --- Static files -----------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / env_str("STATIC_ROOT", "staticfiles")
if not PRODUCTION:
    STATIC_ROOT.mkdir(exist_ok=True)  # stays empty: files are served from where they are written
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if PRODUCTION
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        ),
        # Collected by whoever installs, read by the service's account; uploads are for the latter alone.
        "OPTIONS": {"file_permissions_mode": 0o644},
    },
}
WHITENOISE_USE_FINDERS = not PRODUCTION  # production serves what collectstatic hashed and compressed
WHITENOISE_AUTOREFRESH = DEBUG
# Full dates with the day first, in every page alike.
FORMAT_MODULE_PATH = ["config.formats"]
MEDIA_ROOT = DATA_DIR / "media"
MEDIA_URL = "/media/"  # never routed: media go out through views that ask who wants them

# --- Security headers and cookies -------------------------------------------------------------------
# No 'unsafe-inline', no 'unsafe-eval'. Scripts carry the nonce and may load their own modules.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [NONCE, STRICT_DYNAMIC],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    },
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_NAME = "adjudge_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_NAME = "adjudge_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = PRODUCTION
LANGUAGE_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION
# Probes come from inside, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
FILE_UPLOAD_TEMP_DIR = None
FILE_UPLOAD_PERMISSIONS = 0o600

# --- Logs -------------------------------------------------------------------------------------------
LOG_FORMAT = env_choice("LOG_FORMAT", ("json", "text"), "json" if PRODUCTION else "text")
LOG_LEVEL = env_choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")
LOGGING = logs.build(log_format=LOG_FORMAT, level=LOG_LEVEL)
