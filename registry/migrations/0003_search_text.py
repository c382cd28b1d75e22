"""Write the search text of every entry as searches now look for it."""

from django.db import migrations

from registry.search import searchable


def rewrite(apps, schema_editor):
    """Rewrite the names that are searched."""
    models = apps.get_model("registry", "RegisteredModel").objects
    for model in models.select_related("organization").iterator():
        team = model.organization
        names = [model.slug, model.name, model.name_zh, model.family, *model.aliases]
        if team is not None:
            names += [team.slug, team.name, team.name_zh]
        names += model.hub_repos.order_by("id").values_list("repo_id", flat=True)
        models.filter(pk=model.pk).update(search_text=searchable(names))


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_architecture")]
    operations = [migrations.RunPython(rewrite, migrations.RunPython.noop)]
