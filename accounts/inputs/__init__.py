"""Request shapes of accounts, users and teams."""
