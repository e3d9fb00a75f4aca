from django.urls import path

from rubrics.views import designer, guidelines, library, rubrics, sharing, versions

app_name = "rubrics"

urlpatterns = [
    path("p/<slug:project>/rubrics/", rubrics.rubric_list, name="list"),
    path("p/<slug:project>/rubrics/new/", rubrics.new, name="new"),
    path("p/<slug:project>/rubric-library/", library.library, name="library"),
    path("p/<slug:project>/rubric-library/shared/<slug:shared_rubric>/", library.shared_entry, name="library_shared"),
    path("p/<slug:project>/rubric-library/<slug:name>/", library.entry, name="library_entry"),
    path("p/<slug:project>/rubrics/<slug:rubric>/", designer.edit, name="edit"),
    path("p/<slug:project>/rubrics/<slug:rubric>/preview/", designer.preview, name="preview"),
    path("p/<slug:project>/rubrics/<slug:rubric>/autosave/", designer.autosave, name="autosave"),
    path("p/<slug:project>/rubrics/<slug:rubric>/as-a-rater/", designer.screen, name="screen"),
    path(
        "p/<slug:project>/rubrics/<slug:rubric>/criteria/<slug:key>/delete/",
        designer.criterion_delete,
        name="criterion_delete",
    ),
    path("p/<slug:project>/rubrics/<slug:rubric>/yaml/", rubrics.yaml, name="yaml"),
    path("p/<slug:project>/rubrics/<slug:rubric>/versions/", versions.versions, name="versions"),
    path("p/<slug:project>/rubrics/<slug:rubric>/v<int:number>/", versions.version, name="version"),
    path("p/<slug:project>/rubrics/<slug:rubric>/v<int:number>/archive/", versions.archive, name="archive"),
    path("p/<slug:project>/rubrics/<slug:rubric>/v<int:number>/restore/", versions.restore, name="restore"),
    path("p/<slug:project>/rubrics/<slug:rubric>/v<int:number>/copy/", sharing.copy, name="copy"),
    path("p/<slug:project>/rubrics/<slug:rubric>/v<int:number>/share/", sharing.share, name="share"),
    path("p/<slug:project>/rubrics/<slug:rubric>/v<int:number>/judge/", sharing.judge, name="judge"),
    path(
        "p/<slug:project>/rubrics/<slug:rubric>/v<int:number>/judge/answers/",
        sharing.judge_answers,
        name="judge_answers",
    ),
    path(
        "p/<slug:project>/rubrics/<slug:rubric>/v<int:number>/judge/<slug:form>/",
        sharing.judge_file,
        name="judge_file",
    ),
    path("p/<slug:project>/rubrics/<slug:rubric>/changes/", versions.changes, name="changes"),
    path("p/<slug:project>/rubrics/<slug:rubric>/draft/", versions.draft, name="draft"),
    path("p/<slug:project>/rubrics/<slug:rubric>/publish/", versions.publish, name="publish"),
    path("p/<slug:project>/rubrics/<slug:rubric>/drop/", versions.drop, name="drop"),
    path("p/<slug:project>/guidelines/", guidelines.guidelines, name="guidelines"),
    path("p/<slug:project>/guidelines/v<int:number>/", guidelines.guideline, name="guideline"),
]
