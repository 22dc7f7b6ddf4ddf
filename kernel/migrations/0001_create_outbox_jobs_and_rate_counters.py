import django.contrib.postgres.fields
import django.db.models.functions.datetime
import kernel.models
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='RateCounter',
            fields=[
                ('key', models.TextField(primary_key=True, serialize=False)),
                ('window_start', models.BigIntegerField()),
                ('hits', models.IntegerField()),
            ],
            options={
                'db_table': 'rate_counter',
            },
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('name', models.TextField()),
                ('arguments', models.JSONField(default=dict)),
                ('status', models.TextField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='waiting')),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('lease_token', models.UUIDField(null=True)),
                ('run_after', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('leased_until', models.DateTimeField(null=True)),
                ('rung_at', models.DateTimeField(null=True)),
                ('error', models.TextField(default='')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'job',
                'indexes': [models.Index(condition=models.Q(('status__in', ['waiting', 'running'])), fields=['run_after'], name='job_open'), models.Index(fields=['finished_at'], name='job_finished_at')],
            },
        ),
        migrations.CreateModel(
            name='OutboxEvent',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('xid', kernel.models.TransactionIdField(db_default=kernel.models.CurrentTransactionId(), editable=False)),
                ('project_id', models.BigIntegerField()),
                ('name', models.TextField()),
                ('payload', models.JSONField()),
                ('roles', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                ('actor', models.TextField(db_default='')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'db_table': 'outbox',
                'indexes': [models.Index(fields=['xid', 'id'], name='outbox_cursor'), models.Index(fields=['project_id', 'xid', 'id'], name='outbox_project_cursor'), models.Index(fields=['created_at'], name='outbox_created_at')],
            },
        ),
        # Counters may be lost in a crash, so they need no write-ahead log.
        migrations.RunSQL(
            "ALTER TABLE rate_counter SET UNLOGGED", "ALTER TABLE rate_counter SET LOGGED"
        ),
    ]
