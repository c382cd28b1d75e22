import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lineage', '0004_compared_revision'),
        ('registry', '0007_tags'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Hearing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('findings', models.JSONField(default=list)),
                ('until', models.DateTimeField()),
                ('end', models.CharField(blank=True, choices=[('published', 'published'), ('cleared', 'cleared by a correction'), ('replaced', 'replaced by a newer verdict')], max_length=10)),
                ('ended_at', models.DateTimeField(null=True)),
                ('answer', models.TextField(blank=True, max_length=4000, verbose_name='answer')),
                ('answered_at', models.DateTimeField(null=True)),
                ('answered_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('ended_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='ended', to='lineage.verification')),
                ('verification', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='hearing', to='lineage.verification')),
            ],
        ),
        migrations.AddIndex(
            model_name='hearing',
            index=models.Index(fields=['end', 'until'], name='hearing_due'),
        ),
    ]
