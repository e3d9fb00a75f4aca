from django.db import migrations, models

from annotation.guards import GUARDS
from projects.guards import drop_guards, install_guards

# It reads the seats, whose table SQLite makes anew.
READS_SEATS = [guard for guard in GUARDS if guard.name == "guard_judgment_closed"]


class Migration(migrations.Migration):
    dependencies = [("annotation", "0003_leak_decisions")]

    operations = [
        drop_guards(READS_SEATS),
        migrations.AddField("seat", "checked_until", models.BigIntegerField(default=0)),
        migrations.AddField(
            "seat",
            "paused_reason",
            models.CharField(blank=True, default="", help_text="For the lead.", max_length=200),
        ),
        install_guards(READS_SEATS),
    ]
