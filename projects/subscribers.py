"""What projects hear: that one of them changed in another process."""

from kernel import notify
from projects.services import drop_project
from projects.services.directory import CHANNEL

notify.listen(CHANNEL, drop_project)
