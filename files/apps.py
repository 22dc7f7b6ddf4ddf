"""Files: buckets. Nothing is served yet."""

from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "files"
