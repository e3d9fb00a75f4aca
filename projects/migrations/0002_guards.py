from django.db import migrations

from projects.guards import GUARDS, install_guards


class Migration(migrations.Migration):
    dependencies = [("projects", "0001_initial")]

    operations = [install_guards(GUARDS)]
