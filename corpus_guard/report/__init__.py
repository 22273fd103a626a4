"""What a scan says: on the terminal, in `report.json`, in `rows.parquet`, and about its rules."""
