import django.db.models.deletion
from django.db import migrations, models

from annotation.guards import GUARDS
from projects.guards import drop_guards, install_guards

# It reads the assignments, whose table SQLite makes anew.
READS_ASSIGNMENTS = [guard for guard in GUARDS if guard.name == "guard_judgment_closed"]


class Migration(migrations.Migration):
    dependencies = [("annotation", "0006_adjudication_history")]

    operations = [
        drop_guards(READS_ASSIGNMENTS),
        migrations.AddField(
            "assignment",
            "draw_note",
            models.CharField(blank=True, default="", help_text="Why the probability is not known.", max_length=20),
        ),
        install_guards(READS_ASSIGNMENTS),
        migrations.CreateModel(
            "Renewal",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField()),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("n_judgments", models.PositiveIntegerField(default=0, help_text="That the order rests on.")),
                (
                    "words",
                    models.CharField(
                        blank=True, default="", help_text="What is least sure, for the lead.", max_length=300
                    ),
                ),
                (
                    "round",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="renewal", to="annotation.round"
                    ),
                ),
            ],
        ),
    ]
