"""Request shapes of documents."""
