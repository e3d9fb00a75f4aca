from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("projects", "0003_score_details")]

    operations = [
        migrations.AddField("membership", "qualifications", models.JSONField(blank=True, default=list)),
        migrations.AddField("membership", "languages", models.JSONField(blank=True, default=list)),
    ]
