"""The two ways into the archive: over the network, and from pages that somebody has saved."""
