"""The console's admin site, made the default one so that apps register with `@admin.register`."""

from unfold.sites import UnfoldAdminSite


class ConsoleSite(UnfoldAdminSite):
    """Django's admin as the console of the installation."""

    site_title = "Console"
    site_header = "Console"
    index_title = "Overview"
