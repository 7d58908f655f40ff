"""What was built, told to people: made from manifests only."""
