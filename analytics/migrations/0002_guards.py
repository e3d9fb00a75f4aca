from django.db import migrations

from analytics.guards import GUARDS
from projects.guards import install_guards


class Migration(migrations.Migration):
    dependencies = [("analytics", "0001_initial")]

    operations = [install_guards(GUARDS)]
