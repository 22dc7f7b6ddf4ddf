import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('documents', '0007_find_words'),
        ('projects', '0003_add_key_descriptions_and_platform_fingerprints'),
    ]

    operations = [
        migrations.CreateModel(
            name='DocumentTransaction',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('uid', models.CharField(max_length=36)),
                ('user_uid', models.CharField(max_length=36)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('committed', 'Committed'), ('failed', 'Failed')], default='pending', max_length=16)),
                ('operation_count', models.PositiveIntegerField(default=0)),
                ('size_bytes', models.PositiveBigIntegerField(default=0)),
                ('expires_at', models.DateTimeField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('project', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='transactions', to='projects.project')),
            ],
            options={
                'db_table': 'document_transaction',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='StagedOperation',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('service', models.CharField(max_length=64)),
                ('dialect', models.PositiveSmallIntegerField()),
                ('arguments', models.TextField()),
                ('actor_uid', models.CharField(max_length=36)),
                ('is_privileged', models.BooleanField()),
                ('touched', models.JSONField(default=list)),
                ('transaction', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='operations', to='documents.documenttransaction')),
            ],
            options={
                'db_table': 'document_staged_operation',
                'default_permissions': (),
            },
        ),
        migrations.AddIndex(
            model_name='documenttransaction',
            index=models.Index(fields=['project', 'user_uid'], name='document_transaction_owner'),
        ),
        migrations.AddIndex(
            model_name='documenttransaction',
            index=models.Index(fields=['expires_at'], name='document_transaction_expiry'),
        ),
        migrations.AddConstraint(
            model_name='documenttransaction',
            constraint=models.UniqueConstraint(fields=('project', 'uid'), name='document_transaction_uid'),
        ),
    ]
