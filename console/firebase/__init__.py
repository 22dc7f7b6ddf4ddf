"""What comes from Firebase: its files read, a plan made of them, and the plan carried out."""
