"""Addresses under /api/v1/. The handlers are in each app's api module."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from analytics import api as analytics
from annotation import api as annotation
from annotation import api_exports, api_raters
from projects import api as projects
from projects import api_checks

app_name = "api"

PROJECT = "projects/<slug:project>/"
ROUND = f"{PROJECT}rounds/<slug:round>/"

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path("projects/", projects.ProjectList.as_view(), name="projects"),
    path(PROJECT, projects.ProjectDetail.as_view(), name="project"),
    path(f"{PROJECT}items/", projects.ItemList.as_view(), name="items"),
    path(f"{PROJECT}systems/", projects.SystemList.as_view(), name="systems"),
    path(f"{PROJECT}metrics/", projects.MetricList.as_view(), name="metrics"),
    path(f"{PROJECT}outputs/", projects.OutputsPush.as_view(), name="outputs"),
    path(f"{PROJECT}checks/", api_checks.Checks.as_view(), name="checks"),
    path(f"{PROJECT}rounds/", annotation.RoundList.as_view(), name="rounds"),
    path(ROUND, annotation.RoundDetail.as_view(), name="round"),
    path(f"{ROUND}final_answers/", annotation.FinalAnswers.as_view(), name="final_answers"),
    path(f"{ROUND}key/", annotation.RoundKey.as_view(), name="key"),
    path(f"{ROUND}export/<slug:kind>/", api_exports.RoundExport.as_view(), name="export"),
    path(f"{ROUND}judgments/", annotation.Judgments.as_view(), name="judgments"),
    path(f"{ROUND}raters/", api_raters.RaterList.as_view(), name="raters"),
    path(f"{ROUND}raters/<int:seat>/", api_raters.RaterDetail.as_view(), name="rater"),
    path(f"{ROUND}doctor/", analytics.RoundDoctor.as_view(), name="doctor"),
    path(f"{ROUND}report/", analytics.RoundReport.as_view(), name="report"),
    path(f"{ROUND}gate/", analytics.RoundGate.as_view(), name="gate"),
    path(f"{ROUND}report/<slug:file>/", analytics.RoundReportFile.as_view(), name="report_file"),
]
