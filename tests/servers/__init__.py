"""Small servers of the tests' own, on the loopback interface only."""
