import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

from annotation.guards import GUARDS
from projects.guards import drop_guards, install_guards

# It reads the seats, whose table SQLite makes anew.
READS_SEATS = [guard for guard in GUARDS if guard.name == "guard_judgment_closed"]
SEAT_STATES = ["active", "training", "failed", "paused", "closed"]


class Migration(migrations.Migration):
    """Seats may be in training. Those that are there stay as they are."""

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("annotation", "0009_tallies_of_systems"),
    ]

    operations = [
        drop_guards(READS_SEATS),
        migrations.RemoveConstraint("seat", "seat_state_known"),
        migrations.AlterField(
            "seat",
            "state",
            models.CharField(
                choices=[
                    ("active", "Active"),
                    ("training", "In training"),
                    ("failed", "Training not passed"),
                    ("paused", "Paused"),
                    ("closed", "Closed"),
                ],
                default="active",
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            "seat", models.CheckConstraint(condition=Q(state__in=SEAT_STATES), name="seat_state_known")
        ),
        install_guards(READS_SEATS),
        migrations.CreateModel(
            name="TrainingTry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("n", models.PositiveSmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Under way"),
                            ("passed", "Passed"),
                            ("failed", "Not passed"),
                            ("waved", "Let through"),
                        ],
                        default="running",
                        max_length=7,
                    ),
                ),
                ("right", models.PositiveIntegerField(default=0, help_text="Known answers that were given.")),
                ("asked", models.PositiveIntegerField(default=0)),
                ("forgiven", models.BooleanField(default=False)),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "seat",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="training_tries",
                        to="annotation.seat",
                    ),
                ),
            ],
            options={
                "ordering": ["seat", "n"],
                "constraints": [
                    models.UniqueConstraint(fields=("seat", "n"), name="trainingtry_once"),
                    models.UniqueConstraint(
                        condition=Q(state="running"), fields=("seat",), name="trainingtry_one_running"
                    ),
                    models.CheckConstraint(
                        condition=Q(state__in=["running", "passed", "failed", "waved"]),
                        name="trainingtry_state_known",
                    ),
                    models.CheckConstraint(condition=Q(right__lte=F("asked")), name="trainingtry_right_of_asked"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TrainingStep",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "right",
                    models.PositiveSmallIntegerField(blank=True, help_text="Empty: not answered yet.", null=True),
                ),
                ("asked", models.PositiveSmallIntegerField(default=0)),
                (
                    "assignment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="training_step",
                        to="annotation.assignment",
                    ),
                ),
                (
                    "attempt",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="annotation.trainingtry",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(right__isnull=True) | Q(right__lte=F("asked")),
                        name="trainingstep_right_of_asked",
                    ),
                ],
            },
        ),
    ]
