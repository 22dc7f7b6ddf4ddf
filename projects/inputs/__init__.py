"""Request shapes of projects, their keys, platforms and policies."""
