"""Arrow and Parquet: what files claim of themselves, checked before anything is unpacked."""
