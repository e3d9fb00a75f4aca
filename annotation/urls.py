from django.urls import path

from annotation.views import (
    adjudication,
    assigning,
    exclusions,
    exports,
    items,
    joining,
    known,
    leaks,
    media,
    participants,
    pay,
    people,
    practice,
    rater,
    raters,
    review,
    round_link,
    rounds,
    successors,
    unblinding,
)

app_name = "annotation"

urlpatterns = [
    path("p/<slug:project>/people/<int:member>/", people.member_change, name="member_change"),
    path("p/<slug:project>/people/<int:member>/remove/", people.member_remove, name="member_remove"),
    path("p/<slug:project>/items/act/", items.items_act, name="items_act"),
    path("p/<slug:project>/files/<str:media>/change/", media.media_change, name="media_change"),
    path("take-part/<str:token>/", round_link.round_link, name="round_link"),
    path("join/<str:join>/", joining.join, name="join"),
    path("rate/", rater.home, name="home"),
    path("rate/<str:public_id>/", rater.rate, name="rate"),
    path("rate/<str:public_id>/begin/", rater.begin, name="begin"),
    path("rate/<str:public_id>/practice/", practice.begin, name="practice"),
    path("rate/<str:public_id>/feedback/<str:task>/", practice.feedback, name="feedback"),
    path("rate/<str:public_id>/submit/", rater.submit, name="submit"),
    path("rate/<str:public_id>/draft/", rater.draft, name="draft"),
    path("rate/<str:public_id>/skip/", rater.skip, name="skip"),
    path("rate/<str:public_id>/flag/", rater.flag, name="flag"),
    path("rate/<str:public_id>/comment/", rater.comment, name="comment"),
    path("rate/<str:public_id>/history/", rater.history, name="history"),
    path("rate/<str:public_id>/guidelines/", rater.guidelines, name="guidelines"),
    path("rate/<str:public_id>/shown/<str:task>/<int:n>/", rater.shown_file, name="shown_file"),
    path("rate/<str:public_id>/again/<str:task>/", rater.again, name="again"),
    path("p/<slug:project>/rounds/", rounds.round_list, name="rounds"),
    path("p/<slug:project>/rounds/new/", rounds.new, name="round_new"),
    path("p/<slug:project>/rounds/<slug:round>/", rounds.detail, name="round"),
    path("p/<slug:project>/rounds/<slug:round>/leaks/", leaks.leaks, name="leaks"),
    path("p/<slug:project>/rounds/<slug:round>/leaks/terms/", leaks.leak_terms, name="leak_terms"),
    path("p/<slug:project>/rounds/<slug:round>/leaks/act/", leaks.leak_act, name="leak_act"),
    path("p/<slug:project>/rounds/<slug:round>/raters/<int:seat>/", exclusions.exclusion, name="exclusion"),
    path("p/<slug:project>/rounds/<slug:round>/raters/<int:seat>/resume/", exclusions.resume, name="seat_resume"),
    path("p/<slug:project>/rounds/<slug:round>/adjudication/", adjudication.adjudication, name="adjudication"),
    path(
        "p/<slug:project>/rounds/<slug:round>/adjudication/<int:case>/<str:question>/", adjudication.case, name="case"
    ),
    path("p/<slug:project>/rounds/<slug:round>/review/", review.queue, name="review"),
    path("p/<slug:project>/rounds/<slug:round>/review/<int:assignment>/", review.judgment, name="review_one"),
    path("p/<slug:project>/rounds/<slug:round>/key/", unblinding.key, name="key"),
    path("p/<slug:project>/rounds/<slug:round>/export/", exports.export, name="export"),
    path("p/<slug:project>/rounds/<slug:round>/export/<slug:kind>/", exports.export_file, name="export_file"),
    path("p/<slug:project>/rounds/<slug:round>/raters/<int:seat>/place/", exclusions.place, name="seat_place"),
    path("p/<slug:project>/rounds/<slug:round>/again/", successors.succeed, name="round_succeed"),
    path("p/<slug:project>/rounds/<slug:round>/raters/<int:seat>/free/", exclusions.free, name="task_free"),
    path("p/<slug:project>/rounds/<slug:round>/messages/<int:assignment>/", rounds.message, name="message"),
    *(
        path(f"p/<slug:project>/rounds/<slug:round>/{kind}/{end}", view, {"kind": kind}, name=f"{kind}{name}")
        for kind in known.TITLES
        for end, view, name in (
            ("", known.answers, ""),
            ("task/", known.task, "_task"),
            ("<int:case>/remove/", known.remove, "_remove"),
        )
    ),
    path("p/<slug:project>/rounds/<slug:round>/raters/<int:seat>/training/", known.decide, name="training_decide"),
    path("p/<slug:project>/rounds/<slug:round>/assign/", assigning.assign, name="assign"),
    path("p/<slug:project>/rounds/<slug:round>/assign/<int:slot>/", assigning.move, name="place_move"),
    path("p/<slug:project>/rounds/<slug:round>/add-raters/", raters.raters, name="raters"),
    path(
        "p/<slug:project>/rounds/<slug:round>/add-raters/<int:rater_link>/revoke/",
        raters.link_revoke,
        name="round_link_revoke",
    ),
    path("p/<slug:project>/rounds/<slug:round>/participants/", participants.participants, name="participants"),
    path(
        "p/<slug:project>/rounds/<slug:round>/participants/<int:participant>/erase/",
        participants.erase,
        name="participant_erase",
    ),
    path("p/<slug:project>/rounds/<slug:round>/pay/", pay.pay, name="pay"),
    path("p/<slug:project>/rounds/<slug:round>/extend/", rounds.extend, name="round_extend"),
    *(
        path(f"p/<slug:project>/rounds/<slug:round>/{act}/", rounds.act, {"act": act}, name=f"round_{act}")
        for act in rounds.ACTS
    ),
    path("p/<slug:project>/rounds/<slug:round>/flags/<int:flag>/", rounds.flag_resolve, name="flag_resolve"),
]
