"""What the commands print for people: how a run went, the state of an archive, an article."""
