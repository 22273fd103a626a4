"""From words to vectors, and from an n-gram's hash back to words."""
