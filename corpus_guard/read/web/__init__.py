"""Web pages, and the archives of crawls that hold them."""
