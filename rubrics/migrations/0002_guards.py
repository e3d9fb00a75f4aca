from django.db import migrations

from projects.guards import install_guards
from rubrics.guards import GUARDS


class Migration(migrations.Migration):
    dependencies = [("rubrics", "0001_initial")]

    operations = [install_guards(GUARDS)]
