"""Health: is what a run got what a healthy channel yields? Judged against the archive's own past; pure, no clock."""
