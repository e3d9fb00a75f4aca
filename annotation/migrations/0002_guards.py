from django.db import migrations

from annotation.guards import GUARDS
from projects.guards import install_guards


class Migration(migrations.Migration):
    dependencies = [("annotation", "0001_initial")]

    operations = [install_guards(GUARDS)]
