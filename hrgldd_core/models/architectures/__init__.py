"""One file an architecture; its name is the file's, and ``build`` makes it."""
