import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0002_guards"),
        ("projects", "0002_guards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LeakDecision",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=120)),
                ("digest", models.CharField(max_length=64)),
                (
                    "decision",
                    models.CharField(
                        choices=[("accept", "Stays"), ("exclude", "Item left out of the round")], max_length=7
                    ),
                ),
                ("decided_at", models.DateTimeField(auto_now_add=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="projects.item"
                    ),
                ),
                (
                    "output",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="projects.output",
                    ),
                ),
                (
                    "round",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="leak_decisions",
                        to="annotation.round",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("output__isnull", True)),
                        fields=("round", "item", "key"),
                        name="leakdecision_item_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("output__isnull", False)),
                        fields=("round", "output", "key"),
                        name="leakdecision_output_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decision__in", ["accept", "exclude"])), name="leakdecision_known"
                    ),
                ],
            },
        ),
    ]
