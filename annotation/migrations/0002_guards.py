from django.db import migrations

from annotation.guards import ADJUDICATION_GUARDS, GUARDS
from projects.guards import install_guards

# These name columns that come in 0006, which installs them.
LATER = {guard.name for guard in ADJUDICATION_GUARDS}


class Migration(migrations.Migration):
    dependencies = [("annotation", "0001_initial")]

    operations = [install_guards([guard for guard in GUARDS if guard.name not in LATER])]
