from django.urls import path

from analytics.views import overview, reports

app_name = "analytics"

urlpatterns = [
    path("p/<slug:project>/", overview.overview, name="overview"),
    path("p/<slug:project>/reports/", reports.report_list, name="reports"),
    path("p/<slug:project>/reports/build/", reports.build, name="report_build"),
    path("p/<slug:project>/reports/<int:report>/", reports.report_page, name="report"),
    path("p/<slug:project>/reports/<int:report>/report.json", reports.report_json, name="report_json"),
    path("p/<slug:project>/reports/<int:report>/report.html", reports.report_html_file, name="report_html"),
    path("p/<slug:project>/reports/<int:report>/figures.csv", reports.report_figures, name="report_figures"),
    path("p/<slug:project>/reports/<int:report>/ratings.csv", reports.report_csv, name="report_csv"),
]
