"""Django settings: every value from the environment is read here, with a type."""

from pathlib import Path
from typing import Any

from django.urls import reverse_lazy

from appwrite_clone import env, split
from kernel import limits

BASE_DIR = Path(__file__).resolve().parent.parent

# The API
APPWRITE_VERSION = "2.5.0"
APPWRITE_AUTHENTICATE = "accounts.authentication.authenticate"
APPWRITE_SIGN = "projects.signing.sign"
APPWRITE_VERIFY = "projects.signing.verify"
APPWRITE_FIND_PROJECT = "projects.services.find_project"
APPWRITE_ACCOUNT_OUTPUT = "accounts.services.account_of"
APPWRITE_CONSOLE_USER = "accounts.console.console_user"
APPWRITE_CONSOLE_CALLER = "accounts.console.console_caller"
APPWRITE_CONSOLE_TEAMS = "accounts.console.console_teams"
APPWRITE_CONSOLE_PROJECTS = "accounts.console.console_projects"
APPWRITE_HOLD_CONSOLE_TEAM = "accounts.console.hold_team"
APPWRITE_ANNOUNCE_IDENTITY = "accounts.events.announce_identity"
APPWRITE_HAS_PASSKEYS = "accounts.services.has_passkeys"
PUBLIC_URL = env.url("APPWRITE_PUBLIC_URL", "http://localhost:5000")
PUBLIC_HOST = env.host_of(PUBLIC_URL)
IS_PUBLIC_URL_LOCAL = env.is_loopback(PUBLIC_HOST)
HAS_TLS = PUBLIC_URL.startswith("https://")
ALLOW_HTTP = env.flag("ALLOW_HTTP", default=False)
# The start guard (`projects.checks`) holds production to more: see SECURITY.md.
IS_PRODUCTION = not (
    env.flag("APPWRITE_EMBEDDED", default=False)
    and env.is_loopback(env.text("APPWRITE_HOST", "localhost"))
    and IS_PUBLIC_URL_LOCAL
)
CONSOLE_SIGNUP = env.choice("CONSOLE_SIGNUP", ("first", "open", "closed"), "first")
CONSOLE_SECOND_FACTOR = env.choice("CONSOLE_SECOND_FACTOR", ("optional", "required"), "optional")

# What of it this process does (docs/scale-out.md). A service behind a gateway neither counts what
# the gateway has counted, nor doubts its request ids.
_SPLIT = split.read()
SERVICES = _SPLIT.mounted
SERVICE_URLS = _SPLIT.urls
NEEDS_IDENTITY = _SPLIT.needs_identity
GUESS_DELAYS = env.flag("ABUSE_LIMITS", default=True)
ABUSE_LIMITS = GUESS_DELAYS and not NEEDS_IDENTITY
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", int(NEEDS_IDENTITY), maximum=8)
WEB_PROCESSES = env.integer("WEB_PROCESSES", 1, minimum=1)

# Django
SECRET_KEY = env.text("APPWRITE_SECRET")
DEBUG = False
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", PUBLIC_HOST, *env.names("ALLOWED_HOSTS")]
ROOT_URLCONF = "appwrite_clone.urls"
WSGI_APPLICATION = "appwrite_clone.wsgi.application"
ASGI_APPLICATION = "appwrite_clone.asgi.application"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the plain one would put its own site in place of ours
    "unfold.contrib.guardian",
    "console.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "guardian",
    "rest_framework",
    "channels",
    "graphene_django",
    "accounts.oauth.installed.TablelessAccountConfig",
    "accounts.oauth.installed.TablelessSocialAccountConfig",
    "kernel",
    "gateway",
    "projects",
    "accounts",
    "documents",
    "files",
    "functions",
    "realtime",
    "graph",
    "console.apps.ConsoleConfig",
]

