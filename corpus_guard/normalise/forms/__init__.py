"""Records as people pack them, unpacked: texts that hold data, exports of tools, records in records."""
