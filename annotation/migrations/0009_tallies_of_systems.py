from django.db import migrations

# How often the pair's first system (by id) stood on the left, less how often its second did, of what a rater holds or has
# judged. Outputs stand in the order they came in, which tallies took for the order of systems until now.
COUNTED = """
SELECT a.seat_id, t.pair,
       SUM(CASE WHEN (a.shown_order = '10') = (w0.system_id > w1.system_id) THEN 1 ELSE -1 END)
FROM annotation_assignment a
JOIN annotation_task t ON t.id = a.task_id
JOIN annotation_taskoutput z0 ON z0.task_id = t.id AND z0.position = 0
JOIN annotation_taskoutput z1 ON z1.task_id = t.id AND z1.position = 1
JOIN projects_output w0 ON w0.id = z0.output_id
JOIN projects_output w1 ON w1.id = z1.output_id
WHERE t.pair <> '' AND a.purpose <> 'imported' AND a.shown_order IN ('01', '10')
  AND (a.state IN (0, 1) OR (a.state = 3 AND a.closed_at IS NULL))
GROUP BY a.seat_id, t.pair"""


def count_again(apps, schema_editor):
    """Where the two orders were mixed the sides may be uneven already: then as near as the tally may be."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(COUNTED)
        counted = {(seat, pair): max(-1, min(1, int(d))) for seat, pair, d in cursor.fetchall()}
        cursor.execute("SELECT id, seat_id, pair, d FROM annotation_sidetally")
        for pk, seat, pair, d in cursor.fetchall():
            if counted.get((seat, pair), 0) != d:
                cursor.execute(
                    "UPDATE annotation_sidetally SET d = %s WHERE id = %s", [counted.get((seat, pair), 0), pk]
                )


class Migration(migrations.Migration):
    dependencies = [("annotation", "0008_seat_guideline_read_at")]

    operations = [migrations.RunPython(count_again, migrations.RunPython.noop)]
