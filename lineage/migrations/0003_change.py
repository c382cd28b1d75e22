"""Let the database itself keep the log of derivations, whoever writes them."""

import django.db.models.deletion
from django.db import migrations, models

SQLITE = (
    """
CREATE TRIGGER lineage_derivation_log_insert AFTER INSERT ON lineage_derivation
BEGIN INSERT INTO lineage_change (derivation_id, at)
VALUES (NEW.id, strftime('%Y-%m-%d %H:%M:%f', 'now')); END
""",
    """
CREATE TRIGGER lineage_derivation_log_update AFTER UPDATE OF state ON lineage_derivation
WHEN OLD.state <> NEW.state
BEGIN INSERT INTO lineage_change (derivation_id, at)
VALUES (NEW.id, strftime('%Y-%m-%d %H:%M:%f', 'now')); END
""",
)
SQLITE_APPEND_ONLY = """
CREATE TRIGGER lineage_change_no_{verb} BEFORE {verb} ON lineage_change
BEGIN SELECT RAISE(ABORT, 'lineage_change is append-only'); END
"""
POSTGRESQL = (
    """
CREATE FUNCTION baimo_log_derivation() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO lineage_change (derivation_id, at)
   VALUES (NEW.id, clock_timestamp()); RETURN NULL; END $$
""",
    """
CREATE TRIGGER lineage_derivation_log_insert AFTER INSERT ON lineage_derivation
FOR EACH ROW EXECUTE FUNCTION baimo_log_derivation()
""",
    """
CREATE TRIGGER lineage_derivation_log_update AFTER UPDATE OF state ON lineage_derivation
FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION baimo_log_derivation()
""",
    """
CREATE TRIGGER lineage_change_append_only BEFORE UPDATE OR DELETE ON lineage_change
FOR EACH ROW EXECUTE FUNCTION baimo_append_only()
""",
)
WHAT_IS_THERE = """
INSERT INTO lineage_change (derivation_id, at)
SELECT id, created_at FROM lineage_derivation ORDER BY id
"""


def add_triggers(apps, schema_editor):
    schema_editor.execute(WHAT_IS_THERE)
    if schema_editor.connection.vendor == "sqlite":
        for statement in SQLITE:
            schema_editor.execute(statement, params=None)
        for verb in ("UPDATE", "DELETE"):
            schema_editor.execute(SQLITE_APPEND_ONLY.format(verb=verb))
        return
    for statement in POSTGRESQL:
        schema_editor.execute(statement, params=None)


def remove_triggers(apps, schema_editor):
    on_derivations = ("lineage_derivation_log_insert", "lineage_derivation_log_update")
    if schema_editor.connection.vendor == "sqlite":
        for name in (*on_derivations, "lineage_change_no_UPDATE", "lineage_change_no_DELETE"):
            schema_editor.execute(f"DROP TRIGGER {name}")
        return
    for name in on_derivations:
        schema_editor.execute(f"DROP TRIGGER {name} ON lineage_derivation")
    schema_editor.execute("DROP TRIGGER lineage_change_append_only ON lineage_change")
    schema_editor.execute("DROP FUNCTION baimo_log_derivation()")


class Migration(migrations.Migration):
    dependencies = [("lineage", "0002_append_only")]
    operations = [
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "derivation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="lineage.derivation",
                    ),
                ),
            ],
        ),
        migrations.RunPython(add_triggers, remove_triggers),
    ]
