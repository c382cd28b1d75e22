import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A plain ADD COLUMN on both databases, which leaves the triggers alone."""

    dependencies = [
        ("lineage", "0003_change"),
        ("registry", "0005_hub_import"),
    ]
    operations = [
        migrations.AddField(
            model_name="verification",
            name="compared_revision",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="registry.revision",
            ),
        ),
    ]
