from django.urls import path

from projects.views import checks, home, imports, invitations, inviting, items, media, metrics, people, settings

app_name = "projects"

urlpatterns = [
    path("help/", home.help_page, name="help"),
    path("projects/new/", home.new, name="new"),
    path("invitation/<str:token>/", invitations.invitation, name="invitation"),
    path("p/<slug:project>/import/", imports.import_upload, name="import"),
    path("p/<slug:project>/import/mappings/<int:mapping>/", imports.import_mapping, name="import_mapping"),
    path("p/<slug:project>/import/<int:batch>/", imports.import_preview, name="import_preview"),
    path("p/<slug:project>/items/", items.item_list, name="items"),
    path("p/<slug:project>/items/tag/", items.item_tag, name="items_tag"),
    path("p/<slug:project>/items/<int:item>/", items.item_detail, name="item"),
    path("p/<slug:project>/files/", media.media_list, name="media"),
    path("p/<slug:project>/files/<str:media>/", media.media_file, name="media_file"),
    path("p/<slug:project>/scores/", metrics.metric_list, name="metrics"),
    path("p/<slug:project>/checks/", checks.checks, name="checks"),
    path("p/<slug:project>/checks/<int:batch>/stop/", checks.checks_stop, name="checks_stop"),
    path("p/<slug:project>/scores/<int:metric>/", metrics.metric_edit, name="metric"),
    path("p/<slug:project>/people/", people.people, name="people"),
    path(
        "p/<slug:project>/people/invitations/<int:invitation>/revoke/",
        people.invitation_revoke,
        name="invitation_revoke",
    ),
    path("p/<slug:project>/people/list/", inviting.invite_list, name="invite_list"),
    path("p/<slug:project>/people/list/links/", inviting.invite_file, name="invite_file"),
    path("p/<slug:project>/settings/", settings.settings, name="settings"),
]
