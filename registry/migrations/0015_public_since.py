from django.db import migrations, models
from django.db.models import F


def fill(apps, schema_editor):
    revisions = apps.get_model("registry", "Revision").objects
    revisions.filter(model__private=False).update(public_since=F("created_at"))


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0014_private_models'),
    ]

    operations = [
        migrations.AddField(
            model_name='revision',
            name='public_since',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
