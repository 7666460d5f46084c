"""One module a command: options in, one function called, result out."""
