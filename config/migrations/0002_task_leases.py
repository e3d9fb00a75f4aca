import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("config", "0001_cache_table"),
        ("django_tasks_database", "0021_conditional_partial_index_ordering"),
    ]

    operations = [
        migrations.CreateModel(
            name="TaskLease",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=200, unique=True)),
                ("worker", models.CharField(blank=True, max_length=64)),
                ("until", models.DateTimeField(blank=True, help_text="Empty: nobody is at it.", null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("done_at", models.DateTimeField(blank=True, null=True)),
                ("problem", models.TextField(blank=True, help_text="Why it was given up, in words.")),
                (
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lease",
                        to="django_tasks_database.dbtaskresult",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until__isnull", True), models.Q(("worker", ""), _negated=True), _connector="OR"
                        ),
                        name="tasklease_held_by_somebody",
                    )
                ],
            },
        ),
    ]
