"""Every address of the product starts here."""

from django.urls import include, path

from config import health, languages

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("language/", languages.change, name="language"),
    path("api/v1/", include("config.api_urls")),
    path("accounts/", include("allauth.urls")),
    path("", include("accounts.urls")),
    path("", include("projects.urls")),
    path("", include("rubrics.urls")),
    path("", include("annotation.urls")),
    path("", include("analytics.urls")),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler429 = "config.errors.too_many_requests"  # a name that allauth looks for, not Django
handler500 = "config.errors.server_error"
