"""Disputes; what was said in them is append-only, as statements are."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


TABLE = "lineage_disputeevent"
SQLITE = """
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END
"""
POSTGRESQL = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
FOR EACH ROW EXECUTE FUNCTION baimo_append_only()
"""
VERBS = ("UPDATE", "DELETE")


def add_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for verb in VERBS:
            schema_editor.execute(SQLITE.format(table=TABLE, verb=verb))
        return
    schema_editor.execute(POSTGRESQL.format(table=TABLE))


def remove_triggers(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        for verb in VERBS:
            schema_editor.execute(f"DROP TRIGGER {TABLE}_no_{verb}")
        return
    schema_editor.execute(f"DROP TRIGGER {TABLE}_append_only ON {TABLE}")


class Migration(migrations.Migration):

    dependencies = [
        ('lineage', '0006_hearing'),
        ('registry', '0007_tags'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Dispute',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('fact', models.CharField(blank=True, max_length=24)),
                ('opened_at', models.DateTimeField(auto_now_add=True)),
                ('answer_until', models.DateTimeField()),
                ('state', models.CharField(choices=[('open', 'open'), ('answered', 'answered'), ('upheld', 'upheld'), ('amended', 'amended'), ('rejected', 'rejected'), ('withdrawn', 'taken back')], default='open', max_length=10)),
                ('derivation', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='lineage.derivation')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='registry.registeredmodel')),
                ('opened_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to=settings.AUTH_USER_MODEL)),
                ('verification', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='disputes', to='lineage.verification')),
            ],
        ),
        migrations.AddField(
            model_name='statement',
            name='dispute',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='statements', to='lineage.dispute'),
        ),
        migrations.AddField(
            model_name='verification',
            name='dispute',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='lineage.dispute'),
        ),
        migrations.CreateModel(
            name='DisputeEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('opened', 'contested it'), ('added', 'added'), ('answered', 'answered'), ('upheld', 'upheld the dispute'), ('amended', 'upheld it in part'), ('rejected', 'rejected the dispute'), ('withdrawn', 'took the dispute back')], max_length=10)),
                ('text', models.TextField(blank=True)),
                ('evidence', models.JSONField(default=list)),
                ('ruling', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('dispute', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='lineage.dispute')),
            ],
        ),
        migrations.AddIndex(
            model_name='dispute',
            index=models.Index(fields=['state', 'answer_until'], name='dispute_due'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('derivation', None), ('verification', None), models.Q(('fact', ''), _negated=True)), models.Q(('derivation__isnull', False), ('fact', ''), ('verification', None)), models.Q(('derivation', None), ('fact', ''), ('verification__isnull', False)), _connector='OR'), name='dispute_on_one_thing'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('open', 'answered')), models.Q(('fact', ''), _negated=True)), fields=('opened_by', 'model', 'fact'), name='one_open_dispute_on_fact'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('open', 'answered')), ('derivation__isnull', False)), fields=('opened_by', 'derivation'), name='one_open_dispute_on_derivation'),
        ),
        migrations.AddConstraint(
            model_name='dispute',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('open', 'answered')), ('verification__isnull', False)), fields=('opened_by', 'verification'), name='one_open_dispute_on_verification'),
        ),
        migrations.RunPython(add_triggers, remove_triggers),
    ]
