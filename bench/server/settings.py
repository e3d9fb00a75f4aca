"""The product's own settings, and nothing else but the yardstick and the counter of statements."""

from config.settings import *  # noqa: F403 - settings are read by name from this module
from config.settings import INSTALLED_APPS as PRODUCT_APPS
from config.settings import MIDDLEWARE as PRODUCT_MIDDLEWARE

INSTALLED_APPS = [*PRODUCT_APPS, "bench.server"]
MIDDLEWARE = ["bench.server.counting.CountingMiddleware", *PRODUCT_MIDDLEWARE]
ROOT_URLCONF = "bench.server.urls"
