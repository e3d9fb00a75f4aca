from django.db import migrations, models


class Migration(migrations.Migration):
    """Empty for those who began before: they are asked only if they have not judged anything yet. A column that may be
    empty is added without making the table anew, so no guard goes with it."""

    dependencies = [("annotation", "0007_strategies")]

    operations = [
        migrations.AddField("seat", "guideline_read_at", models.DateTimeField(blank=True, null=True)),
    ]
