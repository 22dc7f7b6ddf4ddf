import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='SigningKey',
            fields=[
                ('kid', models.CharField(max_length=36, primary_key=True, serialize=False)),
                ('salt', models.BinaryField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'db_table': 'signing_key',
            },
        ),
        migrations.CreateModel(
            name='Project',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('uid', models.CharField(max_length=36, unique=True)),
                ('name', models.CharField(max_length=128)),
                ('team_uid', models.CharField(blank=True, default='', max_length=36)),
                ('session_seconds', models.PositiveIntegerField(default=31536000)),
                ('session_limit', models.PositiveIntegerField(default=10)),
                ('user_limit', models.PositiveIntegerField(default=0)),
                ('requires_verified_email', models.BooleanField(default=False)),
                ('disabled_services', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=36), blank=True, default=list, size=None)),
                ('disabled_protocols', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=36), blank=True, default=list, size=None)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('deleted_at', models.DateTimeField(editable=False, null=True)),
            ],
            options={
                'db_table': 'project',
                'indexes': [models.Index(fields=['team_uid'], name='project_team')],
            },
        ),
        migrations.CreateModel(
            name='Platform',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('uid', models.CharField(max_length=36)),
                ('type', models.CharField(max_length=32)),
                ('name', models.CharField(max_length=128)),
                ('hostname', models.CharField(blank=True, default='', max_length=253)),
                ('key', models.CharField(blank=True, default='', max_length=256)),
                ('store', models.CharField(blank=True, default='', max_length=256)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='platforms', to='projects.project')),
            ],
            options={
                'db_table': 'platform',
                'constraints': [models.UniqueConstraint(fields=('project', 'uid'), name='platform_uid')],
            },
        ),
        migrations.CreateModel(
            name='Key',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('uid', models.CharField(max_length=36)),
                ('name', models.CharField(max_length=128)),
                ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, size=None)),
                ('digest', models.BinaryField(unique=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('accessed_at', models.DateTimeField(editable=False, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='keys', to='projects.project')),
            ],
            options={
                'db_table': 'api_key',
                'constraints': [models.UniqueConstraint(fields=('project', 'uid'), name='api_key_uid')],
            },
        ),
    ]
