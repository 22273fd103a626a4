"""What detectors share, yours too: findings, statistics, marks of records, groups of rows."""
