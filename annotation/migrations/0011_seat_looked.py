from django.db import migrations, models


class Migration(migrations.Migration):
    """A column that may be empty is added without making the table anew, so no guard goes with it."""

    dependencies = [("annotation", "0010_training")]

    operations = [
        migrations.AddField("seat", "looked", models.SmallIntegerField(blank=True, null=True)),
    ]
