from django.urls import path

from analytics.views import doctor, gates, home, overview, reports

app_name = "analytics"

REPORT = "p/<slug:project>/reports/<int:report>/"

urlpatterns = [
    path("", home.home, name="home"),
    path("search/", home.search, name="search"),
    path("p/<slug:project>/rounds/<slug:round>/gate/", gates.gate, name="gate"),
    path("p/<slug:project>/", overview.overview, name="overview"),
    path("p/<slug:project>/rounds/<slug:round>/doctor/", doctor.doctor, name="doctor"),
    path("p/<slug:project>/rounds/<slug:round>/doctor/suggest/", doctor.suggest, name="doctor_suggest"),
    path("p/<slug:project>/reports/", reports.report_list, name="reports"),
    path("p/<slug:project>/reports/build/", reports.build, name="report_build"),
    path("p/<slug:project>/reports/runs/<int:run>/", reports.report_run, name="report_run"),
    path(REPORT, reports.report_page, name="report"),
    path(f"{REPORT}look/", reports.look, name="report_look"),
    path(f"{REPORT}report.json", reports.report_form, {"form": "json"}, name="report_json"),
    path(f"{REPORT}report.html", reports.report_form, {"form": "html"}, name="report_html"),
    path(f"{REPORT}report.pdf", reports.report_form, {"form": "pdf"}, name="report_pdf"),
    path(f"{REPORT}report.xlsx", reports.report_form, {"form": "xlsx"}, name="report_xlsx"),
    path(f"{REPORT}figures.csv", reports.report_form, {"form": "csv"}, name="report_figures"),
    path(f"{REPORT}figures.parquet", reports.report_form, {"form": "parquet"}, name="report_parquet"),
    path(f"{REPORT}ratings.csv", reports.report_csv, name="report_csv"),
]
