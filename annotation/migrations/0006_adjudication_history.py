from django.conf import settings
from django.db import migrations, models

from annotation.guards import ADJUDICATION_GUARDS
from projects.guards import drop_guards, install_guards


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0005_unblinding"),
        ("rubrics", "0002_guards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        drop_guards(ADJUDICATION_GUARDS),
        migrations.AddField(
            model_name="adjudication",
            name="unsettled",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="adjudication",
            name="withdrawn",
            field=models.BooleanField(default=False),
        ),
        migrations.AddConstraint(
            model_name="adjudication",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("unsettled", False), ("withdrawn", False)),
                    models.Q(("data__isnull", True), ("label", ""), ("number__isnull", True)),
                    _connector="OR",
                ),
                name="adjudication_without_answer_is_empty",
            ),
        ),
        migrations.AddConstraint(
            model_name="adjudication",
            constraint=models.CheckConstraint(
                condition=models.Q(("withdrawn", False), ("current", False), _connector="OR"),
                name="adjudication_withdrawn_is_not_current",
            ),
        ),
        install_guards(ADJUDICATION_GUARDS),
    ]