# The API has one middleware of its own (`gateway.wsgi`); all other paths have these.
API_MIDDLEWARE = (
    "projects.behind.IdentityMiddleware"
    if NEEDS_IDENTITY
    else "projects.middleware.ProjectMiddleware"
)
MIDDLEWARE = [
    "console.middleware.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# How long clients may be away and still learn what changed meanwhile (docs/offline-sync.md).
CHANGES_RETENTION_SECONDS = env.integer(
    "CHANGES_RETENTION_SECONDS",
    limits.CHANGES_RETENTION_SECONDS,
    minimum=limits.MIN_CHANGES_RETENTION_SECONDS,
)

# Database: one connection per thread, kept; statements of `kernel.sql` are prepared on it.
GIN_PENDING_KILOBYTES = 64
STATEMENT_TIMEOUT_MILLISECONDS = env.integer("STATEMENT_TIMEOUT_MILLISECONDS", 9_000, minimum=1)
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", **env.database("DATABASE_URL")}}
DATABASES["default"]["CONN_MAX_AGE"] = None
_GIVEN_OPTIONS = DATABASES["default"]["OPTIONS"].get("options", "")
# A database host that vanished is noticed before the caller's ten seconds are over.
_TCP_OPTIONS = {
    "connect_timeout": "5",
    "tcp_user_timeout": "9000",  # milliseconds
    "keepalives_idle": "4",
    "keepalives_interval": "2",
    "keepalives_count": "2",
}
DATABASES["default"]["OPTIONS"] = {
    **_TCP_OPTIONS,
    **DATABASES["default"]["OPTIONS"],
    "prepare_threshold": 5,
    "options": f"{_GIVEN_OPTIONS} -c statement_timeout={STATEMENT_TIMEOUT_MILLISECONDS}"
    " -c lock_timeout=2000 -c idle_in_transaction_session_timeout=10000 -c jit=off"
    # What an index on lists has yet to take in, every reader walks through.
    f" -c gin_pending_list_limit={GIN_PENDING_KILOBYTES}",
}

# Users and object permissions
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
PASSWORD_HASHERS = [
    "accounts.passwords.Argon2Hasher",
    # Those of imported users, until they log in.
    "accounts.hashes.BcryptHasher",
    "accounts.hashes.Md5Hasher",
    "accounts.hashes.ShaHasher",
    "accounts.hashes.PhpassHasher",
    "accounts.hashes.ScryptHasher",
    "accounts.hashes.ScryptModifiedHasher",
]
# allauth is a library of OAuth2 providers here, without tables and pages of its own.
SOCIALACCOUNT_ADAPTER = "accounts.oauth.engine.Adapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
MIGRATION_MODULES = {"account": None, "socialaccount": None}
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

# Mail. Without a server mails stay on the console's outbox page.
EMAIL_HOST = env.text("SMTP_HOST", "")
EMAIL_PORT = env.integer("SMTP_PORT", 587, minimum=1, maximum=65_535)
EMAIL_HOST_USER = env.text("SMTP_USERNAME", "")
EMAIL_HOST_PASSWORD = env.text("SMTP_PASSWORD", "")
_SMTP_SECURE = env.choice("SMTP_SECURE", ("tls", "ssl", "none"), "tls")
EMAIL_USE_TLS = _SMTP_SECURE == "tls"
EMAIL_USE_SSL = _SMTP_SECURE == "ssl"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.mailbox("SMTP_FROM", f"no-reply@{PUBLIC_HOST}")

# Text messages. Without a provider they stay in the console's outbox.
SMS_PROVIDER = env.choice("SMS_PROVIDER", ("none", "twilio", "vonage", "webhook"), "none")
_SMS_URLS = {"twilio": "https://api.twilio.com", "vonage": "https://rest.nexmo.com", "none": ""}
_SMS_ACCOUNT = None if SMS_PROVIDER in ("twilio", "vonage") else ""  # these cannot do without
SMS_URL = env.endpoint("SMS_URL", _SMS_URLS.get(SMS_PROVIDER))
SMS_USERNAME = env.text("SMS_USERNAME", _SMS_ACCOUNT)
SMS_PASSWORD = env.text("SMS_PASSWORD", "" if SMS_PROVIDER == "none" else None)
SMS_FROM = env.text("SMS_FROM", _SMS_ACCOUNT)

# Where callers are: a file of MaxMind's or DB-IP's, which others keep new.
GEOIP_DATABASE = env.text("GEOIP_DATABASE", "")

# Who knows passwords from data breaches, for projects that have them asked.
PWNED_PASSWORDS_URL = env.endpoint("PWNED_PASSWORDS_URL", "https://api.pwnedpasswords.com")

# Servers of others: public ones over https alone, but for the hosts named here.
OUTBOUND_HOSTS = frozenset(env.names("OUTBOUND_HOSTS"))

# Sockets and jobs
REDIS_URL = env.text("REDIS_URL", "")
CHANNEL_LAYERS = {
    "default": (
        {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [REDIS_URL]},
        }
        if REDIS_URL
        else {"BACKEND": "realtime.layers.PostgresChannelLayer"}
    )
}

# HTTP
DATA_UPLOAD_MAX_MEMORY_SIZE = 32 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "UNAUTHENTICATED_USER": None,
}

# The console's cookies and headers; those of the API are made in `projects.middleware`.
SESSION_COOKIE_NAME = "__Host-console_session" if HAS_TLS else "console_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = HAS_TLS
CSRF_COOKIE_NAME = "__Host-console_csrf" if HAS_TLS else "console_csrf"
CSRF_COOKIE_SECURE = HAS_TLS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]  # behind a proxy that ends TLS the server itself sees http
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# Pages name their own address, which a proxy that ends TLS knows better.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    # In their place `projects.checks` looks at the secret, and for the https that makes cookies
    # Secure and has HSTS sent.
    "security.W004",
    "security.W008",
    "security.W009",
    "security.W010",
    "security.W012",
    "security.W016",
]

UNFOLD = {
    "SITE_TITLE": "Console",
    "SITE_HEADER": "Console",
    "SITE_URL": None,  # there is no other site to return to
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "/static/console/favicon.svg"},
    ],
    "SITE_SYMBOL": "database",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
    "ACCOUNT": {
        "navigation": [
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
            {"title": "Second factor", "link": reverse_lazy("admin:two_factor")},
            {"title": "Passkeys", "link": reverse_lazy("admin:passkeys")},
        ]
    },
    "STYLES": ["/static/console/dialogs.css"],
}

STATIC_URL = "/static/"
STATIC_ROOT = env.text("STATIC_ROOT", "") or None  # none: served from where the apps keep them
WHITENOISE_USE_FINDERS = True

LOG_LEVEL = env.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), "info").upper()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"request_id": {"()": "gateway.logs.RequestIdFilter"}},
    "formatters": {
        "line": {"format": "%(asctime)s %(levelname)s %(request_id)s %(name)s %(message)s"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["request_id"],
        }
    },
    "loggers": {  # a client's mistake is no news
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "CRITICAL"},
        "httpx": {"level": "WARNING"},  # it would tell whole URLs
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
}
