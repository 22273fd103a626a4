"""Files that the package ships."""
