"""The shared cache holds rate limits, so it must exist as soon as the schema does: `migrate` alone is enough."""

from typing import Any

from django.core.management import call_command
from django.db import migrations

TABLE = "adjudge_cache"


def make(apps: Any, schema_editor: Any) -> None:
    call_command("createcachetable", TABLE, database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = []

    operations = [
        migrations.RunPython(make, lambda apps, schema_editor: schema_editor.execute(f"DROP TABLE {TABLE}")),
    ]
