from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("kernel", "0001_create_outbox_jobs_and_rate_counters")]

    operations = [
        migrations.RemoveIndex(model_name="outboxevent", name="outbox_cursor"),
        migrations.RemoveIndex(model_name="outboxevent", name="outbox_created_at"),
    ]
