"""What is due: which articles and assets a run is to ask for, by what the archive holds of them."""
